// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml_judge.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

using Words = std::vector<std::string>;

std::uint64_t bits(std::initializer_list<ClockReason> reasons) {
  std::uint64_t result = 0;
  for (auto const reason : reasons) result |= static_cast<std::uint64_t>(reason);
  return result;
}

/// One healthy second, read every 0.1 s: 1.5 GHz, 600 W by the readings, 500 W by the energy counter.
NvmlLog healthy() {
  NvmlLog log{.driver = "580.1", .device = "GPU-1", .readings = {}, .before = {}, .after = {}, .busy_before = {}};
  for (int i = 0; i <= 10; ++i) {
    NvmlReading reading;
    reading.time = i * 0.1;
    reading.sm_clock = 1.5e9;
    reading.memory_clock = 3.2e9;
    reading.power = 600;
    reading.energy = 1e6 + 500 * reading.time;
    reading.temperature = 50 + i;
    reading.reasons = 0;
    log.readings.push_back(reading);
  }
  log.before.processes = log.after.processes = 1;
  log.before.ecc_uncorrected = log.after.ecc_uncorrected = 2;
  log.before.rows = log.after.rows = RemappedRows{1, 0, false, false};
  log.before.pcie_width = log.after.pcie_width = 16;
  log.before.nvlinks = log.after.nvlinks = std::vector<bool>(18, true);
  return log;
}

TEST(NvmlJudge, HealthyDeviceIsValid) {
  auto const seen = judge(healthy());
  EXPECT_EQ(seen.source, "NVML 580.1");
  EXPECT_EQ(seen.devices, 1);
  EXPECT_EQ(seen.readings, 11U);
  EXPECT_DOUBLE_EQ(seen.sm_clock.value(), 1.5e9);
  EXPECT_DOUBLE_EQ(seen.memory_clock.value(), 3.2e9);
  EXPECT_NEAR(seen.power.value(), 500, 1e-6);
  EXPECT_DOUBLE_EQ(seen.temperature.value(), 60);
  EXPECT_EQ(seen.pcie_width, 16);
  EXPECT_EQ(seen.nvlinks, 18);
  EXPECT_EQ(seen.throttle, Words{});
  EXPECT_EQ(seen.invalid, Words{});
  EXPECT_EQ(seen.detail, "");
  EXPECT_FALSE(seen.energy_per_call);
  EXPECT_FALSE(seen.utilisation);
}

TEST(NvmlJudge, NothingReadIsNothingSaid) {
  auto const seen = judge({});
  EXPECT_EQ(seen.source, "NVML");
  EXPECT_EQ(seen.readings, 0U);
  EXPECT_FALSE(seen.sm_clock || seen.power || seen.temperature || seen.pcie_width || seen.nvlinks);
  EXPECT_EQ(seen.invalid, Words{});
}

TEST(NvmlJudge, EveryReasonHasItsWord) {
  EXPECT_EQ(reason_words(0x1ff), (Words{"applications_clocks", "sw_power_cap", "hw_slowdown", "sync_boost",
                                        "sw_thermal", "hw_thermal", "hw_power_brake", "display"}));
  EXPECT_EQ(reason_words(0x40), Words{"hw_thermal"});
  EXPECT_EQ(reason_words(0x1), Words{});
}

TEST(NvmlJudge, OnlyFaultsMakeARecordInvalid) {
  using enum ClockReason;
  for (auto const reason : {hw_slowdown, sw_thermal, hw_thermal, hw_power_brake}) {
    auto log = healthy();
    log.readings[4].reasons = bits({reason});
    auto const seen = judge(log);
    EXPECT_EQ(seen.invalid, Words{"throttled"});
    EXPECT_EQ(seen.throttle, reason_words(bits({reason})));
    EXPECT_EQ(seen.detail,
              "GPU-1: " + seen.throttle.at(0) + " in 1 of 11 readings, first at 0.40 s, SM clock 1500 MHz, 54 °C");
  }
  for (auto const reason : {applications_clocks, sw_power_cap, sync_boost, display}) {
    auto log = healthy();
    log.readings[4].reasons = bits({reason});
    EXPECT_EQ(judge(log).invalid, Words{});
    EXPECT_EQ(judge(log).throttle, reason_words(bits({reason})));
  }
}

TEST(NvmlJudge, ReadingsAtRestAreNotTheLoads) {
  auto log = healthy();
  for (auto const i : {0U, 10U}) {
    log.readings[i].sm_clock = 3e8;
    log.readings[i].reasons = bits({ClockReason::idle, ClockReason::sw_thermal});
  }
  auto const seen = judge(log);
  EXPECT_DOUBLE_EQ(seen.sm_clock_min.value(), 1.5e9);
  EXPECT_EQ(seen.invalid, Words{});
  EXPECT_EQ(seen.throttle, Words{});
}

TEST(NvmlJudge, ClockMayRiseAtFirstButNotChangeLater) {
  auto log = healthy();
  log.readings[0].sm_clock = log.readings[1].sm_clock = 1e9;
  EXPECT_EQ(judge(log).invalid, Words{});
  EXPECT_DOUBLE_EQ(judge(log).sm_clock_min.value(), 1e9);
  log.readings[7].sm_clock = 1.5e9 * 0.951;
  EXPECT_EQ(judge(log).invalid, Words{});
  log.readings[7].sm_clock = 1.5e9 * 0.94;
  EXPECT_EQ(judge(log).invalid, Words{"clock_changed"});
  EXPECT_EQ(judge(log).detail, "GPU-1: SM clock between 1410 and 1500 MHz");
}

TEST(NvmlJudge, UnderThePowerCapOnlyADriftIsAChange) {
  auto log = healthy();
  for (std::size_t i = 0; i < log.readings.size(); ++i) {
    log.readings[i].reasons = bits({ClockReason::sw_power_cap});
    log.readings[i].sm_clock = i % 2 ? 1.5e9 : 1.3e9;
  }
  EXPECT_EQ(judge(log).invalid, Words{});
  EXPECT_EQ(judge(log).throttle, Words{"sw_power_cap"});
  for (std::size_t i = 6; i < log.readings.size(); ++i) log.readings[i].sm_clock = 1.2e9;
  EXPECT_EQ(judge(log).invalid, Words{"clock_changed"});
}

TEST(NvmlJudge, MeanIsOverTimeAndNotOverReadings) {
  auto log = healthy();
  log.readings.resize(3);
  for (auto& reading : log.readings) reading.energy = {};
  log.readings[1].time = 0.01;
  log.readings[2].time = 1.01;
  log.readings[0].power = 0;
  log.readings[1].power = log.readings[2].power = 400;
  EXPECT_NEAR(judge(log).power.value(), (0.01 * 200 + 400) / 1.01, 1e-9);
}

TEST(NvmlJudge, EnergyCounterIsForLongEnoughAndUnbrokenTimes) {
  auto short_time = healthy();
  short_time.readings.resize(5); // 0.4 s
  EXPECT_DOUBLE_EQ(judge(short_time).power.value(), 600);
  auto reset = healthy();
  for (std::size_t i = 3; i < reset.readings.size(); ++i) *reset.readings[i].energy -= 1e6;
  EXPECT_DOUBLE_EQ(judge(reset).power.value(), 600);
  auto passed_again = healthy(); // reset, then beyond its first value
  *passed_again.readings[3].energy = 0;
  *passed_again.readings[10].energy = 2e6;
  EXPECT_DOUBLE_EQ(judge(passed_again).power.value(), 600);
  auto still = healthy();
  for (auto& reading : still.readings) reading.energy = 7;
  EXPECT_DOUBLE_EQ(judge(still).power.value(), 600);
}

TEST(NvmlJudge, MemoryErrorsCountWhenTheyGrow) {
  auto log = healthy();
  log.after.ecc_uncorrected = 3;
  EXPECT_EQ(judge(log).invalid, Words{"ecc"});
  EXPECT_EQ(judge(log).detail, "GPU-1: 1 uncorrected memory errors meanwhile");
  log.after.ecc_uncorrected = 0; // the driver was loaded anew
  EXPECT_EQ(judge(log).invalid, Words{});
  log.after.rows->pending = true;
  EXPECT_EQ(judge(log).invalid, Words{"ecc"});
  log.after.rows = {};
  log.before.rows->failed = true;
  EXPECT_EQ(judge(log).detail, "GPU-1: remapping of a memory row has failed");
}

TEST(NvmlJudge, OtherProcessesContend) {
  auto log = healthy();
  log.busy_before = 0.9; // of the job before us: our own process shows, so nobody hides
  EXPECT_EQ(judge(log).invalid, Words{});
  log.after.processes = 2;
  EXPECT_EQ(judge(log).invalid, Words{"contended"});
  log.before.processes = log.after.processes = 0;
  EXPECT_EQ(judge(log).invalid, Words{"contended"});
  EXPECT_NE(judge(log).detail.find("90 %"), std::string::npos);
  log.busy_before = 0.3;
  EXPECT_EQ(judge(log).invalid, Words{});
}

TEST(NvmlJudge, DividedDeviceHasOthersPowerAndProcesses) {
  auto log = healthy();
  log.before.divided = true;
  log.after.processes = 5;
  EXPECT_EQ(judge(log).invalid, Words{});
  EXPECT_FALSE(judge(log).power);
  EXPECT_TRUE(judge(log).sm_clock);
}

TEST(NvmlJudge, WorstOfTheLinksAndTheFirstFaultAreReported) {
  auto log = healthy();
  log.after.pcie_width = 8;
  log.after.nvlinks[3] = false;
  log.after.processes = 2;
  log.readings[5].reasons = bits({ClockReason::hw_slowdown, ClockReason::hw_thermal});
  auto const seen = judge(log);
  EXPECT_EQ(seen.pcie_width, 8);
  EXPECT_EQ(seen.nvlinks, 17);
  EXPECT_EQ(seen.invalid, (Words{"throttled", "contended"}));
  EXPECT_EQ(seen.throttle, (Words{"hw_slowdown", "hw_thermal"}));
  EXPECT_EQ(seen.detail.find("GPU-1: hw_slowdown, hw_thermal in 1 of 11"), 0U) << seen.detail;
}

TEST(NvmlJudge, LowestRungSaysWhatItIsAndClaimsNothingElse) {
  auto log = healthy();
  for (auto& reading : log.readings) {
    reading.kernels_ran = 0.98;
    reading.memory_accessed = 0.43;
  }
  auto const used = judge(log).utilisation.value();
  EXPECT_EQ(used.source, "nvml");
  EXPECT_NE(used.reason.find("98 %"), std::string::npos) << used.reason;
  EXPECT_NE(used.reason.find("43 %"), std::string::npos) << used.reason;
  EXPECT_FALSE(used.sm_active || used.tensor_active || used.dram_active);
  EXPECT_EQ(used.coverage, 0);
}

TEST(NvmlJudge, WhatOthersFilledIsLeftAlone) {
  Conditions mine;
  mine.power = 1;
  mine.throttle = {"sw_power_cap"};
  mine.invalid = {"clock_changed"};
  mine.detail = "mine";
  mine.utilisation.emplace().source = "gpm";
  auto log = healthy();
  log.readings[5].reasons = bits({ClockReason::hw_thermal, ClockReason::sw_power_cap});
  for (auto& reading : log.readings) reading.kernels_ran = 1;
  add_missing(mine, judge(log));
  EXPECT_EQ(mine.power, 1);
  EXPECT_EQ(mine.sm_clock, 1.5e9);
  EXPECT_EQ(mine.throttle, (Words{"sw_power_cap", "hw_thermal"}));
  EXPECT_EQ(mine.invalid, (Words{"clock_changed", "throttled"}));
  EXPECT_EQ(mine.detail, "mine");
  EXPECT_EQ(mine.utilisation->source, "gpm");
  mine.utilisation = Utilisation{};
  mine.utilisation->reason = "GPM: no";
  add_missing(mine, judge(log));
  EXPECT_EQ(mine.utilisation->source, "nvml");
  EXPECT_EQ(mine.utilisation->reason.find("GPM: no; NVML tells"), 0U) << mine.utilisation->reason;
}

TEST(NvmlJudge, CountersThatStandStillUnderPowerAreSuspicious) {
  GpmValues values;
  values.sm_active = values.tensor_active = 0;
  values.dram_active = 0.2;
  EXPECT_EQ(suspicion(values, 690, 700), "suspicious: sm_active, tensor_active 0 at 690 W of 700 W");
  EXPECT_EQ(suspicion(values, 400, 700), "suspicious: sm_active 0 at 400 W of 700 W");
  EXPECT_EQ(suspicion(values, 100, 700), "");
  EXPECT_EQ(suspicion(values, {}, 700), "");
  EXPECT_EQ(suspicion(values, 690, {}), "");
  values.sm_active = values.tensor_active = 0.01;
  EXPECT_EQ(suspicion(values, 690, 700), "");
  EXPECT_EQ(suspicion({}, 690, 700), "") << "a counter that is absent says nothing";
}

} // namespace
} // namespace maru
