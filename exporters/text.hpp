// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/text.hpp"

#include <string>

namespace maru {

/// The shortest decimal form that reads back as the same double; "NaN", "+Inf", "-Inf" as OpenMetrics writes them.
std::string number(double value);

/// "4096" → "4K": binary, only where it divides evenly.
std::string binary_size(double bytes);

/// "23 s", "12 min 5 s", "3 h 20 min".
std::string span_of_time(double seconds);

/// "2026-11-22 04:02:12 UTC"; empty outside the years 1970 to 2999.
std::string utc_time(double seconds_since_epoch);

} // namespace maru
