// SPDX-License-Identifier: Apache-2.0
// Two ways to do one thing, timed in turn in one run, so that a machine whose speed drifts moves both.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

namespace maru {

struct Pairing {
  double ours = 0, theirs = 0; ///< medians, seconds per call
  double ratio = 0;            ///< median of the rounds' own ratios
};

inline double middle(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

inline Pairing pair_up(int rounds, std::function<double()> const& ours, std::function<double()> const& theirs) {
  std::vector<double> a, b, ratios;
  for (int round = 0; round < rounds; ++round) {
    bool const first = round % 2 == 0; // whoever comes second finds the caches and clocks that the first left
    double const x = first ? ours() : 0;
    b.push_back(theirs());
    a.push_back(first ? x : ours());
    ratios.push_back(a.back() / b.back());
  }
  return {middle(a), middle(b), middle(ratios)};
}

} // namespace maru
