// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.hpp"

#include "bench/fault.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace maru {
namespace {

constexpr double clock_share = 1e-3;     // the clock may cost this part of a sample
constexpr double steady_within = 0.02;   // two following warm-up estimates agree
constexpr double batch_seconds = 0.05;   // between two agreements: long against an agreement, short against a signal
constexpr std::uint64_t first_batch = 6; // the fewest samples that give an interval
constexpr std::uint64_t most_warmup_rounds = 12; // beyond those that a lane takes to be warm
constexpr double warmup_share = 0.2;             // of a case's time at most

/// Coupled work with the test's delay before each call (nothing in the program that is shipped).
class FaultyWork final : public Work {
public:
  FaultyWork(Work& inner, int world_rank) : inner_(inner), rank_(world_rank) {}
  void call() override {
    before_coupled_call(rank_);
    inner_.call();
  }
  Verification verify() override { return inner_.verify(); }
  Lane& lane() override { return inner_.lane(); }
  std::vector<Work*> beside() override { return inner_.beside(); }
  std::vector<double> take_parts() override { return inner_.take_parts(); }

private:
  Work& inner_;
  int rank_;
};

double group_max(World& group, double value) {
  std::array<double, 1> values{value};
  group.all_reduce_max(values);
  return values[0];
}

// Two readings frame a sample. Each rank measures its own clock, so the ranks have to agree: with different numbers of
// calls per sample they would wait for one another for ever.
double shortest_sample(World& group, Lane const& lane, Effort const& effort) {
  static double const own = 2 * clock_cost() / clock_share;
  return group_max(group, effort.shortest_sample > 0 ? effort.shortest_sample : std::max(own, lane.shortest_sample()));
}

struct Pace {
  std::uint64_t calls_per_sample = 1;
  double seconds_per_call = 0;
  std::uint64_t used = 0; ///< calls spent on finding it
};

// All ranks of the group see the same maxima, so that they choose the same number of calls.
Pace warm_up(World& group, Work& work, Effort const& effort, std::function<bool()> const& stop_requested) {
  Pace pace;
  auto const forced = effort.warmup;
  // A tenth of the allowance; more only where a sample needs more calls than that.
  std::uint64_t const allowance = std::max<std::uint64_t>(2, effort.max_iterations / 10);
  double const shortest = shortest_sample(group, work.lane(), effort);
  double const least = group_max(group, work.lane().shortest_warmup());
  double const begun = monotonic_seconds();
  double previous = 0;
  bool warm = least <= 0;
  for (std::uint64_t round = 0; round < most_warmup_rounds || (!warm && !forced); ++round) {
    auto calls = pace.calls_per_sample;
    if (forced) calls = std::min(calls, *forced - std::min(pace.used, *forced));
    if (calls == 0) break;
    pace.seconds_per_call = group_max(group, work.lane().time(work, calls) / static_cast<double>(calls));
    pace.used += calls;
    double const spent = group_max(group, monotonic_seconds() - begun);
    bool const late = spent > warmup_share * effort.case_budget;
    warm = spent >= least;
    auto const wanted = static_cast<std::uint64_t>(std::ceil(shortest / std::max(pace.seconds_per_call, 1e-9)));
    bool const long_enough = pace.calls_per_sample >= wanted;
    bool const steady = round > 0 && std::abs(pace.seconds_per_call - previous) <= steady_within * previous;
    if (!long_enough) pace.calls_per_sample = wanted;
    previous = pace.seconds_per_call;
    if (!forced && ((long_enough && warm && (steady || pace.used >= allowance)) || late)) break;
  }
  while (forced && pace.used < *forced) { // in pieces, so that a signal is heeded
    auto const timely = static_cast<std::uint64_t>(batch_seconds / std::max(pace.seconds_per_call, 1e-9));
    auto const calls = std::min(*forced - pace.used, std::max<std::uint64_t>(1, timely));
    work.lane().time(work, calls);
    pace.used += calls;
    if (group_max(group, stop_requested() ? 1.0 : 0.0) > 0) break;
  }
  if (forced && *forced == 0) { // even without warm-up the number of calls per sample has to be known
    pace.seconds_per_call = group_max(group, work.lane().time(work, 1));
    pace.calls_per_sample =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(shortest / std::max(pace.seconds_per_call, 1e-9)));
  }
  return pace;
}

class Sampler {
public:
  Sampler(Team const& team, Work& work, Effort const& effort, std::function<bool()> const& stop_requested)
      : team_(team), work_(work), effort_(effort), beside_(work.beside()),
        pace_(warm_up(team.group, work, effort, stop_requested)) {
    for (auto* const other : beside_) time_beside(*other, 1); // its first call is as cold as any
    result_.beside.resize(beside_.size());
    result_.parts.resize(work_.take_parts().size());
    if (effort.iterations) {
      pace_.calls_per_sample = std::clamp<std::uint64_t>(pace_.calls_per_sample, 1, *effort.iterations);
      most_ = (*effort.iterations + pace_.calls_per_sample - 1) / pace_.calls_per_sample;
    } else {
      most_ = std::max<std::uint64_t>(calls_left() / calls_counted(), first_batch);
    }
    result_.calls_per_sample = pace_.calls_per_sample;
  }

  void batch() {
    auto const count = next_count();
    if (count == 0) return;
    std::vector<double> own(count);
    team_.group.barrier();
    result_.begun.reserve(result_.begun.size() + count);
    auto const done = result_.own.size();
    for (auto& seconds : own) {
      auto const calls = calls_of(result_.begun.size());
      for (std::size_t i = 0; i < beside_.size(); ++i) result_.beside[i].push_back(time_beside(*beside_[i], calls));
      if (!beside_.empty()) team_.group.barrier();
      result_.begun.push_back(monotonic_seconds());
      seconds = work_.lane().time(work_, calls) / static_cast<double>(calls);
      auto const parts = work_.take_parts();
      for (std::size_t i = 0; i < parts.size(); ++i) result_.parts[i].push_back(parts[i]);
    }
    if (team_.coupled)
      for (auto* const lists : {&result_.beside, &result_.parts})
        for (auto& list : *lists) team_.group.all_reduce_max(std::span(list).subspan(done));
    result_.own.insert(result_.own.end(), own.begin(), own.end());
    if (team_.coupled) team_.group.all_reduce_max(own);
    result_.samples.insert(result_.samples.end(), own.begin(), own.end());
  }

  bool full() const { return result_.samples.size() >= most_; }
  bool precise() const { return is_precise(result_.samples, effort_.precision); }
  Measured& result() { return result_; }

private:
  // What a device's clocks need to become steady is not taken from the calls that are timed.
  std::uint64_t calls_left() const {
    bool const is_host = work_.lane().shortest_warmup() <= 0;
    auto const used = is_host ? pace_.used : std::min(pace_.used, effort_.max_iterations / 10);
    return effort_.max_iterations - std::min(effort_.max_iterations, used);
  }
  // A device's sample is many calls because its events are coarse, not because there is little to learn from one.
  std::uint64_t calls_counted() const { return work_.lane().shortest_sample() > 0 ? 1 : pace_.calls_per_sample; }

  // Of -n calls the last sample gets what is left, so that there are exactly so many.
  std::uint64_t calls_of(std::uint64_t sample) const {
    auto const calls = pace_.calls_per_sample;
    return effort_.iterations ? std::min(calls, *effort_.iterations - sample * calls) : calls;
  }

  double time_beside(Work& other, std::uint64_t calls) {
    team_.group.barrier();
    return other.lane().time(other, calls) / static_cast<double>(calls);
  }

  std::uint64_t next_count() const {
    auto const done = static_cast<std::uint64_t>(result_.samples.size());
    auto const left = most_ > done ? most_ - done : 0;
    auto const calls = pace_.calls_per_sample * (1 + beside_.size());
    double const sample = pace_.seconds_per_call * static_cast<double>(calls);
    auto const timely = static_cast<std::uint64_t>(batch_seconds / std::max(sample, 1e-9));
    return std::min(left, std::clamp<std::uint64_t>(timely, 1, 256));
  }

  Team const& team_;
  Work& work_;
  Effort const& effort_;
  std::vector<Work*> beside_;
  Pace pace_;
  std::uint64_t most_ = 0;
  Measured result_;
};

} // namespace

bool is_precise(std::vector<double> const& samples, double precision) {
  if (samples.empty()) return false;
  std::vector<double> sorted(samples);
  std::sort(sorted.begin(), sorted.end());
  auto const interval = median_interval(sorted);
  double const median = quantile(sorted, 0.5);
  return interval && median > 0 && (interval->high - interval->low) / 2 <= precision * median;
}

Measured measure(Team const& team, Work* work, Effort const& effort, std::function<void()> const& step,
                 std::function<bool()> const& stop_requested) {
  std::optional<FaultyWork> faulty;
  if (work && team.coupled) work = &faulty.emplace(*work, team.world_rank);
  double const begun = monotonic_seconds();
  step();
  std::optional<Sampler> sampler;
  if (work) sampler.emplace(team, *work, effort, stop_requested);
  for (;;) {
    step();
    if (sampler) sampler->batch();
    bool const forced = effort.iterations.has_value();
    bool const wants_more = sampler && !sampler->full() && (forced || !sampler->precise());
    // What rank 0's clock says counts for all; what one rank alone knows (a signal) is made known to all.
    bool const late = team.world_rank == 0 && monotonic_seconds() - begun > effort.case_budget;
    std::array<double, 3> said{wants_more ? 1.0 : 0.0, late ? 1.0 : 0.0, stop_requested() ? 1.0 : 0.0};
    team.world.all_reduce_max(said);
    bool const more = said[0] > 0, out_of_time = said[1] > 0, stopped = said[2] > 0;
    if (more && !out_of_time && !stopped) continue;
    Measured result = sampler ? std::move(sampler->result()) : Measured{};
    if (stopped)
      result.stop = Stop::interrupted;
    else if (forced)
      result.stop = more ? Stop::budget : Stop::fixed;
    else if (is_precise(result.samples, effort.precision))
      result.stop = Stop::converged;
    else
      result.stop = out_of_time ? Stop::budget : Stop::max_iterations;
    return result;
  }
}

} // namespace maru
