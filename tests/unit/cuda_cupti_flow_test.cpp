// SPDX-License-Identifier: Apache-2.0
// The order of the calls and what comes of their failures, on a device that is played.
#include "collectors/cupti_activity.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "tests/unit/cuda_cupti_fake.hpp"

#if CUPTI_API_VERSION >= 130000
#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

namespace maru {
extern Collector const pm_sampling_collector;

namespace {

std::string error_of(auto const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.what();
  }
  return {};
}
bool holds(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

constexpr std::size_t kernel_bytes = sizeof(CUpti_ActivityKernel10);

TEST(CuptiTracer, GivesEachTraceItsOwnSpans) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer();
  for (std::uint64_t trace = 1; trace < 4; ++trace) {
    cupti.launch(1, 2); // untraced
    tracer->start();
    for (std::uint64_t i = 0; i < 100 * trace; ++i) cupti.launch(1000 * trace + i, 1000 * trace + i + 1);
    auto const log = tracer->stop();
    ASSERT_EQ(log.spans.size(), 100 * trace);
    EXPECT_EQ(log.spans.front().start, 1000 * trace);
    EXPECT_EQ(log.dropped + log.untimed + log.malformed, 0U);
    EXPECT_TRUE(cupti.enabled.empty());
  }
  EXPECT_EQ(cupti.dirty, 0U);
}

TEST(CuptiTracer, EnablesWhatDoesNotSerialise) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer();
  tracer->start();
  std::set const expected{CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                          CUPTI_ACTIVITY_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_MEMSET, CUPTI_ACTIVITY_KIND_OVERHEAD};
  EXPECT_EQ(cupti.ever_enabled, expected);
  tracer->stop();
}

TEST(CuptiTracer, WaitsThenDisablesThenFlushes) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer();
  tracer->start();
  cupti.calls.clear();
  tracer->stop();
  std::vector<std::string> const expected{"synchronize", "disable", "disable", "disable",
                                          "disable",     "disable", "flush",   "dropped"};
  EXPECT_EQ(cupti.calls, expected);
  EXPECT_EQ(cupti.flush_flag, CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
}

TEST(CuptiTracer, CannotBeStartedTwice) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer(), other = cupti_tracer();
  EXPECT_TRUE(tracer->stop().spans.empty()) << "stop without start";
  tracer->start();
  cupti.launch(1, 2);
  EXPECT_TRUE(holds(error_of([&] { tracer->start(); }), "already"));
  EXPECT_TRUE(holds(error_of([&] { other->start(); }), "already"));
  EXPECT_TRUE(other->stop().spans.empty());
  cupti.launch(2, 3);
  EXPECT_EQ(tracer->stop().spans.size(), 2U) << "the first start still holds";
  EXPECT_TRUE(tracer->stop().spans.empty());
  other->start();
  cupti.launch(5, 6);
  EXPECT_EQ(other->stop().spans.size(), 1U);
}

TEST(CuptiTracer, MayDieWhileItRuns) {
  FakeCupti cupti;
  {
    auto const tracer = cupti_tracer();
    tracer->start();
    cupti.launch(1, 2);
  }
  EXPECT_TRUE(cupti.enabled.empty());
  auto const next = cupti_tracer();
  next->start();
  EXPECT_TRUE(next->stop().spans.empty()) << "spans of the one that died";
}

TEST(CuptiTracer, UsesItsBuffersAgain) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer_with_pool(2, 4096);
  for (int i = 0; i < 20; ++i) {
    tracer->start();
    cupti.launch(1, 2);
    tracer->stop();
  }
  EXPECT_LE(cupti.buffers.size(), 2U);
}

class CuptiTracerOf : public testing::TestWithParam<std::uint32_t> {};

/// Newer versions let buffers be refused, and count; older ones take away what was not read, and we count.
TEST_P(CuptiTracerOf, CountsWhatATinyPoolLoses) {
  FakeCupti cupti;
  cupti.api = GetParam();
  auto const tracer = cupti_tracer_with_pool(2, 10 * kernel_bytes + 8);
  for (int again = 0; again < 2; ++again) {
    tracer->start();
    for (std::uint64_t i = 1; i <= 105; ++i) cupti.launch(i, i + 1);
    auto const log = tracer->stop();
    EXPECT_EQ(log.spans.size() + log.dropped, 105U);
    EXPECT_GE(log.spans.size(), 10U);
    EXPECT_GE(log.dropped, 80U);
    EXPECT_EQ(log.malformed, 0U);
    EXPECT_EQ(cupti.refused > 0, GetParam() >= 27);
  }
  EXPECT_EQ(cupti.dirty, 0U);
}
INSTANTIATE_TEST_SUITE_P(Versions, CuptiTracerOf, testing::Values(22U, 26U, 27U, 130001U));

TEST(CuptiTracer, LeavesEarlierDropsOut) {
  FakeCupti cupti;
  cupti.dropped = 7; // of somebody else
  auto const tracer = cupti_tracer();
  tracer->start();
  cupti.dropped += 3;
  EXPECT_EQ(tracer->stop().dropped, 3U);
}

TEST(CuptiTracer, UndoesAStartThatFails) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer();
  for (std::string const call : {"attribute", "register", "dropped", "enable 10", "enable 2", "enable 17"}) {
    cupti.plant[call] = CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
    auto const error = error_of([&] { tracer->start(); });
    EXPECT_TRUE(holds(error, "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED: ")) << call << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
    EXPECT_TRUE(cupti.enabled.empty()) << call;
    tracer->start();
    cupti.launch(1, 2);
    EXPECT_EQ(tracer->stop().spans.size(), 1U) << call;
  }
}

TEST(CuptiTracer, EndsEvenWhenItsEndFails) {
  FakeCupti cupti;
  auto const tracer = cupti_tracer();
  for (std::string const call : {"disable", "flush", "dropped"}) {
    tracer->start();
    cupti.launch(1, 2);
    cupti.plant[call] = CUPTI_ERROR_UNKNOWN;
    EXPECT_TRUE(holds(error_of([&] { tracer->stop(); }), "CUPTI_ERROR_UNKNOWN")) << call;
    tracer->start();
    EXPECT_TRUE(tracer->stop().spans.empty()) << call;
  }
}

TEST(CuptiTracer, RefusesTheVersionThatDeadlocks) {
  FakeCupti cupti;
  cupti.api = 130000;
  EXPECT_TRUE(holds(error_of([] { cupti_tracer()->start(); }), "130000"));
  EXPECT_TRUE(cupti.calls.empty());
}

TEST(CuptiTracer, AsksForADeviceFirst) {
  FakeCupti cupti;
  cupti.devices = 0;
  EXPECT_EQ(error_of([] { cupti_tracer()->start(); }), "no CUDA device");
  EXPECT_EQ(pm_sampling_collector.supports()->reason, "no CUDA device");
  EXPECT_TRUE(cupti.calls.empty()) << "which may crash";
  cupti.devices = -1;
  EXPECT_TRUE(holds(error_of([] { cupti_tracer()->start(); }), "no CUDA device: cudaErrorInsufficientDriver: "));
  EXPECT_EQ(cupti.calls, std::vector<std::string>{"last error"}) << "or somebody else reports it";
}

// Sampling. Presets are found once for each device, so every test plays another one.

// CUPTI loads its host library in a way (RTLD_DEEPBIND) on which the sanitizers end the process.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

std::vector<double> counts(std::size_t metrics) {
  std::vector<double> values(metrics);
  std::iota(values.begin(), values.end(), 10.0);
  return values;
}

Utilisation watch_with(FakeCupti& cupti, std::vector<FakeCupti::Sample> samples) {
  cupti.now = 1000;
  auto const watch = pm_sampling_collector.watch();
  cupti.samples = std::move(samples);
  cupti.now = 9000;
  Conditions conditions;
  watch->finish(conditions);
  EXPECT_FALSE(cupti.sampling);
  EXPECT_TRUE(conditions.utilisation);
  return conditions.utilisation.value_or(Utilisation{});
}

TEST(CuptiSampling, FillsUtilisation) {
  FakeCupti cupti;
  auto const skipped = pm_sampling_collector.supports();
  if (skipped && holds(skipped->reason, "RmProfilingAdminOnly")) GTEST_SKIP() << skipped->reason;
  ASSERT_FALSE(skipped) << skipped->reason;
  auto const seen = watch_with(cupti, {{1000, 3000, counts(7)}, {3000, 5000, counts(7)}, {0, 0, counts(7)}});
  EXPECT_EQ(seen.source, "pm_sampling");
  EXPECT_EQ(seen.reason, "");
  EXPECT_DOUBLE_EQ(*seen.sm_active, 0.10);
  EXPECT_DOUBLE_EQ(*seen.tensor_active, 0.11);
  EXPECT_DOUBLE_EQ(*seen.dram_active, 0.12);
  EXPECT_DOUBLE_EQ(*seen.nvlink_receive, 13);
  EXPECT_DOUBLE_EQ(*seen.nvlink_transmit, 14);
  EXPECT_DOUBLE_EQ(*seen.pcie_receive, 15);
  EXPECT_DOUBLE_EQ(*seen.pcie_transmit, 16);
  EXPECT_DOUBLE_EQ(seen.coverage, 0.5);
  EXPECT_EQ(cupti.metrics.size(), 7U);
  EXPECT_EQ(cupti.config.triggerMode, CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL);
  EXPECT_EQ(cupti.config.samplingInterval, 1'000'000U);
  EXPECT_EQ(cupti.config.hwBufferAppendMode, CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_LATEST);
}

TEST(CuptiSampling, CountsCyclesWhereItMust) {
  FakeCupti cupti;
  cupti.device = 1;
  cupti.chip = "GA100";
  EXPECT_EQ(watch_with(cupti, {{2000, 9000, counts(7)}}).source, "pm_sampling");
  EXPECT_EQ(cupti.config.triggerMode, CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_SYSCLK_INTERVAL);
  EXPECT_EQ(cupti.config.hwBufferAppendMode, CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_LATEST);
}

TEST(CuptiSampling, SaysThatSamplesWereLost) {
  FakeCupti cupti;
  cupti.device = 2;
  cupti.stop_reason = CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL;
  EXPECT_TRUE(holds(watch_with(cupti, {{2000, 9000, counts(7)}}).reason, "lost"));
  cupti.stop_reason = CUPTI_PM_SAMPLING_DECODE_STOP_REASON_OTHER;
  EXPECT_EQ(watch_with(cupti, {{2000, 9000, counts(7)}}).reason, "");
}

TEST(CuptiSampling, FailuresAtItsEndAreReasons) {
  FakeCupti cupti;
  cupti.device = 3;
  watch_with(cupti, {}); // the preset
  for (std::string const call : {"stop", "decode", "info", "sample", "evaluate"}) {
    cupti.plant[call] = CUPTI_ERROR_OUT_OF_MEMORY;
    auto const seen = watch_with(cupti, {{2000, 9000, counts(7)}});
    EXPECT_EQ(seen.source, "") << call;
    EXPECT_TRUE(holds(seen.reason, "pm_sampling: ") && holds(seen.reason, "CUPTI_ERROR_OUT_OF_MEMORY")) << seen.reason;
  }
  EXPECT_EQ(watch_with(cupti, {{2000, 9000, counts(7)}}).source, "pm_sampling");
}

TEST(CuptiSampling, FailuresAtItsBeginningAreUndone) {
  FakeCupti cupti;
  cupti.device = 4;
  for (std::string const call : {"pm enable", "config", "size", "image", "start"}) {
    cupti.plant[call] = CUPTI_ERROR_HARDWARE_BUSY;
    EXPECT_TRUE(holds(error_of([] { pm_sampling_collector.watch(); }), "CUPTI_ERROR_HARDWARE_BUSY: ")) << call;
    EXPECT_FALSE(cupti.sampling) << call;
  }
  EXPECT_EQ(watch_with(cupti, {{2000, 9000, counts(7)}}).source, "pm_sampling");
}

TEST(CuptiSampling, WhatIsNotFinishedIsEnded) {
  FakeCupti cupti;
  cupti.device = 5;
  pm_sampling_collector.watch().reset();
  EXPECT_FALSE(cupti.sampling);
  auto const watch = pm_sampling_collector.watch();
  EXPECT_TRUE(holds(error_of([] { pm_sampling_collector.watch(); }), "CUPTI_ERROR_INVALID_OPERATION"));
  EXPECT_TRUE(cupti.sampling) << "of the first";
  Conditions conditions;
  watch->finish(conditions);
  auto const calls = cupti.calls.size();
  watch->finish(conditions);
  EXPECT_EQ(cupti.calls.size(), calls) << "finished already";
}

TEST(CuptiSampling, IsRefusedInCuptisWords) {
  FakeCupti cupti;
  cupti.device = 6;
  auto const why = [] {
    auto const skipped = pm_sampling_collector.supports();
    return skipped ? skipped->reason : std::string();
  };
  if (holds(why(), "RmProfilingAdminOnly")) GTEST_SKIP() << why();
  cupti.device = 7;
  cupti.plant["availability"] = CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
  EXPECT_TRUE(holds(why(), "NVreg_RestrictProfilingToAdminUsers=0"));
  cupti.plant["chip 7"] = CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED;
  EXPECT_TRUE(holds(why(), "CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED"));
  cupti.chip = "XX999";
  EXPECT_TRUE(holds(why(), "XX999"));
  cupti.chip = "GB202";
  EXPECT_EQ(why(), "");
}

#endif

} // namespace
} // namespace maru
#endif
