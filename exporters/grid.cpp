// SPDX-License-Identifier: Apache-2.0
#include "exporters/grid.hpp"

#include "core/phrases.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

// At least three digits of the smallest, and at most three decimals: a column that spans more is read for its large
// values.
int decimals_for(double smallest) {
  if (smallest >= 1000 || !(smallest > 0)) return 0;
  if (smallest >= 10) return 1;
  return smallest >= 1 ? 2 : 3;
}

std::string padded(std::string const& text, std::size_t columns, bool right) {
  std::string const blanks(columns - std::min(columns, width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

std::string finished(std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  return clip(line, terminal_columns) + "\n";
}

} // namespace

std::vector<std::string> Grid::column(std::size_t index) const {
  double smallest = INFINITY;
  for (auto const& row : rows_)
    if (auto const* number = std::get_if<Value>(&row.cells[index]); number && number->value > 0)
      smallest = std::min(smallest, number->value);
  int const decimals = decimals_for(smallest);
  std::vector<std::string> texts;
  for (auto const& row : rows_) {
    auto const* number = std::get_if<Value>(&row.cells[index]);
    if (!number)
      texts.push_back(one_line(std::get<std::string>(row.cells[index])));
    else
      texts.push_back(number->before + fixed(number->value, decimals));
  }
  return texts;
}

std::vector<std::string> Grid::shown(std::size_t index, std::size_t room) const {
  constexpr std::size_t shortest = 8; // of a word that is cut
  auto texts = column(index);
  if (std::all_of(texts.begin(), texts.end(), [](auto const& cell) { return cell.empty(); })) return {};
  auto const& [title, right] = columns_[index];
  texts.push_back(title);
  std::size_t wide = 0;
  for (auto const& text : texts) wide = std::max(wide, width(text));
  if (wide > room && (right || room < shortest)) return {};
  wide = std::min(wide, room);
  for (auto& text : texts) text = padded(clip(text, wide), wide, right);
  return texts;
}

std::string Grid::text() const {
  std::vector<std::string> lines(rows_.size() + 1, indent_); // the head is the last
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto const used = width(lines.back());
    std::string const gap = used == indent_.size() ? "" : "  ";
    auto const cells = shown(i, terminal_columns - std::min(terminal_columns, used + gap.size()));
    for (std::size_t r = 0; r < cells.size(); ++r) lines[r] += gap + cells[r];
  }
  std::string result = finished(lines.back());
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    result += finished(lines[r]);
    for (auto const& note : rows_[r].notes) result += finished(indent_ + "    └ " + one_line(note));
  }
  return result;
}

} // namespace maru
