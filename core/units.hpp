// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

/// The unit of a value. Values are SI doubles; pretty forms (GB/s, us) exist only in exporters.
enum class Unit { none, second, byte, byte_per_second, flop_per_second, ratio };

/// OpenMetrics' word for a unit ("seconds", "bytes_per_second"); empty for Unit::none.
std::string_view unit_name(Unit unit);

/// Parses a message or array size as nccl-tests does: "8", "4K", "128M", "1G", K/M/G/T binary, decimals allowed.
/// Throws Error(usage) naming `what` for anything else, for negative values and for overflow.
std::uint64_t parse_bytes(std::string_view text, std::string_view what);

/// Parses "300us", "20ms", "60s", "5m", "1h" or plain seconds; the result is in seconds, finite and > 0.
/// Throws Error(usage) naming `what`.
double parse_duration(std::string_view text, std::string_view what);

/// Parses a rate per second: "700T", "48G", "2.5e9"; k, M, G, T and P are decimal, unlike those of sizes. Finite and >
/// 0. Throws Error(usage) naming `what`.
double parse_rate(std::string_view text, std::string_view what);

/// Parses a whole number; the range is inclusive. Throws Error(usage) naming `what`.
std::int64_t parse_integer(std::string_view text, std::string_view what, std::int64_t low, std::int64_t high);

/// Parses a decimal number in the C locale. Throws Error(usage) naming `what`.
double parse_number(std::string_view text, std::string_view what);

} // namespace maru
