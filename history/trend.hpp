// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace maru {

/// Where a series changes: its software, its level, or both.
struct Change {
  std::size_t at = 0;                ///< the first value after it
  bool known = false;                ///< the software changed there
  std::size_t before = 0, after = 0; ///< how many values were compared: those of the levels on either side
  double effect = 0;                 ///< median after over median before, minus 1
  double p = 1;                      ///< of the rank test; without a known change times the places that were tried
  bool shifted = false;              ///< p and effect are beyond what is named below
};

/// A level is said to differ where chance is below this and the medians differ by `least_effect`. Where the software
/// changed, the place was known before anybody looked; elsewhere the bar is the project's `most_chance`, for every
/// place of every series is looked at.
constexpr double most_chance_at_known = 0.01;
constexpr double least_effect = 0.01;
constexpr std::size_t least_beside = 3; ///< values on either side of a change

/// Every change of the software and every shift of the level, in order. `software` holds equal numbers for equal
/// software, one per value. Each change of software is compared over the values up to its neighbours. Then each stretch
/// without a shift is split where the ranks differ most, for as long as that is significant (binary segmentation,
/// Scott and Knott 1974); such a shift is the software's when a change of it is at most two values away and explains
/// it, as by the test over that stretch. Values are taken as independent: a slow drift looks like steps.
std::vector<Change> find_changes(std::span<double const> values, std::span<std::int64_t const> software);

struct Trend {
  std::size_t n = 0;
  double first = 0, latest = 0, min = 0, max = 0;
  std::optional<double> of_past; ///< the latest over the median of all others, minus 1
  std::vector<Change> changes;
};

/// Requires a value.
Trend trend(std::span<double const> values, std::span<std::int64_t const> software);

/// Medians of at most `most` equal stretches, in order.
std::vector<double> thinned(std::span<double const> values, std::size_t most);

} // namespace maru
