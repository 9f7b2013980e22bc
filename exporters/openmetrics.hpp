// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "exporters/rank_hosts.hpp"

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace maru {

/// Label names and values of one series, in the order in which they are written.
using Series = std::vector<std::pair<std::string, std::string>>;

/// One family of OpenMetrics 1.0 as it is written. Values are scrubbed and escaped; a series that is there already is
/// passed over, since one duplicate makes a whole exposition unreadable.
class FamilyWriter {
public:
  /// `unit` is the name's suffix or empty; `suffix` is what the samples add to the name ("_info" of an info).
  FamilyWriter(std::string_view name, std::string_view type, std::string_view unit, std::string_view help);

  /// `time` is in seconds since the Unix epoch.
  void sample(Series const& series, double value, double time);

  /// Empty when there was no sample.
  std::string text() const;

private:
  std::string name_, header_, samples_;
  std::unordered_set<std::string> seen_;
};

/// What a metric is made from, and the family that it fills.
struct Source {
  Report const& report;
  RankHosts const& hosts;
  FamilyWriter& out;
};

/// A metric: the next one is one more row of a table.
struct Metric {
  char const* name;
  char const* type;
  char const* unit; ///< OpenMetrics' word, which ends the name; or empty
  char const* help;
  void (*collect)(Source const&);
};

/// Those of devices and of what bounds them, which follow those of the run and of its records.
std::span<Metric const> device_metrics();

/// Who answered what. A record that must not be used as it stands has one more label, `doubt`, so that its figures are
/// series of their own and nobody's alert, graph or average takes them for measurements.
Series record_series(Source const& source, Record const& record);
/// The same without `doubt`.
Series identity_series(Source const& source, Record const& record);

/// When the last of the record's samples was taken; the end of the run where there is none.
double time_of(Record const& record, RunInfo const& run);
double end_of_run(RunInfo const& run);

/// Adds a label under a name that OpenMetrics allows and that is not in the series yet.
void add_label(Series& series, std::string_view name, std::string value);

} // namespace maru
