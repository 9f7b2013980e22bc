// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace maru {

/// Reports hold what hosts, drivers and users call themselves. Every exporter passes such text through here.

/// The same text as valid UTF-8: each byte that is not part of it becomes U+FFFD.
std::string valid_utf8(std::string_view text);

/// Valid UTF-8 on one line: control characters (C0, DEL, C1, and the line and paragraph separators) become spaces.
std::string one_line(std::string_view text);

/// Code points of valid UTF-8; the width of a line in a terminal, as long as nothing in it is wide.
std::size_t width(std::string_view text);

/// At most `columns` code points, the last of them an ellipsis where something was cut.
std::string clip(std::string_view text, std::size_t columns);

/// The text in lines of at most `columns` code points, broken at blanks, or within words that are longer than a line.
/// The first line begins with `first`, the others with as many blanks; each ends with a newline.
std::string wrap(std::string_view text, std::string_view first, std::size_t columns);

/// The shortest decimal form that reads back as the same double; "NaN", "+Inf", "-Inf" as OpenMetrics writes them.
std::string number(double value);

/// "4096" → "4K": binary, only where it divides evenly.
std::string binary_size(double bytes);

/// "23 s", "12 min 5 s", "3 h 20 min".
std::string span_of_time(double seconds);

/// "2026-11-22 04:02:12 UTC"; empty outside the years 1970 to 2999.
std::string utc_time(double seconds_since_epoch);

} // namespace maru
