// SPDX-License-Identifier: Apache-2.0
#include "exporters/text.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

unsigned char byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Length of the well-formed sequence that the text begins with, or 0 (Unicode 15, table 3-7).
std::size_t sequence(std::string_view text) {
  auto const lead = byte(text, 0);
  if (lead < 0x80) return 1;
  std::size_t const length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  unsigned const low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned const high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(text, 1) < low || byte(text, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(text, i) & 0xC0) != 0x80) return 0;
  return length;
}

bool is_control(std::string_view point) {
  auto const lead = byte(point, 0);
  return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && byte(point, 1) < 0xA0) || point == "\u2028" ||
         point == "\u2029";
}

// Takes the next code point off valid UTF-8.
std::string_view take(std::string_view& text) {
  auto const point = text.substr(0, std::max<std::size_t>(sequence(text), 1));
  text.remove_prefix(point.size());
  return point;
}

std::size_t bytes_of(std::string_view text, std::size_t points) {
  auto rest = text;
  while (points-- > 0 && !rest.empty()) take(rest);
  return text.size() - rest.size();
}

} // namespace

std::string valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    bool const good = sequence(text) > 0;
    auto const point = take(text);
    result += good ? point : replacement;
  }
  return result;
}

std::string one_line(std::string_view text) {
  auto const valid = valid_utf8(text);
  std::string result;
  result.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    auto const point = take(rest);
    if (is_control(point))
      result += ' ';
    else
      result += point;
  }
  return result;
}

std::size_t width(std::string_view text) {
  std::size_t points = 0;
  for (; !text.empty(); ++points) take(text);
  return points;
}

std::string clip(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string(text);
  return std::string(text.substr(0, bytes_of(text, columns - 1))) + "…";
}

std::string wrap(std::string_view text, std::string_view first, std::size_t columns) {
  std::string const indent(width(first), ' ');
  std::size_t const room = columns - indent.size();
  std::string result;
  do {
    while (text.starts_with(' ')) text.remove_prefix(1);
    auto end = bytes_of(text, room);
    if (end < text.size() && text[end] != ' ')
      if (auto const blank = text.substr(0, end).rfind(' '); blank != text.npos) end = blank;
    auto line = text.substr(0, end);
    while (line.ends_with(' ')) line.remove_suffix(1);
    result += fmt::format("{}{}\n", result.empty() ? first : indent, line);
    text.remove_prefix(end);
  } while (text.find_first_not_of(' ') != text.npos);
  return result;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

std::string binary_size(double bytes) {
  constexpr std::array<char const*, 5> suffixes{"", "K", "M", "G", "T"};
  std::size_t step = 0;
  while (step + 1 < suffixes.size() && bytes >= 1024 && std::fmod(bytes, 1024) == 0) {
    bytes /= 1024;
    ++step;
  }
  return fmt::format("{}{}", number(bytes), suffixes[step]);
}

std::string span_of_time(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "? s";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  auto const whole = std::llround(seconds);
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string utc_time(double seconds_since_epoch) {
  constexpr double year_3000 = 32503680000;
  if (!(seconds_since_epoch >= 0 && seconds_since_epoch < year_3000)) return {};
  auto const time = std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(seconds_since_epoch)));
  auto const day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const clock(time - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

} // namespace maru
