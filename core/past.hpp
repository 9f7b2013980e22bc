// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace maru {

/// What a place answered before. A Place (core/measurement.hpp) has this past when the metric's name is equal and so is
/// the device's UUID; where either has none, the host ("*" for several together) and the local rank.
struct Past {
  std::string metric;           ///< Metric::name
  std::string host;             ///< "*" for several hosts together
  std::int64_t local_rank = -1; ///< -1 where several ranks answered together
  std::string device_uuid;      ///< empty for several ranks, and for hosts
  std::vector<double> values;   ///< the latest first; never doubtful ones, so there may be fewer than runs
};

/// An earlier run, as the past of a later one.
struct EarlierRun {
  std::vector<Past> past; ///< of places of single hosts, one value each
  /// Why other hosts of both have none, those of one reason together:
  /// "h1, h2: 4 ranks × 2 threads now, 2 ranks × 4 threads then".
  std::vector<std::string> differences;
};

/// Places that answer another question than they did then have no past: on their host were other numbers of ranks, or
/// it is another model; where the host computes, other numbers of threads as well; where there is an accelerator, it is
/// another one. A device that moved to another host is still the same. Doubtful values are left out.
EarlierRun past_of_report(Report const& report, Report const& earlier);

} // namespace maru
