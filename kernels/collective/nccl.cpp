// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/collective/nccl_exchange.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

class NcclCollective final : public Work {
public:
  explicit NcclCollective(std::unique_ptr<NcclExchange> exchange) : exchange_(std::move(exchange)) {}

  /// In place, repeated sums grow until they are inf (s32 wraps): GPUs add those at the same speed.
  void call() override { exchange_->enqueue(); }

  Verification verify() override {
    exchange_->refresh();
    {
      NcclListener const listener;
      call();
      exchange_->lane().wait();
      choice_ = listener.heard();
    }
    return exchange_->check();
  }

  Lane& lane() override { return exchange_->lane(); }
  std::string implementation() const override { return answer_text(*exchange_, choice_); }

private:
  std::unique_ptr<NcclExchange> exchange_;
  std::optional<NcclChoice> choice_;
};

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const collective = std::get_if<Collective>(&operation);
  if (!collective) return Skipped{fmt::format("communicates only, and has no {}", name(operation))};
  return refuse_exchange(*collective);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& collective = std::get<Collective>(operation);
  check_members(collective, site);
  // First of all: nothing that one rank alone meets may come before what all of them do together.
  auto& communicator = nccl_communicator(site, site.groups);
  return std::make_unique<NcclCollective>(make_nccl_exchange(collective, site, communicator));
}

} // namespace

std::string nccl_version() {
  int version = 0;
  MARU_CHECK(NcclApi, ncclGetVersion(&version));
  return fmt::format("NCCL {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

extern Backend const nccl_backend;
Backend const nccl_backend{"nccl",  "cuda",      "NCCL collectives and a ring of sends between GPUs", false, supports,
                           prepare, "collective"};

} // namespace maru
