// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace maru {

/// How likely chance alone makes the ranks of two samples of one distribution differ as much: the two-sided p of Mann
/// and Whitney's test (1947). Exact for up to 24 values together, ties included (the permutations are counted); by the
/// normal approximation with corrections for ties and continuity above (Lehmann 1975, section 1.2-1.3). 1 where a
/// sample is empty. Values are taken as independent.
double rank_test(std::span<double const> before, std::span<double const> after);

struct Split {
  std::size_t at = 0; ///< the first value of the second part
  double p = 1;       ///< of rank_test times the number of places that were tried (Bonferroni), at most 1
};

/// Where the ranks of the two parts differ most, with at least `least` values on each side; absent when there are too
/// few values. O(n log n).
std::optional<Split> best_split(std::span<double const> values, std::size_t least);

} // namespace maru
