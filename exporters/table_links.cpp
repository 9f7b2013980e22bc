// SPDX-License-Identifier: Apache-2.0
#include "exporters/table_links.hpp"

#include "core/phrases.hpp"
#include "exporters/grid.hpp"
#include "exporters/table_cells.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace maru {
namespace {

constexpr std::size_t widest_matrix = 8; // nodes that fit into a line
constexpr std::size_t rows_shown = 5;    // of links and of nodes, where there are more
constexpr double worth_a_row = 0.05;     // of the excess that a node must explain

Cell shown(LinkMap const& map, double value) { return Value{value * (is_latency(map) ? micro : giga)}; }

std::string heading(LinkMap const& map) {
  auto const nodes = map.nodes.size();
  char const* const unit = is_latency(map) ? "us one way" : "GB/s";
  auto text = fmt::format("links: {} {}, {}", map.figure,
                          map.scope == "hosts" ? fmt::format("between {} hosts", nodes)
                                               : fmt::format("of {} ranks within their hosts", nodes),
                          unit);
  if (map.scope == "hosts" && map.links.size() < nodes * (nodes - 1))
    text += fmt::format("; {} of {} directions", map.links.size(), nodes * (nodes - 1));
  return clip(one_line(text + " · " + map.backend), terminal_columns) + "\n";
}

/// A row for each sender, a column for each receiver.
std::string matrix(LinkMap const& map) {
  auto const count = map.nodes.size();
  std::vector<GridColumn> columns{{"from \\ to", false}};
  for (auto const& node : map.nodes) columns.push_back({clip(one_line(node.name), 8)});
  Grid grid("  ", std::move(columns));
  std::vector<std::vector<Cell>> cells(count, std::vector<Cell>(count + 1, Cell(std::string("·"))));
  for (std::size_t node = 0; node < count; ++node) cells[node][0] = map.nodes[node].name;
  for (auto const& link : map.links) cells[link.from][link.to + 1] = shown(map, link.value);
  for (auto& row : cells) grid.row(std::move(row));
  return grid.text();
}

std::string slowest_links(LinkMap const& map) {
  std::vector<std::size_t> order(map.links.size());
  std::iota(order.begin(), order.end(), 0);
  auto const most = std::min(rows_shown, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return badness(map, map.links[a].value) > badness(map, map.links[b].value);
                    });
  Grid grid("  ", {{"slowest from", false}, {"to", false}, {is_latency(map) ? "us" : "GB/s"}, {"its ends foretell"}});
  for (std::size_t i = 0; i < most; ++i) {
    auto const& link = map.links[order[i]];
    grid.row({map.nodes[link.from].name, map.nodes[link.to].name, shown(map, link.value), shown(map, link.expected)});
  }
  return grid.text();
}

std::string percent_of_usual(double ratio) { return fixed(100 * ratio, 0) + " %"; }

std::string ranking(LinkMap const& map) {
  Grid grid("  ", {{"slowest node", false}, {"sends"}, {"receives"}, {"explains"}});
  for (std::size_t i = 0; i < std::min(rows_shown, map.ranking.size()); ++i) {
    auto const& node = map.nodes[map.ranking[i]];
    if (node.explains < worth_a_row) break;
    grid.row({node.name, percent_of_usual(node.out), percent_of_usual(node.in), percent_of_usual(node.explains)});
  }
  return grid.empty() ? "" : grid.text();
}

std::string usual(LinkMap const& map) {
  return fmt::format("  usual {:.4g} {}\n", map.usual * (is_latency(map) ? micro : giga),
                     is_latency(map) ? "us" : "GB/s");
}

} // namespace

std::string links_block(Report const& report) {
  std::string text;
  for (auto const& map : report.links) {
    text += (text.empty() ? "" : "\n") + heading(map) + usual(map);
    // Within hosts most directions do not exist, and a matrix would be empty.
    text += map.nodes.size() <= widest_matrix ? matrix(map) : slowest_links(map);
    text += ranking(map);
  }
  return text;
}

} // namespace maru
