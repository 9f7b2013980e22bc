// SPDX-License-Identifier: Apache-2.0
// A step of training with OpenBLAS and blocking MPI_Allreduce: every collective is exposed, since the next product
// needs its result.
#include "core/backend.hpp"
#include "core/error.hpp"
#include "kernels/collective/mpi_flight.hpp"
#include "kernels/random.hpp"
#include "kernels/step/engine.hpp"
#include "kernels/step/verify.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

/// Those that share a layer are neighbours; those that hold the same part of it are `tp` apart.
StepPlace place_of(Step const& step, Site const& site) {
  StepPlace place;
  place.threads = std::max(site.threads, 1);
  if (site.members.empty()) return place;
  place.tensor = site.index % step.tp;
  place.replica = site.index / step.tp;
  std::vector<std::int64_t> sharing, replicas;
  for (std::size_t i = 0; i < site.members.size(); ++i) {
    auto const member = static_cast<int>(i);
    if (member / step.tp == place.replica) sharing.push_back(site.members[i]);
    if (member % step.tp == place.tensor) replicas.push_back(site.members[i]);
  }
  place.sum_tensor = mpi_summation(sharing);
  place.sum_replicas = mpi_summation(replicas);
  return place;
}

/// The same step with communication left out.
class Silent final : public Work {
public:
  explicit Silent(StepEngine& engine) : engine_(engine) {}
  void call() override {
    StepSeconds unused;
    engine_.step(false, unused);
  }
  Verification verify() override { return {}; }

private:
  StepEngine& engine_;
};

class StepWork final : public Work {
public:
  StepWork(Step const& step, Site const& site)
      : step_(step), seed_(site.seed), engine_(step, place_of(step, site), seed_), silent_(engine_) {}

  void call() override {
    ++calls_;
    engine_.step(true, seconds_);
  }

  std::vector<Work*> beside() override { return step_.ranks > 1 ? std::vector<Work*>{&silent_} : std::vector<Work*>{}; }

  std::vector<double> take_parts() override {
    auto const calls = static_cast<double>(std::max<std::uint64_t>(calls_, 1));
    auto const& s = seconds_;
    std::vector<double> means{s.products, s.attention, s.other, s.optimizer, s.communication};
    for (auto& mean : means) mean /= calls;
    calls_ = 0;
    seconds_ = {};
    return means;
  }

  Verification verify() override {
    auto const small = check_small_step(step_, engine_.place(), random_bits(seed_, 3));
    call();
    return merge(small, check_finite(engine_));
  }

private:
  Step step_;
  std::uint64_t seed_, calls_ = 0;
  StepSeconds seconds_;
  StepEngine engine_;
  Silent silent_;
};

// Memory is given out when it is touched, so too much of it would end the whole job, not this case.
std::optional<Skipped> refuse_memory(Step const& step) {
  constexpr double usable = 0.9; // the rest is the system's, MPI's and the program's
  double const needed = step_bytes(step), there = static_cast<double>(step.memory_bytes);
  if (there <= 0 || needed <= usable * there) return std::nullopt;
  return Skipped{fmt::format("a rank needs {:.1f} GiB, and its share of the host's memory is {:.1f}: fewer layers, "
                             "more tp, or fewer ranks on a host",
                             needed * 0x1p-30, there * 0x1p-30)};
}

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const step = std::get_if<Step>(&operation);
  if (!step) return Skipped{fmt::format("takes steps of training, and has no {}", name(operation))};
  if (step->dtype != Dtype::f32) return Skipped{fmt::format("steps on hosts are in f32, not {}", name(step->dtype))};
  if (step->layers < 1 || step->tp < 1 || step->dp < 1 || step->sequences < 1 || step->tokens < 1)
    return Skipped{"a step of nothing"};
  if (auto const fault = fault_of_cut(step->model, step->tp); !fault.empty()) return Skipped{fault};
  if (step->model.hidden < 1 || step->model.head_dim < 1) return Skipped{"a model without widths"};
  auto const needed = static_cast<std::int64_t>(step->tp) * step->dp;
  if (needed != step->ranks)
    return Skipped{
        fmt::format("tp={} and dp={} are {} ranks, and here {} are left", step->tp, step->dp, needed, step->ranks)};
  if (auto skipped = refuse_memory(*step)) return skipped;
  return step->ranks > 1 ? refuse_mpi() : std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& step = std::get<Step>(operation);
  if (site.members.size() != static_cast<std::size_t>(step.ranks) && step.ranks > 1)
    throw Error(Exit::incomplete, fmt::format("a step of {} ranks was given {}", step.ranks, site.members.size()));
  return std::make_unique<StepWork>(step, site);
}

} // namespace

extern Backend const step_mpi_backend;
Backend const step_mpi_backend{"step_mpi", "cpu", "a step of training with OpenBLAS and MPI, in f32", false, supports,
                               prepare,    "step"};

} // namespace maru
