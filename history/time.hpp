// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace maru {

/// Times are kept as whole milliseconds. What is no time of an epoch (a report may say anything) becomes 0.
inline std::int64_t to_milliseconds(double seconds) {
  constexpr double most = 253402300800; // the year 10000
  return std::isfinite(seconds) && seconds > 0 && seconds < most ? std::llround(seconds * 1e3) : 0;
}
inline double to_seconds(std::int64_t milliseconds) { return static_cast<double>(milliseconds) * 1e-3; }

} // namespace maru
