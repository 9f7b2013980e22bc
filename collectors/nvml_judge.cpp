// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml_judge.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <functional>
#include <utility>

namespace maru {
namespace {

constexpr std::array<std::pair<ClockReason, char const*>, 8> words{{
    {ClockReason::applications_clocks, "applications_clocks"},
    {ClockReason::sw_power_cap, "sw_power_cap"},
    {ClockReason::hw_slowdown, "hw_slowdown"},
    {ClockReason::sync_boost, "sync_boost"},
    {ClockReason::sw_thermal, "sw_thermal"},
    {ClockReason::hw_thermal, "hw_thermal"},
    {ClockReason::hw_power_brake, "hw_power_brake"},
    {ClockReason::display, "display"},
}};

constexpr std::uint64_t bit(ClockReason reason) { return static_cast<std::uint64_t>(reason); }
/// Those that make a time worthless. A power cap is no fault: matrix multiplication at full power always meets it.
constexpr std::uint64_t faults = bit(ClockReason::hw_slowdown) | bit(ClockReason::sw_thermal) |
                                 bit(ClockReason::hw_thermal) | bit(ClockReason::hw_power_brake);

constexpr double unsteady_part = 0.2;   // of the time watched, at its beginning, in which clocks still rise
constexpr double most_change = 0.05;    // of the highest clock
constexpr double shortest_energy = 0.5; // seconds: the energy counter moves in steps of up to about 0.1 s
constexpr double busy = 0.5;            // of the time: more than another process's stray kernel

using Readings = std::vector<NvmlReading>;
using Field = std::optional<double> NvmlReading::*;

bool has(NvmlReading const& reading, std::uint64_t reasons) { return (reading.reasons.value_or(0) & reasons) != 0; }
bool empty(NvmlReading const& r) {
  return !r.sm_clock && !r.memory_clock && !r.power && !r.energy && !r.temperature && !r.reasons && !r.kernels_ran;
}

/// The readings under load. The first and last of a watch often fall outside of it, and clocks at rest say nothing.
Readings at_work(Readings const& readings) {
  Readings kept;
  std::copy_if(readings.begin(), readings.end(), std::back_inserter(kept),
               [](auto const& r) { return !has(r, bit(ClockReason::idle)); });
  return kept.empty() ? readings : kept;
}

/// Mean over time: each value stands for half the way to its neighbours, since readings are not evenly spaced.
std::optional<double> mean(Readings const& readings, Field field) {
  std::vector<std::pair<double, double>> points;
  for (auto const& reading : readings)
    if (auto const& value = reading.*field) points.emplace_back(reading.time, *value);
  if (points.empty()) return std::nullopt;
  double area = 0, plain = 0;
  for (std::size_t i = 1; i < points.size(); ++i)
    area += (points[i].first - points[i - 1].first) * (points[i].second + points[i - 1].second) / 2;
  double const length = points.back().first - points.front().first;
  if (length > 0) return area / length;
  for (auto const& point : points) plain += point.second;
  return plain / static_cast<double>(points.size());
}

std::optional<double> best(Readings const& readings, Field field, bool (*better)(double, double)) {
  std::optional<double> result;
  for (auto const& reading : readings)
    if (auto const& value = reading.*field; value && (!result || better(*value, *result))) result = value;
  return result;
}
bool lower(double a, double b) { return a < b; }
bool higher(double a, double b) { return a > b; }

/// From the energy counter where it spans enough time and was not reset on the way, else from the power readings.
std::optional<double> mean_power(Readings const& readings) {
  auto const counts = [](auto const& r) { return r.energy.has_value(); };
  auto const first = std::find_if(readings.begin(), readings.end(), counts);
  auto const last = std::find_if(readings.rbegin(), readings.rend(), counts);
  if (first != readings.end() && last->time - first->time >= shortest_energy) {
    auto const fell = [](auto const& a, auto const& b) { return a.energy && b.energy && *b.energy < *a.energy; };
    bool const reset = std::adjacent_find(readings.begin(), readings.end(), fell) != readings.end();
    double const joules = *last->energy - *first->energy;
    // A counter that stands still has not been updated; no device draws nothing.
    if (!reset && joules > 0) return joules / (last->time - first->time);
  }
  return mean(at_work(readings), &NvmlReading::power);
}

template <class T> std::optional<T> fewest(std::optional<T> const& a, std::optional<T> const& b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

std::optional<std::int64_t> links_up(NvmlState const& state) {
  if (state.nvlinks.empty()) return std::nullopt;
  return std::count(state.nvlinks.begin(), state.nvlinks.end(), true);
}

/// Empty when nothing is wrong, else what was seen.
std::string throttled(Readings const& working) {
  auto const bad = [](auto const& r) { return has(r, faults); };
  auto const first = std::find_if(working.begin(), working.end(), bad);
  if (first == working.end()) return {};
  std::uint64_t seen = 0;
  for (auto const& reading : working) seen |= reading.reasons.value_or(0) & faults;
  auto line = fmt::format("{} in {} of {} readings, first at {:.2f} s", fmt::join(reason_words(seen), ", "),
                          std::count_if(working.begin(), working.end(), bad), working.size(), first->time);
  if (first->sm_clock) line += fmt::format(", SM clock {:.0f} MHz", *first->sm_clock / 1e6);
  if (first->temperature) line += fmt::format(", {:.0f} °C", *first->temperature);
  return line;
}

/// A governor that holds the power at its cap moves the clock up and down all the time. There a drift counts: how far
/// apart the two halves' means are. Else the extremes do.
std::string clock_changed(Readings const& working, double begin, double end) {
  Readings steady;
  for (auto const& reading : working)
    if (reading.sm_clock && reading.time >= begin + unsteady_part * (end - begin)) steady.push_back(reading);
  if (steady.size() < 2) return {};
  auto const capped = [](auto const& r) { return has(r, bit(ClockReason::sw_power_cap)); };
  auto const highest = *best(steady, &NvmlReading::sm_clock, higher);
  if (std::none_of(steady.begin(), steady.end(), capped)) {
    auto const lowest = *best(steady, &NvmlReading::sm_clock, lower);
    if (highest - lowest <= most_change * highest) return {};
    return fmt::format("SM clock between {:.0f} and {:.0f} MHz", lowest / 1e6, highest / 1e6);
  }
  auto const middle = steady.begin() + static_cast<std::ptrdiff_t>(steady.size() / 2);
  double const early = *mean({steady.begin(), middle}, &NvmlReading::sm_clock);
  double const late = *mean({middle, steady.end()}, &NvmlReading::sm_clock);
  if (std::abs(late - early) <= most_change * highest) return {};
  return fmt::format("SM clock under the power cap went from {:.0f} to {:.0f} MHz", early / 1e6, late / 1e6);
}

std::string contended(NvmlLog const& log) {
  // The processes and the load of other instances are none of ours.
  if (log.before.divided.value_or(false) || log.after.divided.value_or(false)) return {};
  auto const most = std::max(log.before.processes.value_or(0), log.after.processes.value_or(0));
  if (most > 1) return fmt::format("{} processes compute on the device", most);
  // We compute there, so a list without entries hides processes, as it does inside of containers.
  if (most == 0 && log.busy_before.value_or(0) >= busy)
    return fmt::format("kernels ran {:.0f} % of the time before this process used the device, by a process that the "
                       "driver hides from us",
                       *log.busy_before * 100);
  return {};
}

std::string ecc(NvmlLog const& log) {
  if (log.before.ecc_uncorrected && log.after.ecc_uncorrected &&
      *log.after.ecc_uncorrected > *log.before.ecc_uncorrected)
    return fmt::format("{} uncorrected memory errors meanwhile",
                       *log.after.ecc_uncorrected - *log.before.ecc_uncorrected);
  auto const& rows = log.after.rows ? log.after.rows : log.before.rows;
  if (rows && rows->failed) return "remapping of a memory row has failed";
  if (rows && rows->pending) return "a memory row awaits remapping at the next reset";
  return {};
}

void find_invalid(Conditions& result, NvmlLog const& log, Readings const& working) {
  auto const add = [&](char const* word, std::string const& why) {
    if (why.empty()) return;
    if (result.invalid.empty()) result.detail = log.device + ": " + why;
    result.invalid.emplace_back(word);
  };
  add("throttled", throttled(working));
  if (!log.readings.empty())
    add("clock_changed", clock_changed(working, log.readings.front().time, log.readings.back().time));
  add("contended", contended(log));
  add("ecc", ecc(log));
}

/// Neither number is an activity of SMs or of DRAM, so neither may stand in a field of that name.
std::optional<Utilisation> lowest_rung(Readings const& readings) {
  auto const kernels = mean(readings, &NvmlReading::kernels_ran);
  if (!kernels) return std::nullopt;
  auto reason = fmt::format("NVML tells only that some kernel ran {:.0f} % of the time", *kernels * 100);
  if (auto const memory = mean(readings, &NvmlReading::memory_accessed))
    reason += fmt::format(" and memory was accessed {:.0f} % of it", *memory * 100);
  Utilisation result;
  result.source = "nvml";
  result.reason = reason + ", not how busy SMs or DRAM were";
  return result;
}

} // namespace

std::vector<std::string> reason_words(std::uint64_t reasons) {
  std::vector<std::string> result;
  for (auto const& [reason, word] : words)
    if (reasons & bit(reason)) result.emplace_back(word);
  return result;
}

Conditions judge(NvmlLog const& log) {
  auto const working = at_work(log.readings);
  Conditions result;
  result.source = log.driver.empty() ? "NVML" : "NVML " + log.driver;
  result.devices = 1;
  result.readings =
      static_cast<std::uint64_t>(std::count_if(log.readings.begin(), log.readings.end(), std::not_fn(empty)));
  result.sm_clock = mean(working, &NvmlReading::sm_clock);
  result.sm_clock_min = best(working, &NvmlReading::sm_clock, lower);
  result.sm_clock_max = best(working, &NvmlReading::sm_clock, higher);
  result.memory_clock = mean(working, &NvmlReading::memory_clock);
  // Of a divided device the power is everybody's.
  if (!log.before.divided.value_or(false)) result.power = mean_power(log.readings);
  result.temperature = best(log.readings, &NvmlReading::temperature, higher);
  result.pcie_width = fewest(log.before.pcie_width, log.after.pcie_width);
  result.nvlinks = fewest(links_up(log.before), links_up(log.after));
  std::uint64_t reasons = 0;
  for (auto const& reading : working) reasons |= reading.reasons.value_or(0);
  result.throttle = reason_words(reasons);
  find_invalid(result, log, working);
  result.utilisation = lowest_rung(log.readings);
  return result;
}

void add_missing(Conditions& conditions, Conditions const& seen) {
  auto const take = [](auto& mine, auto const& theirs) {
    if (!mine) mine = theirs;
  };
  if (conditions.source.empty()) conditions.source = seen.source;
  if (conditions.devices == 0) conditions.devices = seen.devices;
  if (conditions.readings == 0) conditions.readings = seen.readings;
  take(conditions.sm_clock, seen.sm_clock);
  take(conditions.sm_clock_min, seen.sm_clock_min);
  take(conditions.sm_clock_max, seen.sm_clock_max);
  take(conditions.memory_clock, seen.memory_clock);
  take(conditions.power, seen.power);
  take(conditions.temperature, seen.temperature);
  take(conditions.pcie_width, seen.pcie_width);
  take(conditions.nvlinks, seen.nvlinks);
  auto const join = [](auto& mine, auto const& theirs) {
    for (auto const& word : theirs)
      if (std::find(mine.begin(), mine.end(), word) == mine.end()) mine.push_back(word);
  };
  if (conditions.invalid.empty() && conditions.detail.empty()) conditions.detail = seen.detail;
  join(conditions.throttle, seen.throttle);
  join(conditions.invalid, seen.invalid);
  auto& utilisation = conditions.utilisation;
  if (!seen.utilisation) return;
  if (!utilisation) {
    utilisation = seen.utilisation;
  } else if (utilisation->source.empty()) { // somebody better left only the reason why it could not
    auto const why = utilisation->reason;
    utilisation = seen.utilisation;
    utilisation->reason = join_reasons(why, seen.utilisation->reason);
  }
}

std::string suspicion(GpmValues const& values, std::optional<double> power, std::optional<double> power_limit) {
  if (!power || !power_limit || *power_limit <= 0) return {};
  double const part = *power / *power_limit;
  std::vector<std::string_view> still;
  auto const check = [&](std::optional<double> const& value, double from, std::string_view name) {
    if (value && *value <= 0 && part >= from) still.push_back(name);
  };
  // Idle SMs cannot draw half of the limit. Loads without tensor cores or without DRAM can, but not nearly all of it.
  check(values.sm_active, 0.5, "sm_active");
  check(values.tensor_active, 0.9, "tensor_active");
  check(values.dram_active, 0.9, "dram_active");
  if (still.empty()) return {};
  return fmt::format("suspicious: {} 0 at {:.0f} W of {:.0f} W", fmt::join(still, ", "), *power, *power_limit);
}

std::string join_reasons(std::string const& first, std::string_view second) {
  if (first.empty() || second.empty()) return first + std::string(second);
  return fmt::format("{}; {}", first, second);
}

} // namespace maru
