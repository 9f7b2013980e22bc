// SPDX-License-Identifier: Apache-2.0
#include "exporters/metrics/metric.hpp"

#include "core/text.hpp"
#include "exporters/metrics/metric_rows.hpp"

#include <algorithm>
#include <cmath>

namespace maru {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reserved: names that begin with "__", and what histograms and summaries use.
bool is_reserved(std::string_view name) { return name == "le" || name == "quantile" || name.starts_with("__"); }

std::string label_name(std::string_view raw) {
  std::string name;
  for (char const c : raw) name += is_letter(c) || is_digit(c) ? c : '_';
  return name.empty() || is_digit(name.front()) || is_reserved(name) ? "label_" + name : name;
}

bool has(Series const& series, std::string_view name) {
  return std::any_of(series.begin(), series.end(), [&](auto const& label) { return label.name == name; });
}

// Of two values neither can hold the separator: it is a control character, and add_label leaves none.
std::string identity(Series const& series) {
  std::string text;
  for (auto const& label : series) text.append(label.name).append(1, '\x01').append(label.value).append(1, '\x02');
  return text;
}

} // namespace

std::string_view name(Tier tier) {
  switch (tier) {
  case Tier::run: return "run";
  case Tier::node: return "node";
  case Tier::device: return "device";
  }
  return "?";
}

std::string_view name(MetricType type) {
  switch (type) {
  case MetricType::gauge: return "gauge";
  case MetricType::counter: return "counter";
  case MetricType::info: return "info";
  }
  return "?";
}

void add_label(Series& series, std::string_view raw, std::string_view value) {
  if (value.empty()) return;
  auto name = label_name(raw);
  if (has(series, name)) name.insert(0, "label_");
  while (has(series, name)) name += '_';
  series.push_back({std::move(name), one_line(value)});
}

void SampleList::add(Series series, double value, double time) {
  if (!seen_.insert(identity(series)).second) return;
  samples_.push_back({std::move(series), value, std::round(time * 1000) / 1000});
}

std::string sample_name(MetricRow const& row) {
  std::string const name = row.name;
  switch (row.type) {
  case MetricType::counter: return name + "_total";
  case MetricType::info: return name + "_info";
  case MetricType::gauge: break;
  }
  return name;
}

std::vector<MetricRow const*> const& metric_table() {
  static auto const table = [] {
    std::vector<MetricRow const*> all;
    for (auto const rows : {run_rows(), figure_rows(), node_rows(), device_rows(), program_rows()})
      for (auto const& row : rows) all.push_back(&row);
    return all;
  }();
  return table;
}

std::size_t series_count(Exposition const& exposition) {
  std::size_t count = 0;
  for (auto const& family : exposition) count += family.samples.size();
  return count;
}

} // namespace maru
