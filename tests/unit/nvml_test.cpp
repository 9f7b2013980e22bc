// SPDX-License-Identifier: Apache-2.0
// The NVML collectors against a library that follows a script (tests/fakes/nvml.cpp).
#include "collectors/nvml.hpp"
#include "collectors/nvml_gpm.hpp"
#include "collectors/nvml_watch.hpp"
#include "core/error.hpp"
#include "tests/unit/nvml_fake.hpp"

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>

namespace maru {

// As collectors/cuda_uuid.cpp would, had this machine a device.
DeviceAddress cuda_device_in_use() {
  if (std::getenv("MARU_TEST_NO_DEVICE")) throw Error(Exit::incomplete, "cudaGetDevice failed: none");
  return {.uuid = "GPU-00000000-0000-0000-0000-000000000001", .bus = "0000:3b:00.0"};
}

namespace {

using namespace fake_nvml;
using Words = std::vector<std::string>;

Conditions watched(std::string const& lines, double seconds, std::optional<double> busy_before = {}) {
  Script const script(lines);
  auto const watch = nvml_watch(device(), 0.01, busy_before);
  wait(seconds);
  Conditions seen;
  watch->finish(seen);
  return seen;
}

template <class F> std::string error_of(F&& action) {
  try {
    action();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::incomplete);
    return error.what();
  }
  return "";
}

TEST(Nvml, MissingLibraryIsSaidInTheLinkersWords) {
  EXPECT_NE(error_of([] { Nvml("libmaru-none.so.1"); }).find("libmaru-none.so.1: cannot open"), std::string::npos);
}

TEST(Nvml, LibraryWithoutItsFirstFunctionIsRefused) {
  EXPECT_EQ(error_of([] { Nvml("libm.so.6"); }), "NVML: libm.so.6 has no nvmlInit_v2");
}

TEST(Nvml, FailuresAreSaidInItsOwnWords) {
  {
    Script const script("0 nvmlInit_v2 9\n");
    EXPECT_EQ(error_of([] { Nvml{library}; }).find("nvmlInit_v2 failed: Driver Not Loaded (9)"), 0U);
  }
  Script const script("0 uuid GPU-2\n0 bus 0000:00:00.0\n");
  EXPECT_EQ(error_of([] { device(); }), "NVML knows neither GPU-00000000-0000-0000-0000-000000000001 nor "
                                        "0000:3b:00.0: Not Found (6)");
}

TEST(Nvml, DeviceIsFoundByItsBusWhereTheUuidIsNotKnown) {
  Script const script("0 uuid GPU-2\n");
  EXPECT_EQ(device().uuid(), "GPU-00000000-0000-0000-0000-000000000001");
}

TEST(Nvml, IsShutDownWithTheLastDevice) {
  Calls const calls;
  Script const script("");
  {
    auto const copy = device();
    EXPECT_EQ(calls.of("nvmlInit_v2"), 1);
    EXPECT_EQ(calls.of("nvmlShutdown"), 0);
  }
  EXPECT_EQ(calls.of("nvmlShutdown"), 1);
}

TEST(Nvml, ReadsInStandardUnits) {
  Script const script("0 sm_clock 1755\n0 reasons 0x44\n0 energy_rate 0\n0 links_up 17\n0 ecc_uncorrected 5\n"
                      "0 rows_uncorrected 2\n0 rows_pending 1\n");
  auto const reading = device().read();
  EXPECT_DOUBLE_EQ(reading.sm_clock.value(), 1.755e9);
  EXPECT_DOUBLE_EQ(reading.memory_clock.value(), 3.201e9);
  EXPECT_DOUBLE_EQ(reading.power.value(), 500);
  EXPECT_DOUBLE_EQ(reading.energy.value(), 1000);
  EXPECT_DOUBLE_EQ(reading.temperature.value(), 60);
  EXPECT_EQ(reading.reasons, 0x44U);
  EXPECT_DOUBLE_EQ(reading.kernels_ran.value(), 1);
  EXPECT_DOUBLE_EQ(reading.memory_accessed.value(), 0.4);
  auto const state = device().state();
  EXPECT_EQ(state.ecc_corrected, 3U);
  EXPECT_EQ(state.ecc_uncorrected, 5U);
  EXPECT_EQ(state.rows->uncorrected, 2U);
  EXPECT_TRUE(state.rows->pending);
  EXPECT_FALSE(state.rows->failed);
  EXPECT_EQ(state.pcie_width, 16);
  EXPECT_EQ(state.pcie_generation, 5);
  EXPECT_EQ(state.nvlinks.size(), 18U);
  EXPECT_EQ(std::count(state.nvlinks.begin(), state.nvlinks.end(), true), 17);
  EXPECT_EQ(state.processes, 1);
  EXPECT_EQ(state.divided, false);
  EXPECT_DOUBLE_EQ(state.sm_clock_max.value(), 1.98e9);
  EXPECT_DOUBLE_EQ(state.power_limit.value(), 700);
  EXPECT_EQ(Nvml(library).driver(), "580.159.04");
  EXPECT_EQ(Nvml(library).version(), "13.580.159.04");
}

TEST(Nvml, LinksAreAskedForUpToTheFirstThatDoesNotExist) {
  Calls const calls;
  Script const script("0 links 4\n");
  EXPECT_EQ(device().state().nvlinks.size(), 4U);
  EXPECT_EQ(calls.of("nvmlDeviceGetNvLinkState"), 5);
}

TEST(Nvml, TemperatureHasTwoCalls) {
  for (auto const* lines : {"0 nvmlDeviceGetTemperature 3\n", "0 nvmlDeviceGetTemperatureV 3\n"}) {
    Script const script(lines);
    EXPECT_EQ(device().read().temperature, 60) << lines;
  }
}

TEST(Nvml, PowerOfThisMomentHasTwoTypesAndASubstitute) {
  {
    Script const script("0 field_type 3\n0 nvmlDeviceGetPowerUsage 3\n");
    EXPECT_DOUBLE_EQ(device().read().power.value(), 500);
  }
  for (auto const* lines : {"0 field_status 3\n", "0 nvmlDeviceGetFieldValues 3\n", "0 field_type 0\n"}) {
    Calls const calls;
    Script const script(lines);
    EXPECT_DOUBLE_EQ(device().read().power.value(), 500);
    EXPECT_EQ(calls.of("nvmlDeviceGetPowerUsage"), 1) << lines;
  }
}

/// A function that fails leaves out what it would tell, and nothing else.
struct Failing {
  char const* lines;
  bool (*told)(NvmlReading const&, NvmlState const&);
};
TEST(Nvml, EachFailureLeavesOutItsOwn) {
  constexpr std::array cases{
      Failing{"0 nvmlDeviceGetClockInfo 15\n", [](auto& r, auto&) { return r.sm_clock || r.memory_clock; }},
      Failing{"0 nvmlDeviceGetFieldValues 3\n0 nvmlDeviceGetPowerUsage 3\n", [](auto& r, auto&) { return !!r.power; }},
      Failing{"0 nvmlDeviceGetTotalEnergyConsumption 3\n", [](auto& r, auto&) { return !!r.energy; }},
      Failing{"0 nvmlDeviceGetTemperatureV 3\n0 nvmlDeviceGetTemperature 999\n",
              [](auto& r, auto&) { return !!r.temperature; }},
      Failing{"0 nvmlDeviceGetCurrentClocksEventReasons 4\n", [](auto& r, auto&) { return !!r.reasons; }},
      Failing{"0 nvmlDeviceGetUtilizationRates 3\n", [](auto& r, auto&) { return r.kernels_ran || r.memory_accessed; }},
      Failing{"0 nvmlDeviceGetTotalEccErrors 3\n", [](auto&, auto& s) { return s.ecc_corrected || s.ecc_uncorrected; }},
      Failing{"0 nvmlDeviceGetRemappedRows 3\n", [](auto&, auto& s) { return !!s.rows; }},
      Failing{"0 nvmlDeviceGetCurrPcieLinkWidth 3\n", [](auto&, auto& s) { return !!s.pcie_width; }},
      Failing{"0 nvmlDeviceGetCurrPcieLinkGeneration 3\n", [](auto&, auto& s) { return !!s.pcie_generation; }},
      Failing{"0 nvmlDeviceGetNvLinkState 3\n", [](auto&, auto& s) { return !s.nvlinks.empty(); }},
      Failing{"0 nvmlDeviceGetComputeRunningProcesses_v3 4\n", [](auto&, auto& s) { return !!s.processes; }},
      Failing{"0 nvmlDeviceGetMigMode 3\n", [](auto&, auto& s) { return !!s.divided; }},
      Failing{"0 nvmlDeviceGetEnforcedPowerLimit 3\n", [](auto&, auto& s) { return !!s.power_limit; }},
      Failing{"0 nvmlDeviceGetMaxClockInfo 3\n", [](auto&, auto& s) { return s.sm_clock_max || s.memory_clock_max; }},
  };
  auto const told = [&](std::string const& lines) {
    Script const script(lines);
    auto const asked = device();
    auto const reading = asked.read();
    auto const state = asked.state();
    std::vector<bool> result;
    for (auto const& one : cases) result.push_back(one.told(reading, state));
    return result;
  };
  EXPECT_EQ(told(""), std::vector<bool>(cases.size(), true));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<bool> expected(cases.size(), true);
    expected[i] = false;
    EXPECT_EQ(told(cases[i].lines), expected) << cases[i].lines;
  }
}

TEST(Nvml, OldDriverTellsWhatItCan) {
  Script const script("0 reasons 0x8\n0 processes 2\n");
  auto const asked = device(old_library);
  auto const reading = asked.read();
  EXPECT_EQ(reading.reasons, 8U);
  EXPECT_DOUBLE_EQ(reading.power.value(), 500);
  EXPECT_DOUBLE_EQ(reading.temperature.value(), 60);
  EXPECT_FALSE(reading.energy);
  auto const state = asked.state();
  EXPECT_EQ(state.processes, 2);
  EXPECT_FALSE(state.rows || state.divided);
  EXPECT_FALSE(nvml_refusal(asked));
  EXPECT_EQ(gpm_refusal(asked).value().reason, "GPM: this driver's NVML has none");
}

TEST(NvmlWatch, HealthyTimeIsValidAndEnergyGivesThePower) {
  auto const seen = watched("0 energy_rate 250000\n", 0.6);
  EXPECT_EQ(seen.source, "NVML 580.159.04");
  EXPECT_EQ(seen.invalid, Words{}) << seen.detail;
  EXPECT_GE(seen.readings, 10U);
  EXPECT_DOUBLE_EQ(seen.sm_clock.value(), 1.98e9);
  EXPECT_NEAR(seen.power.value(), 250, 100);
  EXPECT_EQ(seen.utilisation.value().source, "nvml");
}

TEST(NvmlWatch, EndBeforeTheFirstPeriodStillHasTwoReadings) {
  Script const script("");
  auto const watch = nvml_watch(device(), 3600, {});
  Conditions seen;
  watch->finish(seen);
  EXPECT_EQ(seen.readings, 2U);
  EXPECT_DOUBLE_EQ(seen.power.value(), 500);
  EXPECT_DOUBLE_EQ(seen.sm_clock.value(), 1.98e9);
  Conditions again;
  watch->finish(again);
  EXPECT_EQ(again.readings, 0U);
}

std::ptrdiff_t threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

TEST(NvmlWatch, DestructionWithoutFinishEndsTheThread) {
  Script const script("");
  auto const before = threads();
  for (double const interval : {0.001, 3600.0}) {
    {
      auto const watch = nvml_watch(device(), interval, {});
      EXPECT_EQ(threads(), before + 1);
    }
    EXPECT_EQ(threads(), before);
  }
}

TEST(NvmlWatch, ScriptedFaultsAreSeen) {
  EXPECT_EQ(watched("0.1 reasons 0x48\n", 0.2).invalid, Words{"throttled"});
  EXPECT_EQ(watched("0.3 sm_clock 1200\n", 0.4).invalid, Words{"clock_changed"});
  EXPECT_EQ(watched("0.1 ecc_uncorrected 1\n", 0.2).invalid, Words{"ecc"});
  EXPECT_EQ(watched("0 rows_failed 1\n", 0.05).invalid, Words{"ecc"});
  EXPECT_EQ(watched("0.1 processes 2\n", 0.2).invalid, Words{"contended"});
  EXPECT_EQ(watched("0 processes 0\n", 0.05, 0.8).invalid, Words{"contended"});
  EXPECT_EQ(watched("0 processes 0\n0 mig 1\n", 0.05, 0.8).invalid, Words{});
  EXPECT_EQ(watched("0.1 pcie_width 8\n", 0.2).pcie_width, 8);
}

TEST(NvmlWatch, EnergyCounterThatFellIsNotBelieved) {
  auto const seen = watched("0 power 321000\n0.3 energy 0\n", 0.6);
  EXPECT_DOUBLE_EQ(seen.power.value(), 321);
}

std::string const lost = "0 nvmlDeviceGetClockInfo 15\n0 nvmlDeviceGetFieldValues 15\n0 nvmlDeviceGetPowerUsage 15\n"
                         "0 nvmlDeviceGetTotalEnergyConsumption 15\n0 nvmlDeviceGetTemperatureV 15\n"
                         "0 nvmlDeviceGetTemperature 15\n0 nvmlDeviceGetCurrentClocksEventReasons 15\n"
                         "0 nvmlDeviceGetUtilizationRates 15\n";
TEST(NvmlWatch, LostDeviceLeavesNothingButNoFailure) {
  auto const seen = watched(lost, 0.05);
  EXPECT_EQ(seen.readings, 0U);
  EXPECT_FALSE(seen.sm_clock || seen.power || seen.utilisation);
}

TEST(NvmlWatch, DeviceThatTellsNothingIsRefused) {
  Script const script(lost);
  EXPECT_EQ(nvml_refusal(device()).value().reason,
            "NVML tells neither clocks nor power nor temperature of GPU-00000000-0000-0000-0000-000000000001");
}

TEST(NvmlWatch, SlowReadingsBecomeRarer) {
  auto const seen = watched("0 delay 0.01\n", 0.5); // 20 ms a reading: at most one each 200 ms, and the two ends
  EXPECT_GE(seen.readings, 3U);
  EXPECT_LE(seen.readings, 5U);
}

TEST(NvmlWatch, LoadOfAnEndedProcessFades) {
  {
    Script const script("0 gpu_utilization 90\n0.2 gpu_utilization 3\n");
    EXPECT_DOUBLE_EQ(lasting_load(device(), 2).value(), 0.03);
  }
  Script const script("0 gpu_utilization 90\n");
  EXPECT_DOUBLE_EQ(lasting_load(device(), 0.2).value(), 0.9);
}

} // namespace
} // namespace maru
