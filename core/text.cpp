// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <algorithm>
#include <array>
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

struct Range {
  char32_t first, last;
};

template <std::size_t N> bool holds(std::array<Range, N> const& ranges, char32_t code) {
  auto const after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                      [](char32_t value, Range const& range) { return value < range.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

// Unicode 15: categories Cc, Zl, Zp and Cf, without the Arabic signs of Cf that are seen (U+0600 and the like).
constexpr std::array controls{Range{0x00, 0x1F},       Range{0x7F, 0x9F},       Range{0xAD, 0xAD},
                              Range{0x61C, 0x61C},     Range{0x180E, 0x180E},   Range{0x200B, 0x200F},
                              Range{0x2028, 0x202E},   Range{0x2060, 0x206F},   Range{0xFEFF, 0xFEFF},
                              Range{0xFFF9, 0xFFFB},   Range{0x13430, 0x1343F}, Range{0x1BCA0, 0x1BCA3},
                              Range{0x1D173, 0x1D17A}, Range{0xE0000, 0xE007F}};

// East_Asian_Width W and F (Unicode 15, UAX 11), in whole blocks: a symbol of these that is narrow leaves a gap, and
// none that is wide pushes its line out.
constexpr std::array wide{
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x2329, 0x232A},   Range{0x23E9, 0x23EC},
    Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},   Range{0xA960, 0xA97F},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE10, 0xFE19},   Range{0xFE30, 0xFE6F},   Range{0xFF01, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x16FE0, 0x18DFF}, Range{0x1AFF0, 0x1B2FF}, Range{0x1F300, 0x1F64F},
    Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF}, Range{0x1FA70, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

// Marks of the scripts whose letters are often written apart from their marks; vowels and finals of Korean syllables
// in parts, as macOS writes file names.
constexpr std::array marks{Range{0x300, 0x36F},   Range{0x483, 0x489},    Range{0x591, 0x5BD},   Range{0x610, 0x61A},
                           Range{0x64B, 0x65F},   Range{0xE31, 0xE31},    Range{0xE34, 0xE3A},   Range{0xE47, 0xE4E},
                           Range{0x1160, 0x11FF}, Range{0x1AB0, 0x1AFF},  Range{0x1DC0, 0x1DFF}, Range{0x20D0, 0x20FF},
                           Range{0x302A, 0x302F}, Range{0x3099, 0x309A},  Range{0xD7B0, 0xD7FF}, Range{0xFE00, 0xFE0F},
                           Range{0xFE20, 0xFE2F}, Range{0xE0100, 0xE01EF}};

std::size_t columns_of(char32_t code) {
  if (code < 0x300) return 1;
  return holds(marks, code) ? 0 : holds(wide, code) ? 2 : 1;
}

// Bytes of the longest beginning that fits.
std::size_t bytes_within(std::string_view text, std::size_t columns) {
  auto rest = text;
  while (!rest.empty()) {
    auto after = rest;
    auto const needed = columns_of(take_point(after).code);
    if (needed > columns) break;
    columns -= needed;
    rest = after;
  }
  return text.size() - rest.size();
}

} // namespace

CodePoint take_point(std::string_view& text) {
  CodePoint point;
  point.bytes = text.substr(0, std::max<std::size_t>(sequence(text), 1));
  auto const lead = byte(text, 0);
  point.code = lead < 0x80 ? lead : lead & (0x7FU >> point.bytes.size());
  for (std::size_t i = 1; i < point.bytes.size(); ++i) point.code = point.code << 6U | (byte(text, i) & 0x3FU);
  text.remove_prefix(point.bytes.size());
  return point;
}

bool is_control(char32_t code) { return holds(controls, code); }

std::string valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto const length = sequence(text);
    result += length > 0 ? text.substr(0, length) : replacement;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string one_line(std::string_view text) {
  auto const valid = valid_utf8(text);
  std::string result;
  result.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    auto const point = take_point(rest);
    if (is_control(point.code))
      result += ' ';
    else
      result += point.bytes;
  }
  return result;
}

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += columns_of(take_point(text).code);
  return columns;
}

std::string clip(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string(text);
  return std::string(text.substr(0, bytes_within(text, std::max<std::size_t>(columns, 1) - 1))) + "…";
}

std::string wrap(std::string_view text, std::string_view first, std::size_t columns) {
  std::string const indent(width(first), ' ');
  std::size_t const room = columns - indent.size();
  std::string result;
  do {
    while (text.starts_with(' ')) text.remove_prefix(1);
    auto end = bytes_within(text, room);
    if (end < text.size() && text[end] != ' ')
      if (auto const blank = text.substr(0, end).rfind(' '); blank != text.npos) end = blank;
    if (auto rest = text; end == 0 && !text.empty()) end = take_point(rest).bytes.size(); // wider than a line
    auto line = text.substr(0, end);
    while (line.ends_with(' ')) line.remove_suffix(1);
    result += fmt::format("{}{}\n", result.empty() ? first : indent, line);
    text.remove_prefix(end);
  } while (text.find_first_not_of(' ') != text.npos);
  return result;
}

} // namespace maru
