// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace maru {

/// How likely chance alone makes the ranks of two samples of one distribution differ as much: the two-sided p of Mann
/// and Whitney's test (1947). Exact, ties included (all permutations are counted), for up to 24 values together, and
/// where a small sample stands far from a large one: the tail of the normal approximation is far too heavy for 4
/// against 100. Else that approximation, with corrections for ties and continuity (Lehmann 1975, sections 1.2 and 1.3).
/// 1 where a sample is empty. Values are taken as independent.
double rank_test(std::span<double const> before, std::span<double const> after);

struct Split {
  std::size_t at = 0; ///< the first value of the second part
  double p = 1;       ///< of rank_test times the number of places that were tried (Bonferroni), at most 1
};

/// Where the two parts differ most, with at least `least` values on each side: by their ranks or by their means,
/// whichever has the smaller p. Ranks alone lay the split of a few among many in the noise beside it; p holds for every
/// choice, since it is multiplied by all the places. Absent when there are too few values. Values must be positive.
/// O(n log n).
std::optional<Split> best_split(std::span<double const> values, std::size_t least);

} // namespace maru
