// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>

namespace maru {

/// The value that most have; of several the largest, since hosts lose devices and ranks rather than win them. Requires
/// at least one. `counts` is value → how many have it.
template <class Value> Value usual(std::map<Value, std::size_t> const& counts) {
  return std::max_element(counts.begin(), counts.end(),
                          [](auto const& a, auto const& b) {
                            return a.second != b.second ? a.second < b.second : a.first < b.first;
                          })
      ->first;
}

} // namespace maru
