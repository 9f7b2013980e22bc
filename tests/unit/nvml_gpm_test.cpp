// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml_gpm.hpp"
#include "collectors/nvml_watch.hpp"
#include "tests/unit/nvml_fake.hpp"

#include <gtest/gtest.h>

namespace maru {

extern Collector const nvml_collector;
extern Collector const gpm_collector;

namespace {

using namespace fake_nvml;

Conditions gpm(std::string const& lines, double seconds, Conditions seen = {}) {
  Script const script(lines);
  auto const watch = gpm_watch(device());
  wait(seconds);
  watch->finish(seen);
  return seen;
}

std::string const counters =
    "0 gpm_2 97.5\n0 gpm_5 62\n0 gpm_10 31\n0 gpm_20 2\n0 gpm_21 1\n0 gpm_60 200\n0 gpm_61 100\n";

TEST(NvmlGpm, GivesRatiosAndBytesPerSecond) {
  Calls const calls;
  auto const used = gpm(counters, 0.15).utilisation.value();
  EXPECT_EQ(used.source, "gpm");
  EXPECT_EQ(used.reason, "");
  EXPECT_DOUBLE_EQ(used.sm_active.value(), 0.975);
  EXPECT_DOUBLE_EQ(used.tensor_active.value(), 0.62);
  EXPECT_DOUBLE_EQ(used.dram_active.value(), 0.31);
  EXPECT_DOUBLE_EQ(used.nvlink_receive.value(), 200 * 1048576.0);
  EXPECT_DOUBLE_EQ(used.nvlink_transmit.value(), 100 * 1048576.0);
  EXPECT_DOUBLE_EQ(used.pcie_receive.value(), 1 * 1048576.0);
  EXPECT_DOUBLE_EQ(used.pcie_transmit.value(), 2 * 1048576.0);
  EXPECT_EQ(used.coverage, 1);
}

TEST(NvmlGpm, SamplesAreFreed) {
  Calls const calls;
  Script const script(counters);
  EXPECT_FALSE(gpm_refusal(device()));
  { auto const watch = gpm_watch(device()); }
  EXPECT_EQ(calls.of("nvmlGpmSampleAlloc"), 4);
  EXPECT_EQ(calls.of("nvmlGpmSampleFree"), 4);
}

TEST(NvmlGpm, CounterThatADeviceLacksIsAbsent) {
  auto const used = gpm(counters + "0 gpm_60_status 3\n", 0.15).utilisation.value();
  EXPECT_FALSE(used.nvlink_receive);
  EXPECT_TRUE(used.nvlink_transmit && used.sm_active);
}

TEST(NvmlGpm, RefusalsAreSaid) {
  auto const refusal = [](std::string const& lines) {
    Script const script(lines);
    auto const refused = gpm_refusal(device());
    return refused ? refused->reason : "";
  };
  EXPECT_EQ(refusal(""), "");
  EXPECT_EQ(refusal("0 gpm_supported 0\n"), "GPM: this device has none (Hopper and later do)");
  EXPECT_EQ(refusal("0 nvmlGpmQueryDeviceSupport 3\n"), "GPM: nvmlGpmQueryDeviceSupport: Not Supported (3)");
  EXPECT_EQ(refusal("0 nvmlGpmSampleAlloc 3\n"), "GPM: nvmlGpmSampleAlloc: Not Supported (3)");
  EXPECT_NE(refusal("0 mig 1\n").find("MIG"), std::string::npos);
  auto const denied = refusal("0 nvmlGpmSampleGet 4\n");
  EXPECT_EQ(denied.find("GPM: nvmlGpmSampleGet: Insufficient Permissions (4)"), 0U) << denied;
  EXPECT_NE(denied.find("CAP_SYS_ADMIN"), std::string::npos) << denied;
}

TEST(NvmlGpm, LateRefusalLeavesTheReasonToTheLowerRung) {
  struct Case {
    char const* lines;
    double seconds;
    char const* reason;
  };
  for (auto const& [lines, seconds, reason] :
       {Case{"0.1 nvmlGpmSampleGet 4\n", 0.2, "GPM: nvmlGpmSampleGet: Insufficient Permissions (4)"},
        Case{"0 nvmlGpmSampleGet 4\n0.1 nvmlGpmSampleGet 0\n", 0.2, "GPM: nvmlGpmSampleGet: Insufficient"},
        Case{"0 nvmlGpmSampleAlloc 20\n", 0.15, "GPM: nvmlGpmSampleAlloc: Unknown Error (20)"},
        Case{"0 nvmlGpmMetricsGet 3\n", 0.15, "GPM: nvmlGpmMetricsGet: Not Supported (3)"},
        Case{"0 gpm_2_status 3\n0 gpm_5_status 3\n0 gpm_10_status 3\n", 0.15, "GPM: the device has none of"},
        Case{"", 0, "GPM: watched for"}}) {
    auto seen = gpm(counters + lines, seconds);
    ASSERT_TRUE(seen.utilisation);
    EXPECT_EQ(seen.utilisation->source, "");
    EXPECT_EQ(seen.utilisation->reason.find(reason), 0U) << seen.utilisation->reason;
    Script const script("");
    nvml_watch(device(), 3600, {})->finish(seen);
    EXPECT_EQ(seen.utilisation->source, "nvml");
    EXPECT_EQ(seen.utilisation->reason.find(reason), 0U) << seen.utilisation->reason;
    EXPECT_NE(seen.utilisation->reason.find("; NVML tells only"), std::string::npos) << seen.utilisation->reason;
  }
}

TEST(NvmlGpm, StandsAboveTheLowestRungAndBelowTheBest) {
  Conditions lowest;
  lowest.utilisation.emplace().source = "nvml";
  EXPECT_EQ(gpm(counters, 0.15, lowest).utilisation->source, "gpm");
  Conditions best;
  best.utilisation.emplace().source = "pm_sampling";
  EXPECT_EQ(gpm(counters, 0.15, best).utilisation->source, "pm_sampling");
  EXPECT_EQ(gpm("0.1 nvmlGpmSampleGet 4\n", 0.2, best).utilisation->reason, "");
  Conditions refused;
  refused.utilisation.emplace().reason = "PM sampling: no";
  auto const used = gpm(counters, 0.15, refused).utilisation.value();
  EXPECT_EQ(used.source, "gpm");
  EXPECT_EQ(used.reason, "PM sampling: no");
}

TEST(NvmlGpm, CounterThatStandsStillUnderPowerIsSuspicious) {
  auto const used = gpm(counters + "0 gpm_2 0\n0 energy_rate 690000\n", 0.15).utilisation.value();
  EXPECT_EQ(used.reason.find("suspicious: sm_active 0 at "), 0U) << used.reason;
}

/// Both rows by the name that programs use: the loader finds a library that is already in memory by its soname.
TEST(NvmlRows, WatchTheDeviceInUse) {
  Calls const calls;
  Script const script(counters + "0 gpu_utilization 0\n");
  EXPECT_FALSE(nvml_collector.supports());
  EXPECT_FALSE(gpm_collector.supports());
  auto const basic = nvml_collector.watch();
  auto const better = gpm_collector.watch();
  wait(0.15);
  Conditions seen;
  basic->finish(seen);
  better->finish(seen);
  EXPECT_EQ(seen.source, "NVML 580.159.04");
  EXPECT_EQ(seen.utilisation.value().source, "gpm");
  ::setenv("MARU_TEST_NO_DEVICE", "1", 1);
  EXPECT_EQ(nvml_collector.supports().value().reason, "cudaGetDevice failed: none");
  EXPECT_EQ(gpm_collector.supports().value().reason, "cudaGetDevice failed: none");
  ::unsetenv("MARU_TEST_NO_DEVICE");
}

} // namespace
} // namespace maru
