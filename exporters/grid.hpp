// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace maru {

constexpr std::size_t terminal_columns = 80;

/// A number whose decimals its column decides, so that the points stand under one another.
struct Value {
  double value = 0;
  std::string before{}; ///< "≤", say
};
using Cell = std::variant<std::string, Value>;

struct GridColumn {
  std::string title;
  bool right = true;
};

/// Aligned text of at most 80 columns. A column in which nothing stands is left out. Where the line is full, words are
/// cut and numbers are left out whole, since half a number is a wrong one: the least important columns belong last.
class Grid {
public:
  Grid(std::string indent, std::vector<GridColumn> columns)
      : indent_(std::move(indent)), columns_(std::move(columns)) {}

  void row(std::vector<Cell> cells) { rows_.push_back({std::move(cells), {}}); }
  /// A line under the latest row.
  void note(std::string text) { rows_.back().notes.push_back(std::move(text)); }
  bool empty() const { return rows_.empty(); }
  std::string text() const;

private:
  struct Row {
    std::vector<Cell> cells;
    std::vector<std::string> notes;
  };

  std::vector<std::string> column(std::size_t index) const;
  /// Its cells and its title, last, all of one width; empty when it is not to be shown.
  std::vector<std::string> shown(std::size_t index, std::size_t room) const;

  std::string indent_;
  std::vector<GridColumn> columns_;
  std::vector<Row> rows_;
};

} // namespace maru
