// SPDX-License-Identifier: Apache-2.0
#include "analysis/compare.hpp"

#include "core/measurement.hpp"
#include "core/robust.hpp"
#include "core/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numbers>
#include <set>
#include <string_view>
#include <unordered_map>

namespace maru {
namespace {

bool is_wanted(Record const& record) { return !record.second_look && record.probe != "links"; }

/// Values of one metric by place.
struct Answers {
  Metric const* metric = nullptr;
  std::map<std::string, Measurement const*> places;
};

class Side {
public:
  Side(Report const& report, bool by_host) : all_(measurements(report, is_wanted)) {
    for (auto const& value : all_.values) {
      if (value.doubtful || !(value.value > 0) || !std::isfinite(value.value)) continue;
      auto const& metric = all_.metrics[value.metric];
      auto& answers = by_name_[metric.name];
      if (!answers.metric) order_.push_back(metric.name);
      answers.metric = &metric;
      answers.places.emplace(place_name(report, value, by_host), &value);
    }
  }
  std::vector<std::string> const& order() const { return order_; }
  Answers const* find(std::string const& name) const {
    auto const found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second;
  }

private:
  std::string place_name(Report const& report, Measurement const& value, bool by_host) const {
    auto const& place = all_.places[value.place];
    auto const& group = report.records[value.record].group;
    if (!by_host || place.host.empty()) return fmt::format("{} {}", group.kind, group.index);
    return fmt::format("{} {}", place.host, place.local_rank);
  }

  Measurements all_;
  std::unordered_map<std::string, Answers> by_name_;
  std::vector<std::string> order_;
};

/// Standard error of a value as a logarithm; negative when it is not known.
double error_of(Measurement const& value) {
  constexpr double in_deviations = 1.959964; // half a 95 % interval
  if (!value.ci || !(value.ci->low > 0)) return -1;
  return std::log(value.ci->high / value.ci->low) / 2 / in_deviations;
}

constexpr std::size_t least_places = 3; // whose spread says something where their own intervals are missing

/// What the places' ratios themselves say of their median: by order statistics, which assume nothing, where there are
/// enough places for that; else as if they were normal, by Student's quantile (Abramowitz and Stegun 26.7.5).
Interval spread_of_places(std::vector<double> const& sorted, double deviations) {
  auto const count = static_cast<double>(sorted.size());
  if (auto const exact = median_interval(sorted, std::erf(deviations / std::numbers::sqrt2))) return *exact;
  double const middle = quantile(sorted, 0.5);
  if (sorted.size() < 2) return {middle, middle};
  double sum = 0, squares = 0;
  for (auto const value : sorted) sum += value;
  for (auto const value : sorted) squares += (value - sum / count) * (value - sum / count);
  double const z = deviations, free = count - 1, z3 = z * z * z, z5 = z3 * z * z;
  double const student = z + (z3 + z) / (4 * free) + (5 * z5 + 16 * z3 + 3 * z) / (96 * free * free);
  double const half = student * std::sqrt(squares / free / count) * (count > 2 ? std::sqrt(std::numbers::pi / 2) : 1);
  return {middle - half, middle + half};
}

Difference difference(Answers const& before, Answers const& after, double deviations) {
  auto const& metric = *before.metric;
  Difference result;
  result.probe = metric.probe;
  result.operation = metric.operation;
  result.backend = metric.backend;
  result.group = metric.group_kind;
  result.figure = metric.figure;
  result.labels = metric.labels;
  result.unit = metric.unit;
  std::vector<double> olds, news, logs;
  double own = 0;
  bool known = true;
  for (auto const& [place, old] : before.places) {
    auto const found = after.places.find(place);
    if (found == after.places.end()) continue;
    olds.push_back(old->value);
    news.push_back(found->second->value);
    logs.push_back(std::log(news.back() / olds.back()));
    auto const a = error_of(*old), b = error_of(*found->second);
    known = known && a >= 0 && b >= 0;
    own += a * a + b * b;
  }
  result.places = logs.size();
  if (logs.empty()) return result;
  result.before = median_of(olds);
  result.after = median_of(news);
  std::sort(logs.begin(), logs.end());
  double const middle = quantile(logs, 0.5);
  result.ratio = std::exp(middle);
  if (!known && logs.size() < least_places) return result;
  auto const places = static_cast<double>(logs.size());
  double const of_median = logs.size() > 2 ? std::sqrt(std::numbers::pi / 2) : 1.0;
  double const half = known ? deviations * of_median * std::sqrt(own) / places : 0;
  auto const shown = spread_of_places(logs, deviations);
  result.ci = Interval{std::exp(std::min(middle - half, shown.low)), std::exp(std::max(middle + half, shown.high))};
  bool const lower = result.ci->high<1, higher = result.ci->low> 1;
  result.change = !lower && !higher                     ? Change::none
                  : higher == metric.higher_is_better() ? Change::better
                                                        : Change::worse;
  return result;
}

bool share_hosts(Report const& a, Report const& b) {
  std::set<std::string_view> names;
  for (auto const& host : a.hosts) names.insert(host.name);
  return std::any_of(b.hosts.begin(), b.hosts.end(), [&](HostInfo const& host) { return names.contains(host.name); });
}

} // namespace

double normal_quantile(std::size_t questions) {
  double const tail = 0.05 / static_cast<double>(std::max<std::size_t>(questions, 1));
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) {
    double const middle = (low + high) / 2;
    (std::erfc(middle / std::numbers::sqrt2) > tail ? low : high) = middle;
  }
  return (low + high) / 2;
}

Comparison compare(Report const& before, Report const& after) {
  Comparison result;
  result.same_hosts = share_hosts(before, after);
  Side const first(before, result.same_hosts), second(after, result.same_hosts);
  std::size_t common = 0;
  for (auto const& name : first.order()) common += second.find(name) ? 1 : 0;
  result.only_before = first.order().size() - common;
  result.only_after = second.order().size() - common;
  auto const deviations = normal_quantile(common);
  for (auto const& name : first.order())
    if (auto const* answers = second.find(name)) {
      auto one = difference(*first.find(name), *answers, deviations);
      if (one.places > 0) result.differences.push_back(std::move(one));
    }
  return result;
}

} // namespace maru
