// SPDX-License-Identifier: Apache-2.0
#include "core/conditions.hpp"

#include <algorithm>

namespace maru {
namespace {

template <class T, class Join> void join(std::optional<T>& into, std::optional<T> const& other, Join const& with) {
  if (!other) return;
  into = into ? with(*into, *other) : *other;
}

template <class T> void least(std::optional<T>& into, std::optional<T> const& other) {
  join(into, other, [](T a, T b) { return std::min(a, b); });
}
template <class T> void most(std::optional<T>& into, std::optional<T> const& other) {
  join(into, other, [](T a, T b) { return std::max(a, b); });
}
void sum(std::optional<double>& into, std::optional<double> const& other) {
  join(into, other, [](double a, double b) { return a + b; });
}

void add_words(std::vector<std::string>& into, std::vector<std::string> const& others) {
  for (auto const& word : others)
    if (std::find(into.begin(), into.end(), word) == into.end()) into.push_back(word);
}

// The least busy device is the one that explains a slow group; rates add up to what the group moved.
void merge_into(Utilisation& into, Utilisation const& other) {
  if (into.reason.empty()) into.reason = other.reason;
  least(into.sm_active, other.sm_active);
  least(into.tensor_active, other.tensor_active);
  least(into.dram_active, other.dram_active);
  sum(into.nvlink_receive, other.nvlink_receive);
  sum(into.nvlink_transmit, other.nvlink_transmit);
  sum(into.pcie_receive, other.pcie_receive);
  sum(into.pcie_transmit, other.pcie_transmit);
  into.coverage = std::min(into.coverage, other.coverage);
}

} // namespace

Conditions merge(Conditions const& a, Conditions const& b) {
  if (a.devices == 0) return b;
  if (b.devices == 0) return a;
  auto result = a;
  result.devices += b.devices;
  result.readings = std::min(a.readings, b.readings);
  least(result.sm_clock, b.sm_clock);
  least(result.sm_clock_min, b.sm_clock_min);
  most(result.sm_clock_max, b.sm_clock_max);
  least(result.memory_clock, b.memory_clock);
  sum(result.power, b.power);
  sum(result.energy_per_call, b.energy_per_call);
  most(result.temperature, b.temperature);
  least(result.pcie_width, b.pcie_width);
  least(result.nvlinks, b.nvlinks);
  add_words(result.throttle, b.throttle);
  if (result.invalid.empty()) result.detail = b.detail;
  add_words(result.invalid, b.invalid);
  if (result.utilisation && b.utilisation)
    merge_into(*result.utilisation, *b.utilisation);
  else if (b.utilisation)
    result.utilisation = b.utilisation;
  return result;
}

} // namespace maru
