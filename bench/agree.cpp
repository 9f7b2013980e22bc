// SPDX-License-Identifier: Apache-2.0
#include "bench/agree.hpp"

#include <array>
#include <fmt/format.h>
#include <new>

namespace maru {

std::optional<AgreedError> attempt_together(World& world, std::function<void()> const& action,
                                            std::function<std::string(std::size_t)> const& introduce) {
  std::string fault;
  auto code = Exit::good;
  try {
    action();
  } catch (Error const& error) {
    fault = error.what();
    code = error.code();
  } catch (std::bad_alloc const&) {
    fault = "out of memory";
    code = Exit::incomplete;
  } catch (std::exception const& error) {
    fault = error.what();
    code = Exit::incomplete;
  }
  std::array<double, 1> worst{static_cast<double>(code)};
  world.all_reduce_max(worst);
  if (worst[0] == 0) return std::nullopt;
  std::string first;
  auto const faults = world.gather_text(fault);
  for (std::size_t rank = 0; rank < faults.size() && first.empty(); ++rank)
    if (!faults[rank].empty()) first = introduce(rank) + faults[rank];
  return AgreedError(static_cast<Exit>(static_cast<int>(worst[0])), world.broadcast_text(first));
}

void all_or_none(World& world, std::function<void()> const& action) {
  auto const introduce = [](std::size_t rank) { return rank == 0 ? std::string() : fmt::format("rank {}: ", rank); };
  if (auto const error = attempt_together(world, action, introduce)) throw *error;
}

void on_rank0(World& world, std::function<void()> const& action) {
  all_or_none(world, [&] {
    if (world.rank() == 0) action();
  });
}

} // namespace maru
