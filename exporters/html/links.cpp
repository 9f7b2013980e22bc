// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/page.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace maru {
namespace {

bool worse(LinkMap const& map, double a, double b) { return map.figure == "latency" ? a > b : a < b; }

/// Which row each node is in; rows.size() for those that are in none.
struct Rows {
  std::vector<std::size_t> of_node;
  std::size_t count = 0;
};

/// Between hosts: neighbours share a row, so that a slow host stays a row and a column of the picture.
Rows blocks(std::size_t nodes, std::size_t most) {
  auto const size = (nodes + most - 1) / std::max<std::size_t>(most, 1);
  Rows rows{std::vector<std::size_t>(nodes), (nodes + size - 1) / size};
  for (std::size_t node = 0; node < nodes; ++node) rows.of_node[node] = node / size;
  return rows;
}

/// Within hosts only the pairs of a host were measured: whole hosts, those first that explain most.
Rows worst_hosts(LinkMap const& map, std::size_t most) {
  std::map<std::string_view, std::size_t> sizes;
  for (auto const& node : map.nodes) ++sizes[node.host];
  std::set<std::string_view> chosen;
  std::size_t count = 0;
  for (auto const index : map.ranking) {
    if (index >= map.nodes.size() || chosen.contains(map.nodes[index].host)) continue;
    auto const size = sizes[map.nodes[index].host];
    if (count + size > most) break;
    chosen.insert(map.nodes[index].host);
    count += size;
  }
  Rows rows{std::vector<std::size_t>(map.nodes.size(), count), count};
  std::size_t next = 0;
  for (std::size_t node = 0; node < map.nodes.size(); ++node)
    if (chosen.contains(map.nodes[node].host)) rows.of_node[node] = next++;
  return rows;
}

void add_cells(PageLinkMap& page, LinkMap const& map, Rows const& rows) {
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> places;
  for (auto const& link : map.links) {
    if (link.from >= map.nodes.size() || link.to >= map.nodes.size()) continue;
    auto const row = rows.of_node[link.from], column = rows.of_node[link.to];
    if (row >= rows.count || column >= rows.count) continue;
    auto const [place, fresh] = places.try_emplace({row, column}, page.cells.size());
    if (fresh) page.cells.emplace_back();
    auto& cell = page.cells[place->second];
    auto const links = fresh ? 1 : cell.links + 1;
    if (fresh || worse(map, link.value, cell.value))
      cell = {row, column, link.value, link.expected, map.nodes[link.from].name, map.nodes[link.to].name, 1};
    cell.links = links;
  }
}

PageLinkMap one_map(LinkMap const& map, PageLimits const& limits) {
  PageLinkMap page{map.scope, map.figure, map.backend, map.usual, map.nodes.size(), {}, {}, {}, {}};
  auto const rows = map.scope == "local" && map.nodes.size() > limits.link_rows
                        ? worst_hosts(map, limits.link_rows)
                        : blocks(map.nodes.size(), limits.link_rows);
  page.rows.resize(rows.count);
  page.hosts.resize(rows.count);
  for (std::size_t node = 0; node < map.nodes.size(); ++node) {
    auto const row = rows.of_node[node];
    if (row >= rows.count) continue;
    if (page.rows[row].empty()) page.rows[row] = map.nodes[node].name;
    auto& hosts = page.hosts[row];
    if (hosts.empty() || hosts.back() != map.nodes[node].host) hosts.push_back(map.nodes[node].host);
  }
  add_cells(page, map, rows);
  for (auto const index : map.ranking) {
    if (page.worst.size() == limits.link_rows) break;
    if (index >= map.nodes.size()) continue;
    auto const& node = map.nodes[index];
    page.worst.push_back({node.name, node.host, node.out, node.in, node.explains});
  }
  return page;
}

} // namespace

std::vector<PageLinkMap> page_links(Report const& report, PageLimits const& limits) {
  std::vector<PageLinkMap> pages;
  for (auto const& map : report.links)
    if (!map.nodes.empty()) pages.push_back(one_map(map, limits));
  return pages;
}

} // namespace maru
