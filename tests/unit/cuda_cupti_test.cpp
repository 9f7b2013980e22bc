// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_activity.hpp"
#include "collectors/cupti_api.hpp"
#include "collectors/cupti_pm_samples.hpp"
#include "collectors/cupti_pool.hpp"
#include "collectors/cupti_presets.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace maru {
extern Collector const pm_sampling_collector;

namespace {

// Presets, as CUPTI's host library answers for chips that are not here.

/// Why presets cannot be tried here; empty when they can. CUPTI loads its host library in a way (RTLD_DEEPBIND) on
/// which the sanitizers end the process.
std::string why_no_presets() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "CUPTI's host library cannot be loaded under a sanitizer";
#else
  return cupti_api_version() < cupti_api_13_0_ga ? "an older library, which knows fewer chips" : "";
#endif
}

struct Chip {
  char const* name;
  std::size_t metrics;
  char const* pcie; ///< name of what it receives
  bool nvlink;
};

class CuptiPresets : public testing::TestWithParam<Chip> {};

TEST_P(CuptiPresets, OnePassHoldsWhatTheChipHas) {
  if (auto const why = why_no_presets(); !why.empty()) GTEST_SKIP() << why;
  auto const& chip = GetParam();
  PmPreset const preset(chip.name);
  EXPECT_EQ(preset.passes(), 1U);
  EXPECT_EQ(preset.metrics().size(), chip.metrics);
  EXPECT_EQ(pm_passes(chip.name, preset.names()), 1U);
  EXPECT_FALSE(preset.config().empty());
  auto const of = [&](std::optional<double> Utilisation::*field) {
    for (auto const& metric : preset.metrics())
      if (metric.field == field) return metric.name;
    return std::string();
  };
  EXPECT_EQ(of(&Utilisation::sm_active), "sm__cycles_active.avg.pct_of_peak_sustained_elapsed");
  EXPECT_EQ(of(&Utilisation::tensor_active), "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed");
  EXPECT_EQ(of(&Utilisation::dram_active), "dram__throughput.avg.pct_of_peak_sustained_elapsed");
  EXPECT_EQ(of(&Utilisation::pcie_receive), chip.pcie);
  EXPECT_EQ(of(&Utilisation::nvlink_receive), chip.nvlink ? "nvlrx__bytes.sum.per_second" : "");
  EXPECT_EQ(of(&Utilisation::nvlink_transmit), chip.nvlink ? "nvltx__bytes.sum.per_second" : "");
  EXPECT_EQ(preset.absent().size(), chip.nvlink ? 0U : 2U);
}

constexpr char const* pcie = "pcie__read_bytes.sum.per_second";
constexpr char const* pcie_of_gb100 = "PCI.TriageCompute.pcie__read_bytes.sum.per_second";
INSTANTIATE_TEST_SUITE_P(Chips, CuptiPresets,
                         testing::Values(Chip{"GA100", 7, pcie, true},          // A100
                                         Chip{"GH100", 7, pcie, true},          // H100, H200, GH200
                                         Chip{"GB100", 7, pcie_of_gb100, true}, // B200, GB200
                                         Chip{"GB202", 5, pcie, false},         // RTX 5090
                                         Chip{"AD102", 5, pcie, false}),        // L40S
                         [](auto const& made) { return std::string(made.param.name); });

TEST(CuptiPresetsOf, WhatNeedsASecondPassIsLeftOut) {
  if (auto const why = why_no_presets(); !why.empty()) GTEST_SKIP() << why;
  std::vector<char const*> const two{"sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
                                     "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"};
  ASSERT_GT(pm_passes("TU102", two), 1U); // so this chip's preset has the first alone
  PmPreset const preset("TU102");
  EXPECT_EQ(preset.passes(), 1U);
  EXPECT_EQ(preset.metrics().front().name, two[0]);
  EXPECT_NE(std::find(preset.absent().begin(), preset.absent().end(), two[1]), preset.absent().end());
}

TEST(CuptiPresetsOf, UnknownChipsAndMetricsAreNamed) {
  if (auto const why = why_no_presets(); !why.empty()) GTEST_SKIP() << why;
  std::vector<char const*> const none{"sm__no_such_metric.sum"};
  EXPECT_EQ(pm_passes("GH100", none), 0U);
  try {
    PmPreset const preset("XX999");
    FAIL() << "no error";
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("XX999"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("INVALID_CHIP_NAME"), std::string::npos) << error.what();
  }
}

// Samples.

std::vector<PmMetric> const two_metrics{{"a", &Utilisation::sm_active, 1e-2}, {"b", &Utilisation::pcie_receive, 1}};

TEST(CuptiSamples, MeansAreWeightedByTime) {
  std::vector<PmSample> const samples{{1000, 2000, {100, 4e9}}, {2000, 5000, {20, 0}}};
  auto const seen = summarize_samples(two_metrics, samples, 1000, 9000);
  EXPECT_EQ(seen.source, "pm_sampling");
  EXPECT_DOUBLE_EQ(*seen.sm_active, 0.4);
  EXPECT_DOUBLE_EQ(*seen.pcie_receive, 1e9);
  EXPECT_DOUBLE_EQ(seen.coverage, 0.5);
  EXPECT_FALSE(seen.tensor_active);
  EXPECT_EQ(seen.reason, "");
}

TEST(CuptiSamples, WhatWasNotCountedOrLiesOutsideIsLeftOut) {
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<PmSample> const samples{
      {0, 0, {90, 9}},         // lost to a full image
      {1000, 1000, {90, 9}},   // after the end
      {0, 5000, {90, 9}},      // half of its time stamps are missing
      {100, 900, {90, 9}},     // before the watch
      {900, 1101, {30, 6}},    // more than half of it inside
      {1101, 1901, {50, nan}}, // one metric not counted
      {3900, 4901, {90, 9}},   // more than half of it outside
      {9000, 10000, {90, 9}},  // afterwards
  };
  auto const seen = summarize_samples(two_metrics, samples, 1000, 4000);
  EXPECT_NEAR(*seen.sm_active, (201 * 0.3 + 800 * 0.5) / 1001, 1e-12);
  EXPECT_DOUBLE_EQ(*seen.pcie_receive, 6);
  EXPECT_NEAR(seen.coverage, 1001.0 / 3000, 1e-12);
}

TEST(CuptiSamples, WithoutAnyThereIsOnlyAReason) {
  for (auto const& samples : {std::vector<PmSample>{}, std::vector<PmSample>{{0, 0, {1, 1}}}}) {
    auto const seen = summarize_samples(two_metrics, samples, 1000, 4000);
    EXPECT_EQ(seen.source, "");
    EXPECT_NE(seen.reason, "");
    EXPECT_FALSE(seen.sm_active);
  }
  EXPECT_EQ(summarize_samples(two_metrics, std::vector<PmSample>{{1000, 1000, {1, 1}}}, 1000, 1000).source, "");
}

TEST(CuptiSamples, RatiosStayRatiosAndZerosAreSuspicious) {
  std::vector<PmSample> const over{{1000, 2000, {100.5, 1e12}}}, zero{{1000, 2000, {0, 7}}};
  auto const seen = summarize_samples(two_metrics, over, 1000, 1900);
  EXPECT_EQ(seen.sm_active, 1.0);
  EXPECT_EQ(seen.pcie_receive, 1e12);
  EXPECT_EQ(seen.coverage, 1.0);
  EXPECT_NE(summarize_samples(two_metrics, zero, 1000, 2000).reason.find("suspicious"), std::string::npos);
}

TEST(CuptiSamples, FillsOnlyWhatNobodyFilled) {
  Utilisation ours;
  ours.source = "pm_sampling";
  ours.sm_active = 0.5;
  Conditions conditions;
  offer_utilisation(conditions, ours);
  EXPECT_EQ(conditions.utilisation->source, "pm_sampling");
  Utilisation other;
  other.source = "other";
  offer_utilisation(conditions, other);
  EXPECT_EQ(conditions.utilisation->source, "pm_sampling");

  Conditions refused;
  refused.utilisation = Utilisation{};
  refused.utilisation->reason = "theirs";
  ours.reason = "ours";
  offer_utilisation(refused, ours);
  EXPECT_EQ(refused.utilisation->source, "pm_sampling");
  EXPECT_EQ(refused.utilisation->reason, "theirs; ours");
}

TEST(CuptiPermission, IsReadFromDriverAndProcess) {
  std::string const closed = "ResmanDebugLevel: 4294967295\nRmProfilingAdminOnly: 1\nTCEBypassMode: 0\n";
  std::string const open = "RmProfilingAdminOnly: 0\n";
  std::string const plain = "Name:\tmaru\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n";
  std::string const administrator = "CapEff:\t0000000000200000\n", others = "CapEff:\t000001ffffdfffff\n";
  EXPECT_NE(counters_forbidden(closed, plain).find("NVreg_RestrictProfilingToAdminUsers=0"), std::string::npos);
  EXPECT_NE(counters_forbidden(closed, others), "");
  EXPECT_EQ(counters_forbidden(closed, administrator), "");
  EXPECT_EQ(counters_forbidden(open, plain), "");
  EXPECT_EQ(counters_forbidden("", plain), ""); // no such file: CUPTI itself will say
  EXPECT_NE(counters_forbidden(closed, ""), "");
}

// The pool of buffers.

/// Stands in for the walk over records: a buffer's first byte is how many it holds.
std::uint64_t first_byte(std::uint8_t* data, std::size_t) { return std::exchange(*data, std::uint8_t{0}); }

TEST(CuptiPool, RefusesWhereItMay) {
  BufferPool pool(first_byte);
  pool.open(2, 4096, true);
  auto const a = pool.request(), b = pool.request();
  ASSERT_EQ(a.size(), 4096U);
  ASSERT_EQ(b.size(), 4096U);
  EXPECT_NE(a.data(), b.data());
  EXPECT_TRUE(pool.request().empty());
  pool.complete(a.data(), 100);
  EXPECT_TRUE(pool.request().empty()) << "completed, but not read yet";
  EXPECT_EQ(pool.lost(), 0U);
  auto const taken = pool.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].data, a.data());
  EXPECT_EQ(taken[0].valid, 100U);
  pool.give_back(a.data());
  EXPECT_EQ(pool.request().data(), a.data());
}

TEST(CuptiPool, SacrificesTheOldestWhereItMayNotRefuse) {
  BufferPool pool(first_byte);
  pool.open(2, 4096, false);
  auto const a = pool.request(), b = pool.request();
  a[0] = 3;
  a[4095] = 1;
  b[0] = 5;
  pool.complete(a.data(), 8);
  pool.complete(b.data(), 8);
  auto const again = pool.request();
  EXPECT_EQ(again.data(), a.data());
  EXPECT_TRUE(std::all_of(again.begin(), again.end(), [](auto byte) { return byte == 0; }));
  EXPECT_EQ(pool.lost(), 3U);
  EXPECT_EQ(pool.lost(), 0U);
  EXPECT_EQ(pool.request().data(), b.data());
  EXPECT_EQ(pool.lost(), 5U);
  auto const extra = pool.request(); // all are out
  EXPECT_EQ(extra.size(), 4096U);
  EXPECT_TRUE(extra.data() != a.data() && extra.data() != b.data());
}

TEST(CuptiPool, GivesZerosAgain) {
  BufferPool pool(first_byte);
  pool.open(1, 4096, true);
  auto const a = pool.request();
  std::fill(a.begin(), a.end(), std::uint8_t{0xff});
  pool.complete(a.data(), 8);
  for (auto const& buffer : pool.take()) pool.give_back(buffer.data);
  auto const again = pool.request();
  EXPECT_TRUE(std::all_of(again.begin(), again.end(), [](auto byte) { return byte == 0; }));
}

TEST(CuptiPool, OutlivesChangesOfSize) {
  BufferPool pool(first_byte);
  pool.open(2, 4096, true);
  auto const held = pool.request(), stale = pool.request();
  stale[0] = 9;
  pool.complete(stale.data(), 8);
  pool.open(1, 8192, true); // `held` is still written to
  EXPECT_EQ(pool.request().size(), 8192U);
  EXPECT_TRUE(pool.request().empty());
  EXPECT_TRUE(pool.take().empty()) << "records of before";
  EXPECT_EQ(pool.lost(), 0U);
  held[4095] = 1;
  pool.complete(held.data(), 1 << 20);
  auto const taken = pool.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].valid, 4096U) << "never more than the buffer holds";
  pool.give_back(held.data());
  EXPECT_TRUE(pool.request().empty()) << "a buffer of another size";
}

TEST(CuptiPool, IgnoresForeignBuffers) {
  BufferPool pool(first_byte);
  pool.open(1, 4096, true);
  std::uint8_t foreign[64]{};
  pool.complete(foreign, 64);
  EXPECT_TRUE(pool.take().empty());
  pool.give_back(foreign);
  EXPECT_EQ(pool.request().size(), 4096U);
  EXPECT_TRUE(pool.request().empty());
}

// Versions, and machines without a driver.

TEST(CuptiVersion, IsNamed) {
  EXPECT_EQ(cupti_version_text(22), "CUPTI 12.4 (API 22)");
  EXPECT_EQ(cupti_version_text(130001), "CUPTI 13.0 (API 130001)");
  EXPECT_EQ(cupti_version_text(130100), "CUPTI 13.1 (API 130100)");
  EXPECT_EQ(cupti_version_text(25), "CUPTI (API 25)");
  EXPECT_EQ(cupti_version().rfind("CUPTI ", 0), 0U) << cupti_version();
  EXPECT_NE(why_not_trace(130000).find("130000"), std::string::npos);
  EXPECT_EQ(why_not_trace(130001), "");
  EXPECT_EQ(why_not_trace(28), "");
}

TEST(CuptiApiText, NamesTheErrorAndWhatStandsBehindIt) {
  EXPECT_EQ(CuptiApi::text(CUPTI_ERROR_INVALID_PARAMETER), "CUPTI_ERROR_INVALID_PARAMETER");
  auto const privileges = CuptiApi::text(CUPTI_ERROR_INSUFFICIENT_PRIVILEGES);
  EXPECT_NE(privileges.find("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES: "), std::string::npos);
  EXPECT_NE(privileges.find("NVreg_RestrictProfilingToAdminUsers=0"), std::string::npos);
  EXPECT_EQ(CuptiApi::text(static_cast<CUptiResult>(4711)), "CUPTI's error 4711");
}

TEST(CuptiWithoutDevice, SaysSoInOneLine) {
  auto const reason = why_no_cuda_device();
  if (reason.empty()) GTEST_SKIP() << "there is a device";
  EXPECT_EQ(reason.find('\n'), std::string::npos);
  for (int twice = 0; twice < 2; ++twice) {
    auto const tracer = cupti_tracer();
    try {
      tracer->start();
      FAIL() << "no error";
    } catch (Error const& error) {
      EXPECT_EQ(error.what(), reason);
      EXPECT_EQ(error.code(), Exit::incomplete);
    }
    auto const log = tracer->stop();
    EXPECT_TRUE(log.spans.empty());
    EXPECT_EQ(log.dropped, 0U);
  }
  auto const skipped = pm_sampling_collector.supports();
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->reason, reason);
  EXPECT_THROW(pm_sampling_collector.watch(), Error);
}

} // namespace
} // namespace maru
