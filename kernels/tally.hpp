// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace maru {

/// Adds up comparisons into a Verification. Errors are counted in tolerances; whatever has no such number (a NaN, any
/// difference where none is tolerated) counts as `beyond`, since a report holds finite values only.
class Tally {
public:
  static constexpr double beyond = 1e9;

  explicit Tally(std::string method) { result_.method = std::move(method); }

  /// Whether the error is tolerated. A NaN never is.
  bool tolerates(double error, double tolerance) {
    bool const right = error <= tolerance;
    double const ratio = error > 0 ? error / tolerance : right ? 0.0 : beyond;
    result_.max_error = std::max(result_.max_error, ratio < beyond ? ratio : beyond);
    return right;
  }
  /// `describe` gives the detail, and is called for the first wrong element only.
  template <class Describe> void wrong(Describe&& describe) {
    if (result_.wrong++ == 0) result_.detail = describe();
  }
  std::uint64_t wrong_so_far() const { return result_.wrong; }
  void compared(std::uint64_t elements) { result_.elements += elements; }

  Verification result() && {
    result_.checked = true;
    return std::move(result_);
  }

private:
  Verification result_;
};

/// Of a work that checks several things.
inline Verification merge(Verification a, Verification const& b) {
  a.checked = a.checked && b.checked;
  a.elements += b.elements;
  a.wrong += b.wrong;
  a.max_error = std::max(a.max_error, b.max_error);
  a.method += "+" + b.method;
  if (a.detail.empty()) a.detail = b.detail;
  return a;
}

} // namespace maru
