// SPDX-License-Identifier: Apache-2.0
#include "bench/observe.hpp"
#include "core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t us = 1000;

Span kernel(std::uint64_t start, std::uint64_t end, std::string name = "gemm", SpanKind kind = SpanKind::kernel) {
  Span span;
  span.kind = kind;
  span.name = std::move(name);
  span.start = start;
  span.end = end;
  return span;
}

TEST(Spans, BusyIsTheUnion) {
  SpanLog log;
  log.spans = {kernel(0, 10 * us), kernel(5 * us, 15 * us), kernel(20 * us, 30 * us)};
  auto const trace = summarize_spans(log, 5, 30e-6);
  EXPECT_DOUBLE_EQ(trace.busy, 5e-6) << "25 us over 5 calls";
  EXPECT_NEAR(trace.disagreement, 0, 1e-12);
  EXPECT_EQ(trace.spans, 3U);
}

TEST(Spans, DisagreementComparesTheWholeStretch) {
  SpanLog log;
  log.spans = {kernel(100 * us, 110 * us), kernel(140 * us, 150 * us)};
  EXPECT_NEAR(summarize_spans(log, 1, 40e-6).disagreement, 0.25, 1e-9);
  EXPECT_NEAR(summarize_spans(log, 1, 100e-6).disagreement, -0.5, 1e-9);
}

TEST(Spans, OverheadIsNoWorkOfTheDevice) {
  SpanLog log;
  log.spans = {kernel(0, 10 * us), kernel(0, 900 * us, "Buffer Flush", SpanKind::overhead)};
  auto const trace = summarize_spans(log, 1, 10e-6);
  EXPECT_DOUBLE_EQ(trace.busy, 10e-6);
  ASSERT_EQ(trace.kernels.size(), 1U);
  EXPECT_EQ(trace.kernels[0].name, "gemm");
}

TEST(Spans, KernelsByTheirSumAndAtMostEight) {
  SpanLog log;
  std::uint64_t now = 0;
  for (int i = 0; i < 12; ++i) {
    auto const length = static_cast<std::uint64_t>(i + 1) * us;
    log.spans.push_back(kernel(now, now + length, "k" + std::to_string(i)));
    now += length;
  }
  for (int i = 0; i < 20; ++i, now += us) log.spans.push_back(kernel(now, now + us, "often"));
  auto const trace = summarize_spans(log, 1, 1);
  ASSERT_EQ(trace.kernels.size(), 8U);
  EXPECT_EQ(trace.kernels[0].name, "often");
  EXPECT_EQ(trace.kernels[0].launches, 20U);
  EXPECT_DOUBLE_EQ(trace.kernels[0].seconds, 1e-6);
  EXPECT_EQ(trace.kernels[1].name, "k11");
}

TEST(Spans, LossesAreCounted) {
  SpanLog const log{.spans = {}, .dropped = 3, .untimed = 2, .malformed = 1};
  auto const trace = summarize_spans(log, 4, 1);
  EXPECT_EQ(trace.dropped, 3U);
  EXPECT_EQ(trace.untimed, 3U);
  EXPECT_EQ(trace.busy, 0);
  EXPECT_EQ(trace.disagreement, 0);
}

// ---- an observer of a device that is made up

std::vector<std::string> events;
bool tracing = false, tracer_fails = false;

struct FakeWatch final : Watch {
  explicit FakeWatch(bool heavy) : heavy_(heavy) {}
  void finish(Conditions& conditions) override {
    auto& utilisation = conditions.utilisation.emplace();
    utilisation.source = heavy_ ? "gpm" : "nvml";
    if (!heavy_) conditions.power = 700;
  }
  bool heavy_;
};

struct FakeTracer final : Tracer {
  void start() override {
    if (tracer_fails) throw Error(Exit::incomplete, "another profiler is there");
    tracing = true;
  }
  SpanLog stop() override {
    tracing = false;
    SpanLog log;
    log.spans = {kernel(0, 10 * us)};
    return log;
  }
};

/// Takes a tenth longer under the tracer.
struct FakeLane final : Lane {
  double time(Work&, std::uint64_t calls) override {
    events.emplace_back(tracing ? "traced" : "plain");
    return 1e-3 * static_cast<double>(calls) * (tracing ? 1.1 : 1.0);
  }
};
struct FakeWork final : Work {
  void call() override {}
  Verification verify() override { return {}; }
  Lane& lane() override { return lane_; }
  FakeLane lane_;
};

std::optional<Skipped> yes() { return std::nullopt; }
std::optional<Skipped> no() { return Skipped{"needs privileges"}; }
Collector const light{"nvml", "", yes, [] { return std::unique_ptr<Watch>(new FakeWatch(false)); }, true};
Collector const heavy{"gpm", "", yes, [] { return std::unique_ptr<Watch>(new FakeWatch(true)); }};
Collector const refused{"pm_sampling", "", no, nullptr};
Accelerators const accelerators{"test", nullptr, nullptr};
Backend const on_device{"x", "test", "", false, nullptr, nullptr, "gemm"};
Backend const on_host{"y", "cpu", "", false, nullptr, nullptr, "gemm"};

struct Observed {
  Conditions conditions;
  std::optional<Trace> trace;
};

Observed observe(std::vector<Collector const*> collectors, Backend const& backend, bool with_tracer = true) {
  Equipment equipment;
  equipment.collectors = std::move(collectors);
  equipment.accelerators = &accelerators;
  if (with_tracer) equipment.tracer = [] { return std::unique_ptr<Tracer>(new FakeTracer); };
  auto const world = solo_world();
  FakeWork work;
  Observer observer(equipment);
  observer.begin(backend);
  Observed seen{.conditions = observer.end(), .trace = {}};
  events.clear();
  observer.look_closer({*world, *world, 0, false}, work, 1e-3, 100, seen.conditions, seen.trace);
  return seen;
}

TEST(Observer, WatchesAndTracesTheDevice) {
  tracer_fails = false;
  auto const seen = observe({&refused, &heavy, &light}, on_device);
  EXPECT_EQ(seen.conditions.devices, 1);
  EXPECT_EQ(seen.conditions.power, 700);
  ASSERT_TRUE(seen.conditions.utilisation);
  EXPECT_EQ(seen.conditions.utilisation->source, "gpm") << "better than what the light one knows";
  EXPECT_EQ(seen.conditions.utilisation->reason, "pm_sampling: needs privileges");
  ASSERT_TRUE(seen.trace);
  EXPECT_NEAR(seen.trace->cost, 0.1, 1e-9);
  ASSERT_TRUE(seen.trace->cost_ci);
  EXPECT_EQ(std::count(events.begin(), events.end(), "traced"), 9);
  EXPECT_EQ(std::count(events.begin(), events.end(), "plain"), 19) << "for the watching, before the tracer, in turn";
  ASSERT_TRUE(seen.trace->attached);
  EXPECT_NEAR(*seen.trace->attached, 0, 1e-9);
}

TEST(Observer, LeavesTheHostAlone) {
  auto const seen = observe({&heavy, &light}, on_host);
  EXPECT_EQ(seen.conditions.devices, 0);
  EXPECT_FALSE(seen.trace);
  EXPECT_TRUE(events.empty());
}

TEST(Observer, ARefusedTracerIsAReason) {
  tracer_fails = true;
  auto const seen = observe({&light}, on_device);
  tracer_fails = false;
  ASSERT_TRUE(seen.trace);
  EXPECT_EQ(seen.trace->reason, "another profiler is there");
  EXPECT_EQ(seen.trace->spans, 0U);
}

TEST(Observer, TheGroupMakesTheSameCallsWhateverOneRankCan) {
  tracer_fails = false;
  // Rank 1 has neither collectors nor a tracer. It must call as often as rank 0, or a coupled call would hang.
  std::array<int, 2> calls{};
  run_thread_world(2, [&](World& world) {
    struct CountingLane final : Lane {
      explicit CountingLane(int& count) : count_(count) {}
      double time(Work&, std::uint64_t calls) override {
        count_ += static_cast<int>(calls);
        return 1e-3 * static_cast<double>(calls);
      }
      int& count_;
    };
    struct CountingWork final : Work {
      explicit CountingWork(int& count) : lane_(count) {}
      void call() override {}
      Verification verify() override { return {}; }
      Lane& lane() override { return lane_; }
      CountingLane lane_;
    };
    Equipment equipment;
    equipment.accelerators = &accelerators;
    if (world.rank() == 0) {
      equipment.collectors = {&light, &heavy};
      equipment.tracer = [] { return std::unique_ptr<Tracer>(new FakeTracer); };
    }
    Observer observer(equipment);
    observer.begin(on_device);
    auto conditions = observer.end();
    std::optional<Trace> trace;
    CountingWork work(calls[static_cast<std::size_t>(world.rank())]);
    observer.look_closer({world, world, world.rank(), true}, work, 1e-3, 100, conditions, trace);
  });
  EXPECT_GT(calls[0], 0);
  EXPECT_EQ(calls[0], calls[1]);
}

TEST(Conditions, MergeTakesTheWorstAndAddsPower) {
  Conditions a, b;
  a.devices = b.devices = 1;
  a.readings = 5, b.readings = 3;
  a.sm_clock = 1.9e9, b.sm_clock = 1.2e9;
  a.power = 600, b.power = 700;
  b.temperature = 80;
  a.throttle = {"sw_power_cap"}, b.throttle = {"sw_power_cap", "hw_thermal"};
  b.invalid = {"throttled"}, b.detail = "GPU-1: hw_thermal";
  for (auto const& merged : {merge(a, b), merge(b, a)}) {
    EXPECT_EQ(merged.devices, 2);
    EXPECT_EQ(merged.readings, 3U);
    EXPECT_EQ(merged.sm_clock, 1.2e9);
    EXPECT_EQ(merged.power, 1300);
    EXPECT_EQ(merged.temperature, 80);
    EXPECT_THAT(merged.throttle, testing::UnorderedElementsAre("sw_power_cap", "hw_thermal"));
    EXPECT_THAT(merged.invalid, testing::ElementsAre("throttled"));
    EXPECT_EQ(merged.detail, "GPU-1: hw_thermal");
  }
  EXPECT_EQ(merge(Conditions{}, a).devices, 1);
}

} // namespace
} // namespace maru
