// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/labels.hpp"
#include "core/statistics.hpp"
#include "core/units.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace maru {

enum class Change {
  none,    ///< the interval holds 1: no difference beyond noise
  better,  ///< the interval leaves out 1, for a time below it, for a rate above
  worse,   ///< likewise, the other way
  unknown, ///< too few samples for an interval
};

/// One question in two runs.
struct Difference {
  std::string probe, operation, backend, group, figure;
  Labels labels;
  Unit unit = Unit::none;
  double before = 0, after = 0; ///< SI; medians over the places that answered in both
  double ratio = 1;             ///< after over before: median over those places
  std::optional<Interval> ci;   ///< of the ratio
  std::size_t places = 0;
  Change change = Change::unknown;
};

/// What changed between two runs. The intervals are as wide as they must be for all of them together to hold with 95 %.
struct Comparison {
  std::vector<Difference> differences;         ///< in the order of the first run
  std::size_t only_before = 0, only_after = 0; ///< questions that one run alone answered
  bool same_hosts = true;                      ///< else places are told apart by rank
};

} // namespace maru
