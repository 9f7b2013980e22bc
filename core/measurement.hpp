// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <string>
#include <vector>

namespace maru {

/// What a figure answers: the same over hosts, runs and clusters.
struct Metric {
  std::string name; ///< "gemm gemm openblas dtype=f32 m=… rank flops": question(), kind of group, figure
  std::string probe, operation, backend;
  Labels labels;
  std::string group_kind;
  std::string figure; ///< "flops", "bandwidth", "bus_bandwidth" or "duration"
  Unit unit = Unit::none;
  bool higher_is_better() const { return unit != Unit::second; }
};

/// Who answered: a rank, with what it computes with; a host, where its ranks answered together; or several hosts.
struct Place {
  std::string host;               ///< empty when several hosts answered together
  std::int64_t rank = -1;         ///< -1 when several ranks answered together
  std::int64_t local_rank = -1;   ///< likewise
  std::vector<std::string> hosts; ///< of several, in the order of their ranks; empty otherwise
  std::string model;              ///< the accelerator's, or the processor's where the host computes: what makes peers
  std::string device_uuid;        ///< empty for several ranks, and for hosts
  std::string driver;             ///< of the accelerator
  bool device = false;            ///< whether an accelerator answered
};

/// One figure of one record: the rate where the record has one, else the duration. SI units.
struct Measurement {
  std::size_t metric = 0; ///< index into Measurements::metrics
  std::size_t place = 0;  ///< likewise into places
  std::size_t record = 0; ///< likewise into Report::records
  double value = 0;
  std::optional<Interval> ci; ///< 95 %
  bool doubtful = false;      ///< the record has doubts()
};

/// Every figure of a report that can be compared over peers, over time or with a floor. The tables are apart from the
/// values so that a report of 200,000 ranks stays small.
struct Measurements {
  std::vector<Metric> metrics;
  std::vector<Place> places;
  std::vector<Measurement> values; ///< in the order of the records; those that were not timed have none
};

/// Of the records for which `wanted` holds; of all without it.
Measurements measurements(Report const& report, bool (*wanted)(Record const&) = nullptr);

} // namespace maru
