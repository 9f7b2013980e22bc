// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace maru {

class MetricSource;

/// What the number of a metric's series grows with.
enum class Tier {
  run,   ///< with the questions of a plan only: a few thousand, whatever the number of hosts. Carries run_id
  node,  ///< with hosts; the last result of each
  device ///< with ranks: the last result of each device, or of each rank where hosts compute
};
std::string_view name(Tier tier);

enum class MetricType { gauge, counter, info };
std::string_view name(MetricType type);

struct MetricLabel {
  std::string name, value;
  bool operator==(MetricLabel const&) const = default;
};
/// In the order in which they are written. Names are valid and unique, values valid UTF-8: see add_label.
using Series = std::vector<MetricLabel>;

/// Adds a label under a name that OpenMetrics allows and that is not in the series yet, its value as valid UTF-8 on one
/// line. An empty value is passed over: to Prometheus an empty label and an absent one are the same.
void add_label(Series& series, std::string_view name, std::string_view value);

struct Sample {
  Series series;
  double value = 0;
  double time = 0; ///< seconds since the Unix epoch at which it was measured, whole milliseconds
};

/// The samples of one metric. A series that is there already is passed over: one duplicate makes a whole exposition
/// unreadable.
class SampleList {
public:
  void add(Series series, double value, double time);
  std::vector<Sample> take() { return std::move(samples_); }

private:
  std::vector<Sample> samples_;
  std::unordered_set<std::string> seen_;
};

/// A metric: the next one is one more row of a table. Expositions, docs/metrics.md, dashboards, rules and their tests
/// are all made from it.
struct MetricRow {
  char const* name; ///< without the "_total" of a counter and the "_info" of an info
  MetricType type;
  char const* unit; ///< OpenMetrics' word, which ends the name; or empty
  Tier tier;
  char const* labels;   ///< beside those of the question, in words
  char const* expected; ///< the metric that holds what is expected of it; or empty
  char const* help;     ///< one sentence
  void (*collect)(MetricSource const&, SampleList&);
};
/// The name that its samples have: with "_total" or "_info".
std::string sample_name(MetricRow const& row);

/// Every metric, in the order in which they are written.
std::vector<MetricRow const*> const& metric_table();

/// A metric with its samples.
struct MetricFamily {
  MetricRow const* row = nullptr;
  std::vector<Sample> samples; ///< at least one
};

/// What one report says at one time. Every way out writes the same one.
using Exposition = std::vector<MetricFamily>;

std::size_t series_count(Exposition const& exposition);

} // namespace maru
