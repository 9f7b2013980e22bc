// SPDX-License-Identifier: Apache-2.0
#include "analysis/link_map.hpp"

#include "core/robust.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace maru {
namespace {

constexpr int most_sweeps = 20;
constexpr double settled = 1e-6; // no effect changes by more

// What the exponential of a fit over absurd values gives, as a number of which there is a logarithm.
double bounded(double value) {
  return std::clamp(value, std::numeric_limits<double>::min(), std::numeric_limits<double>::max());
}

struct Names {
  std::unordered_map<std::int64_t, std::string_view> hosts;
  explicit Names(Report const& report) {
    for (auto const& rank : report.ranks) hosts[rank.rank] = rank.host;
  }
  std::string_view of(std::int64_t rank) const {
    auto const found = hosts.find(rank);
    return found == hosts.end() ? std::string_view() : found->second;
  }
};

double seconds_of(Record const& record) {
  bool const late = record.arrival && record.arrival->last_rank && record.arrival->transfer > 0;
  return late ? record.arrival->transfer : record.time->median;
}

// A report may hold anything: what has no finite rate is no link.
bool is_usable(Record const& record) {
  double const seconds = seconds_of(record), rate = record.cost.bytes / seconds;
  return std::isfinite(seconds) && seconds / 2 > 0 && std::isfinite(rate) && rate > 0 &&
         record.group.ranks[0] != record.group.ranks[1];
}

/// A map while it is put together.
struct Sheet {
  LinkMap map;
  std::map<std::int64_t, std::size_t> places; ///< of the nodes, by the rank that speaks for them
  std::vector<Record const*> records;
};

// In the order of their ranks, whatever that of the rounds.
void add_nodes(Sheet& sheet, Names const& names) {
  for (auto const* record : sheet.records)
    for (auto const rank : record->group.ranks) sheet.places[rank];
  for (auto& [rank, place] : sheet.places) {
    auto const host = std::string(names.of(rank));
    place = sheet.map.nodes.size();
    sheet.map.nodes.push_back(
        {rank, sheet.map.scope == "hosts" ? host : fmt::format("rank {} on {}", rank, host), host, 1, 1, 0});
  }
}

void add_link(Sheet& sheet, Record const& record) {
  auto const a = sheet.places.at(record.group.ranks[0]), b = sheet.places.at(record.group.ranks[1]);
  double const seconds = seconds_of(record);
  if (is_latency(sheet.map)) {
    sheet.map.links.push_back({a, b, seconds / 2, 0});
    sheet.map.links.push_back({b, a, seconds / 2, 0});
    return;
  }
  bool const first_sends = record.labels.text("root") != "1";
  sheet.map.links.push_back({first_sends ? a : b, first_sends ? b : a, record.cost.bytes / seconds, 0});
}

// A suspect's link may have been measured twice, in its round and once more: together it is one link.
void join_doubles(LinkMap& map) {
  auto const ends = [](Link const& link) { return std::pair(link.from, link.to); };
  std::sort(map.links.begin(), map.links.end(), [&](Link const& a, Link const& b) { return ends(a) < ends(b); });
  auto joined = map.links.begin();
  std::vector<double> values;
  for (auto first = map.links.begin(); first != map.links.end();) {
    auto const last =
        std::find_if(first, map.links.end(), [&](Link const& link) { return ends(link) != ends(*first); });
    values.clear();
    for (auto link = first; link != last; ++link) values.push_back(link->value);
    *joined++ = {first->from, first->to, median_of(values), 0};
    first = last;
  }
  map.links.erase(joined, map.links.end());
}

/// For one side of all links: which of them belong to each node.
struct Side {
  std::vector<double> effects;
  std::vector<std::vector<std::size_t>> links;
};

double sweep(Side& side, Side const& other, std::vector<double> const& values,
             std::vector<std::size_t> const& other_end) {
  double change = 0;
  std::vector<double> rest;
  for (std::size_t node = 0; node < side.effects.size(); ++node) {
    if (side.links[node].empty()) continue;
    rest.clear();
    for (auto const link : side.links[node]) rest.push_back(values[link] - other.effects[other_end[link]]);
    double const effect = median_of(rest);
    change = std::max(change, std::abs(effect - side.effects[node]));
    side.effects[node] = effect;
  }
  return change;
}

// Effects are told against the usual node, whose effect is none.
double take_middle(Side& side) {
  auto copy = side.effects;
  double const middle = median_of(copy);
  for (auto& effect : side.effects) effect -= middle;
  return middle;
}

void fit(LinkMap& map) {
  std::vector<double> values;
  for (auto const& link : map.links) values.push_back(link.value);
  map.usual = median_of(values);
  values.clear();
  auto const count = map.nodes.size();
  Side out{std::vector<double>(count), std::vector<std::vector<std::size_t>>(count)}, in = out;
  std::vector<std::size_t> from, to;
  for (std::size_t i = 0; i < map.links.size(); ++i) {
    auto const& link = map.links[i];
    values.push_back(badness(map, link.value));
    from.push_back(link.from);
    to.push_back(link.to);
    out.links[link.from].push_back(i);
    in.links[link.to].push_back(i);
  }
  for (int i = 0; i < most_sweeps; ++i)
    if (std::max(sweep(out, in, values, to), sweep(in, out, values, from)) < settled) break;
  double const sign = is_latency(map) ? 1 : -1;
  // Between two usual nodes: the median over all links is lower where a few nodes of few are slow.
  map.usual = bounded(map.usual * std::exp(sign * (take_middle(out) + take_middle(in))));
  double excess = 0;
  std::vector<double> explained(count);
  for (std::size_t i = 0; i < map.links.size(); ++i) {
    auto& link = map.links[i];
    double const sends = out.effects[link.from], receives = in.effects[link.to];
    link.expected = bounded(map.usual * std::exp(sign * (sends + receives)));
    double const bad = std::max(0.0, badness(map, link.value)), both = std::max(0.0, sends) + std::max(0.0, receives);
    excess += bad;
    if (both <= 0) continue;
    double const share = std::min(bad, both) / both;
    explained[link.from] += share * std::max(0.0, sends);
    explained[link.to] += share * std::max(0.0, receives);
  }
  for (std::size_t node = 0; node < count; ++node) {
    map.nodes[node].out = bounded(std::exp(sign * out.effects[node]));
    map.nodes[node].in = bounded(std::exp(sign * in.effects[node]));
    map.nodes[node].explains = excess > 0 ? explained[node] / excess : 0;
  }
  map.ranking.resize(count);
  std::iota(map.ranking.begin(), map.ranking.end(), 0);
  std::stable_sort(map.ranking.begin(), map.ranking.end(),
                   [&](std::size_t a, std::size_t b) { return map.nodes[a].explains > map.nodes[b].explains; });
}

} // namespace

std::vector<LinkMap> link_maps(Report const& report, bool second_look) {
  Names const names(report);
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, Sheet>
      sheets; // by scope, figure and backend
  for (auto const& record : report.records) {
    if (record.probe != "links" || record.second_look != second_look || record.status != Status::ok || !record.time ||
        record.group.ranks.size() != 2 || !is_usable(record) || !doubts(record).empty())
      continue;
    auto const colon = record.group.kind.find(':');
    auto const scope = std::string_view(record.group.kind).substr(0, colon);
    if (scope != "hosts" && scope != "local") continue;
    char const* const figure = record.operation == "ping_pong" ? "latency" : "bandwidth";
    auto& sheet = sheets[{scope, figure, record.backend}];
    sheet.map.scope = scope;
    sheet.map.figure = figure;
    sheet.map.backend = record.backend;
    sheet.records.push_back(&record);
  }
  std::vector<LinkMap> maps;
  for (auto& [key, sheet] : sheets) {
    add_nodes(sheet, names);
    for (auto const* record : sheet.records) add_link(sheet, *record);
    join_doubles(sheet.map);
    fit(sheet.map);
    maps.push_back(std::move(sheet.map));
  }
  return maps;
}

} // namespace maru
