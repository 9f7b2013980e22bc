// SPDX-License-Identifier: Apache-2.0
#include "core/units.hpp"

#include "core/error.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

struct Split {
  double value;
  std::string_view suffix;
};

Split split_number(std::string_view text, std::string_view what, std::string_view expected) {
  Split result{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.value);
  if (error != std::errc{} || !std::isfinite(result.value))
    throw Error(Exit::usage, fmt::format("{}: '{}' is not {}", what, text, expected));
  result.suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  return result;
}

} // namespace

std::string_view unit_name(Unit unit) {
  switch (unit) {
  case Unit::none: return "";
  case Unit::second: return "seconds";
  case Unit::byte: return "bytes";
  case Unit::byte_per_second: return "bytes_per_second";
  case Unit::flop_per_second: return "flops_per_second";
  case Unit::ratio: return "ratio";
  }
  return "";
}

std::uint64_t parse_bytes(std::string_view text, std::string_view what) {
  constexpr std::string_view expected = "a size (such as 8, 4K, 128M or 1G)";
  auto [value, suffix] = split_number(text, what, expected);
  if (!suffix.empty() && (suffix.back() == 'B' || suffix.back() == 'b')) suffix.remove_suffix(1);
  if (!suffix.empty() && (suffix.back() == 'i' && suffix.size() == 2)) suffix.remove_suffix(1);
  double factor = 1;
  if (suffix == "K" || suffix == "k")
    factor = 1024.0;
  else if (suffix == "M" || suffix == "m")
    factor = 1024.0 * 1024;
  else if (suffix == "G" || suffix == "g")
    factor = 1024.0 * 1024 * 1024;
  else if (suffix == "T" || suffix == "t")
    factor = 1024.0 * 1024 * 1024 * 1024;
  else if (!suffix.empty())
    throw Error(Exit::usage, fmt::format("{}: '{}' is not {}", what, text, expected));
  double const bytes = std::floor(value * factor);
  if (value < 0 || bytes > 9.0e18) throw Error(Exit::usage, fmt::format("{}: '{}' is out of range", what, text));
  return static_cast<std::uint64_t>(bytes);
}

double parse_duration(std::string_view text, std::string_view what) {
  constexpr std::string_view expected = "a duration (such as 300us, 20ms, 60s, 5m or 1h)";
  auto const [value, suffix] = split_number(text, what, expected);
  double factor = 1, divisor = 1; // 1/1e6 is exact where 1e-6 is not
  if (suffix == "us")
    divisor = 1e6;
  else if (suffix == "ms")
    divisor = 1e3;
  else if (suffix == "m" || suffix == "min")
    factor = 60;
  else if (suffix == "h")
    factor = 3600;
  else if (!suffix.empty() && suffix != "s")
    throw Error(Exit::usage, fmt::format("{}: '{}' is not {}", what, text, expected));
  double const seconds = value * factor / divisor;
  if (!(seconds > 0) || seconds > 1e9) throw Error(Exit::usage, fmt::format("{}: '{}' is out of range", what, text));
  return seconds;
}

double parse_rate(std::string_view text, std::string_view what) {
  constexpr std::string_view expected = "a rate (such as 48G, 700T or 2.5e9)";
  constexpr std::string_view suffixes = "kMGTP";
  auto const [value, suffix] = split_number(text, what, expected);
  auto const step = suffix.size() == 1 ? suffixes.find(suffix.front()) : suffixes.npos;
  if (!suffix.empty() && step == suffixes.npos)
    throw Error(Exit::usage, fmt::format("{}: '{}' is not {}", what, text, expected));
  double const rate = suffix.empty() ? value : value * std::pow(1e3, static_cast<double>(step + 1));
  if (!(rate > 0) || rate > 1e24) throw Error(Exit::usage, fmt::format("{}: '{}' is out of range", what, text));
  return rate;
}

std::int64_t parse_integer(std::string_view text, std::string_view what, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Error(Exit::usage, fmt::format("{}: '{}' is not a whole number", what, text));
  if (value < low || value > high)
    throw Error(Exit::usage, fmt::format("{}: {} is not between {} and {}", what, value, low, high));
  return value;
}

double parse_number(std::string_view text, std::string_view what) {
  auto const [value, rest] = split_number(text, what, "a number");
  if (!rest.empty()) throw Error(Exit::usage, fmt::format("{}: '{}' is not a number", what, text));
  return value;
}

} // namespace maru
