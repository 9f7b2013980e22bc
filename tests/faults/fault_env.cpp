// SPDX-License-Identifier: Apache-2.0
#include "bench/fault.hpp"
#include "core/units.hpp"
#include "core/work.hpp"

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>

namespace maru {
namespace {

struct Delay {
  int rank;
  double seconds;
};

// MARU_TEST_DELAY_RANK=2:300us
std::optional<Delay> read_delay() {
  char const* text = std::getenv("MARU_TEST_DELAY_RANK");
  if (!text) return std::nullopt;
  std::string_view const view = text;
  auto const colon = view.find(':');
  return Delay{static_cast<int>(parse_integer(view.substr(0, colon), "MARU_TEST_DELAY_RANK", 0, 1 << 20)),
               parse_duration(view.substr(colon + 1), "MARU_TEST_DELAY_RANK")};
}

} // namespace

void before_coupled_call(int world_rank) {
  static std::optional<Delay> const delay = read_delay();
  if (!delay || delay->rank != world_rank) return;
  // Yields while it waits: on a machine with fewer cores than ranks, a hard spin would delay its neighbour as well.
  double const end = monotonic_seconds() + delay->seconds;
  while (monotonic_seconds() < end) std::this_thread::yield();
}

void before_telling(int world_rank) {
  char const* const text = std::getenv("MARU_TEST_STOP_RANK");
  if (text && parse_integer(text, "MARU_TEST_STOP_RANK", 0, 1 << 20) == world_rank) ::raise(SIGSTOP);
}

} // namespace maru
