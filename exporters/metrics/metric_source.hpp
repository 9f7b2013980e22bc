// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"
#include "core/opinion.hpp"
#include "core/report.hpp"
#include "exporters/metrics/metric.hpp"
#include "exporters/rank_hosts.hpp"

#include <string>
#include <vector>

namespace maru {

/// One way out, counted since the program began. Failures are counted by attempt, samples dropped when they are given
/// up.
struct SinkHealth {
  std::string sink; ///< "pull", "remote_write", "pushgateway" or "textfile"
  double samples = 0, dropped = 0, failures = 0;
  double seconds = 0; ///< spent on it
};

/// What an exposition is made from beside the report.
struct ExposeOptions {
  Opinion opinion;
  double now = 0; ///< seconds since the epoch, for a run that goes on; 0: the report is of a run that has ended
  std::vector<SinkHealth> sinks;
};

/// One question with the answers of all groups of a kind: what the run tier takes quantiles of. Rounds of the link map
/// are one kind.
struct MetricQuestion {
  std::size_t metric = 0;          ///< of the first answer, index into measurements.metrics
  std::string group_kind;          ///< without the number of a round
  std::vector<std::size_t> values; ///< indices into measurements.values: first looks, timed, right and free of doubt
};

/// A report, sorted as metrics need it. References to the report and the options, which must outlive it.
class MetricSource {
public:
  MetricSource(Report const& report, ExposeOptions const& options);

  Report const& report;
  ExposeOptions const& options;
  RankHosts hosts;
  Measurements measurements; ///< of first looks
  std::vector<MetricQuestion> questions;

  Record const& record_of(Measurement const& value) const { return report.records[value.record]; }
  Metric const& metric_of(Measurement const& value) const { return measurements.metrics[value.metric]; }
  Place const& place_of(Measurement const& value) const { return measurements.places[value.place]; }

  /// When the run ended; of one that goes on, now.
  double end() const;
  /// When the last of the record's samples was taken; end() where it has none.
  double time_of(Record const& record) const;

  Series run_series() const; ///< run_id, cluster
  void add_question(Series& series, Metric const& metric, std::string_view group_kind) const;
};

std::string base_group_kind(std::string const& group_kind);

/// The kinds of figures that metrics are named after.
enum class FigureKind { gemm_rate, memory_bandwidth, bus_bandwidth, step_rate, duration };
FigureKind figure_kind(Metric const& metric);

} // namespace maru
