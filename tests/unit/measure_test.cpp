// SPDX-License-Identifier: Apache-2.0
// The measuring loop against operations whose times are known, over solo and thread worlds.
#include "bench/measure.hpp"

#include "core/backend.hpp"
#include "core/error.hpp"

#include <chrono>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace maru {
namespace {

/// Work whose time is made up: nothing on the machine can disturb it.
class FakeWork final : public Work, public Lane {
public:
  explicit FakeWork(std::function<double()> next) : next_(std::move(next)) {}
  void call() override {}
  Verification verify() override { return {}; }
  Lane& lane() override { return *this; }
  double time(Work&, std::uint64_t calls) override {
    double sum = 0;
    for (std::uint64_t i = 0; i < calls; ++i) sum += next_();
    calls_ += calls;
    return sum;
  }
  std::uint64_t calls() const { return calls_; }

private:
  std::function<double()> next_;
  std::uint64_t calls_ = 0;
};

std::function<double()> lognormal(double median, double sigma, unsigned seed) {
  return [=, random = std::mt19937(seed), normal = std::normal_distribution<double>()]() mutable {
    return median * std::exp(sigma * normal(random));
  };
}

Measured measure_alone(Work& work, Effort const& effort) {
  auto const world = solo_world();
  auto const group = solo_world();
  return measure(
      {*world, *group, 0, false}, &work, effort, [] {}, [] { return false; });
}

/// A work with two others beside it, all of which write down when it is their turn.
class InTurn final : public Work, public Lane {
public:
  explicit InTurn(std::string& log) : a_('a', log, 1e-3), b_('b', log, 2e-3), log_(log) {}
  void call() override {}
  Verification verify() override { return {}; }
  Lane& lane() override { return *this; }
  double time(Work&, std::uint64_t calls) override {
    log_ += '+';
    return 4e-3 * static_cast<double>(calls);
  }
  std::vector<Work*> beside() override { return {&a_, &b_}; }
  std::vector<double> take_parts() override { return {3e-3}; }

private:
  class Other final : public Work, public Lane {
  public:
    Other(char letter, std::string& log, double seconds) : letter_(letter), log_(log), seconds_(seconds) {}
    void call() override {}
    Verification verify() override { return {}; }
    Lane& lane() override { return *this; }
    double time(Work&, std::uint64_t calls) override {
      log_ += letter_;
      return seconds_ * static_cast<double>(calls);
    }

  private:
    char letter_;
    std::string& log_;
    double seconds_;
  };
  Other a_, b_;
  std::string& log_;
};

TEST(Measure, OthersBesideAWorkAreTimedInTurn) {
  std::string log;
  InTurn work(log);
  auto const measured = measure_alone(work, {.precision = 0.01, .max_iterations = 100});
  ASSERT_EQ(measured.beside.size(), 2U);
  ASSERT_EQ(measured.parts.size(), 1U);
  std::string turns;
  for (std::size_t i = 0; i < measured.samples.size(); ++i) {
    turns += "ab+";
    EXPECT_DOUBLE_EQ(measured.beside[0][i], 1e-3);
    EXPECT_DOUBLE_EQ(measured.beside[1][i], 2e-3);
    EXPECT_DOUBLE_EQ(measured.parts[0][i], 3e-3);
  }
  ASSERT_GE(log.size(), turns.size());
  EXPECT_EQ(log.substr(log.size() - turns.size()), turns);
}

// Of a coupled work each part is the maximum over the group too.
TEST(Measure, PartsAreTheMaximumOverTheGroup) {
  class Ranked final : public Work {
  public:
    explicit Ranked(int rank) : rank_(rank) {}
    void call() override {}
    Verification verify() override { return {}; }
    std::vector<double> take_parts() override { return {1.0 + rank_}; }

  private:
    int rank_;
  };
  run_thread_world(3, [](World& world) {
    Ranked work(world.rank());
    auto const group = world.split(0);
    auto const measured = measure(
        {world, *group, world.rank(), true}, &work, {.iterations = 8}, [] {}, [] { return false; });
    ASSERT_EQ(measured.parts.size(), 1U);
    for (double const part : measured.parts[0]) EXPECT_EQ(part, 3.0);
  });
}

TEST(Measure, ConvergesOnTheKnownMedian) {
  FakeWork work(lognormal(1e-3, 0.05, 7));
  auto const measured = measure_alone(work, {.precision = 0.01, .max_iterations = 5000});
  EXPECT_EQ(measured.stop, Stop::converged);
  auto const timing = summarize(measured.samples, measured.calls_per_sample);
  EXPECT_NEAR(timing.median, 1e-3, 0.03e-3);
  EXPECT_LE(*relative_half_width(timing), 0.01);
  EXPECT_LT(work.calls(), 1500U) << "a noise of 5 % needs some hundred samples for 1 %";
}

// The interval's promise: over many runs it holds the true median at least about as often as it says. Stopping as soon
// as the interval is narrow costs a little of it; a broken interval (of the mean, one-sided, too narrow) costs a lot.
TEST(Measure, IntervalCoversTheKnownMedian) {
  int covered = 0;
  constexpr int runs = 300;
  for (unsigned seed = 0; seed < runs; ++seed) {
    FakeWork work(lognormal(2e-3, 0.2, seed));
    auto const measured = measure_alone(work, {.precision = 0.05, .max_iterations = 1000});
    auto const timing = summarize(measured.samples, 1);
    ASSERT_TRUE(timing.median_ci);
    covered += timing.median_ci->low <= 2e-3 && 2e-3 <= timing.median_ci->high;
  }
  EXPECT_GE(covered, runs * 88 / 100);
}

TEST(Measure, NoisyWorkStopsAtTheMaximum) {
  FakeWork work(lognormal(1e-3, 1.0, 3));
  auto const measured = measure_alone(work, {.precision = 0.001, .max_iterations = 120});
  EXPECT_EQ(measured.stop, Stop::max_iterations);
  EXPECT_LE(work.calls(), 120U);
}

TEST(Measure, ForcedCountsAreExact) {
  FakeWork work([] { return 1e-3; });
  auto const measured = measure_alone(work, {.iterations = 20, .warmup = 3});
  EXPECT_EQ(measured.stop, Stop::fixed);
  EXPECT_EQ(measured.samples.size() * measured.calls_per_sample, 20U);
  EXPECT_EQ(work.calls(), 23U);
}

TEST(Measure, ForcedCountsAreExactForShortCallsToo) {
  FakeWork work([] { return 1e-7; });
  auto const measured = measure_alone(work, {.shortest_sample = 1e-5, .iterations = 1007, .warmup = 5});
  EXPECT_NEAR(static_cast<double>(measured.calls_per_sample), 100, 1);
  EXPECT_EQ(measured.samples.size(), (1007 + measured.calls_per_sample - 1) / measured.calls_per_sample);
  EXPECT_EQ(work.calls(), 1007U + 5U);
  EXPECT_NEAR(measured.samples.back(), 1e-7, 1e-12);
}

TEST(Measure, AHugeWarmUpHeedsASignal) {
  FakeWork work([] { return 1e-3; });
  auto const world = solo_world();
  auto const measured = measure(
      {*world, *world, 0, false}, &work, {.iterations = 5, .warmup = 1000000000}, [] {}, [] { return true; });
  EXPECT_EQ(measured.stop, Stop::interrupted);
  EXPECT_LT(work.calls(), 1000U);
}

// Two readings of the clock frame a sample; their cost must stay under a thousandth of it.
TEST(Measure, ShortCallsAreBatchedAgainstTheClocksCost) {
  FakeWork work([] { return 1e-7; });
  auto const measured = measure_alone(work, {.max_iterations = 100000});
  EXPECT_GE(static_cast<double>(measured.calls_per_sample) * 1e-7, 1.5 * clock_cost() / 1e-3);
  EXPECT_NEAR(measured.samples.front(), 1e-7, 1e-12);
}

TEST(Measure, WarmUpWaitsForTheSteadyState) {
  int call = 0;
  FakeWork work([&] { return ++call <= 8 ? 1e-2 / call : 1e-3; });
  auto const measured = measure_alone(work, {.max_iterations = 1000});
  EXPECT_LT(summarize(measured.samples, 1).max, 1.5e-3) << "slow first calls are no samples";
}

TEST(Measure, BudgetEndsACase) {
  auto const work = [] { return FakeWork([] { return 1e-3 * (1 + 0.5 * std::sin(monotonic_seconds() * 1e6)); }); };
  auto slow = work();
  auto const measured = measure_alone(slow, {.precision = 1e-9, .max_iterations = 100000000, .case_budget = 0.05});
  EXPECT_EQ(measured.stop, Stop::budget);
  EXPECT_GE(measured.samples.size(), 6U);
}

TEST(Measure, CoupledSamplesAreTheMaximumOverRanks) {
  run_thread_world(3, [](World& world) {
    auto const group = world.split(0);
    FakeWork work([rank = world.rank()] { return 1e-3 * (1 + rank); });
    auto const measured = measure(
        {world, *group, world.rank(), true}, &work, {}, [] {}, [] { return false; });
    EXPECT_NEAR(measured.samples.front(), 3e-3, 1e-9);
    EXPECT_NEAR(measured.own.front(), 1e-3 * (1 + world.rank()), 1e-9);
  });
}

// Each rank finds its own clock's cost; they must nevertheless put the same number of calls into a sample.
TEST(Measure, RanksWithDifferentClocksMakeTheSameNumberOfCalls) {
  run_thread_world(3, [](World& world) {
    auto const group = world.split(0);
    FakeWork work([] { return 1e-6; });
    auto const measured = measure(
        {world, *group, world.rank(), true}, &work, {.shortest_sample = 1e-4 * (1 + world.rank())}, [] {},
        [] { return false; });
    std::array<double, 1> most{static_cast<double>(measured.calls_per_sample)};
    group->all_reduce_max(most);
    EXPECT_EQ(static_cast<double>(measured.calls_per_sample), most[0]);
    EXPECT_NEAR(most[0], 300, 1);
  });
}

// Ranks that need different numbers of samples leave together; nobody hangs.
TEST(Measure, RanksStopTogether) {
  run_thread_world(3, [](World& world) {
    auto const group = solo_world();
    FakeWork work(lognormal(1e-3, world.rank() == 2 ? 0.3 : 0.0, 5));
    auto const measured = measure(
        {world, *group, world.rank(), false}, &work, {.precision = 0.02, .max_iterations = 3000}, [] {},
        [] { return false; });
    EXPECT_EQ(measured.stop, Stop::converged);
    world.barrier();
  });
}

TEST(Measure, ARankWithoutWorkOnlyAgrees) {
  run_thread_world(2, [](World& world) {
    auto const group = solo_world();
    FakeWork work([] { return 1e-3; });
    auto const measured = measure(
        {world, *group, world.rank(), false}, world.rank() == 0 ? nullptr : &work, {}, [] {}, [] { return false; });
    EXPECT_EQ(measured.samples.empty(), world.rank() == 0);
  });
}

TEST(Measure, OneRanksWishToStopStopsAll) {
  run_thread_world(3, [](World& world) {
    auto const group = solo_world();
    FakeWork work(lognormal(1e-3, 1.0, 9));
    auto const measured = measure(
        {world, *group, world.rank(), false}, &work,
        {.precision = 1e-6, .max_iterations = 1U << 30, .case_budget = 1e6}, [] {}, [&] { return world.rank() == 1; });
    EXPECT_EQ(measured.stop, Stop::interrupted);
  });
}

// The same against real time: spin's median is known. Others may use this machine, so only from below is it exact.
TEST(Measure, SpinTakesAtLeastItsTime) {
  for (auto const* backend : builtin_backends()) {
    if (std::string_view(backend->name) != "spin") continue;
    auto const work = backend->prepare(Spin{.seconds = 2e-4, .noise = 0}, {});
    auto const measured = measure_alone(*work, {.max_iterations = 200});
    auto const timing = summarize(measured.samples, measured.calls_per_sample);
    EXPECT_GE(timing.min, 2e-4);
    return;
  }
  FAIL() << "no spin backend";
}

// A sample of a device is a millisecond, so its clocks need many of them; the usual rounds are over long before.
TEST(Measure, WarmsUpForAsLongAsTheLaneAsks) {
  struct ColdWork final : Work, Lane {
    void call() override {}
    Verification verify() override { return {}; }
    Lane& lane() override { return *this; }
    double time(Work&, std::uint64_t calls) override {
      if (begun == 0) begun = monotonic_seconds();
      double const seconds = 2e-4 * static_cast<double>(calls);
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      return seconds;
    }
    double shortest_sample() const override { return 1e-3; }
    double shortest_warmup() const override { return 0.1; }
    double begun = 0;
  } work;
  auto const measured = measure_alone(work, {.precision = 0.01, .max_iterations = 50});
  EXPECT_GE(measured.begun.front() - work.begun, 0.1);
}

} // namespace
} // namespace maru
