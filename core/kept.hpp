// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace maru {

/// Where the measurements of several hosts together are kept.
constexpr char const* all_hosts = "*";

/// Who answered, by what stays the same from run to run. Two places are comparable when all of it is equal, but for the
/// driver; a device that has a UUID is the same one in any host.
struct KeptPlace {
  std::string host;             ///< all_hosts for several
  std::int64_t local_rank = -1; ///< -1 where several ranks answered together
  std::int64_t ranks = 1;       ///< a world of 16 answers another question than one of 8
  std::int64_t threads = 0;     ///< of the only rank, where the host computes; 0 otherwise
  std::string model;
  std::string device_uuid;
  std::string driver;  ///< of the accelerator; for several hosts each that occurs
  std::string kernel;  ///< the operating system's; likewise
  bool device = false; ///< whether an accelerator answered
};

struct KeptValue {
  std::size_t metric = 0; ///< index into Kept::metrics
  std::size_t place = 0;  ///< likewise into places
  double value = 0;
  std::optional<Interval> ci;
  bool doubtful = false;
};

/// What of a report can be held against other runs: one positive, finite value per metric and place. Where several
/// groups of one kind share a place, as pairs over hosts do, it is their median, without an interval; doubtful ones
/// count only where there are no others. Rehearsals and second looks are left out: they were made under conditions of
/// their own.
struct Kept {
  std::vector<Metric> metrics;
  std::vector<KeptPlace> places;
  std::vector<KeptValue> values;
  std::string driver; ///< each that occurs in the report
  std::string kernel; ///< likewise
};

Kept kept(Report const& report);

} // namespace maru
