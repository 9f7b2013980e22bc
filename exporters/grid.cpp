// SPDX-License-Identifier: Apache-2.0
#include "exporters/grid.hpp"

#include "exporters/text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

// Three digits of the smallest, and at most three decimals: a column that spans more is read for its large values.
int decimals_for(double smallest) {
  if (smallest >= 100 || !(smallest > 0)) return 0;
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
    if (!number) texts.push_back(one_line(std::get<std::string>(row.cells[index])));
    else texts.push_back(fmt::format("{}{:.{}f}", number->before, number->value, decimals));
  }
  return texts;
}

std::string Grid::text() const {
  std::string head = indent_;
  std::vector<std::string> lines(rows_.size(), indent_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto const cells = column(i);
    if (std::all_of(cells.begin(), cells.end(), [](auto const& cell) { return cell.empty(); })) continue;
    auto wide = width(columns_[i].title);
    for (auto const& cell : cells) wide = std::max(wide, width(cell));
    std::string const gap = head.size() == indent_.size() ? "" : "  ";
    head += gap + padded(columns_[i].title, wide, columns_[i].right);
    for (std::size_t r = 0; r < lines.size(); ++r) lines[r] += gap + padded(cells[r], wide, columns_[i].right);
  }
  std::string result = finished(head);
  for (std::size_t r = 0; r < lines.size(); ++r) {
    result += finished(lines[r]);
    for (auto const& note : rows_[r].notes) result += wrap(one_line(note), indent_ + "    └ ", terminal_columns);
  }
  return result;
}

} // namespace maru
