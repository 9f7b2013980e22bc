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

/// One report as the past of another: one value per place and metric, doubtful ones left out.
std::vector<Past> past_of_report(Report const& report);

} // namespace maru
