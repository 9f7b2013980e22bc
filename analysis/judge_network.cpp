// SPDX-License-Identifier: Apache-2.0
// What a host does to the others: it arrives late, or it transfers slowly. And links that are slow by themselves.
#include "analysis/docket.hpp"
#include "analysis/late_ranks.hpp"
#include "analysis/link_map.hpp"
#include "analysis/phrases.hpp"
#include "analysis/robust.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

// A host's processor drives MPI's messages, and starts a device's. Devices' own networks do not wait for it much.
bool follows_from_processor(HostDocket const& host, std::string_view backend) {
  return host.processor_slow && backend == "mpi";
}

void judge_lateness(Docket& docket) {
  std::vector<std::string> explained;
  for (auto const& late : late_ranks(docket.report, docket.second_look)) {
    auto* host = docket.of(late.host);
    if (!host) continue;
    if (host->processor_slow) {
      explained.push_back(fmt::format("rank {} on {}", late.rank, late.host));
      continue;
    }
    Evidence evidence;
    evidence.judgement = "arrival";
    evidence.state = late.seconds - late.error >= docket.options.thresholds.late ? State::fail : State::warn;
    evidence.what = "lateness";
    evidence.rank = late.rank;
    evidence.device_uuid = docket.device_of(late.rank);
    evidence.value = late.seconds;
    evidence.text = "arrives late: " + describe(late);
    docket.add(*host, std::move(evidence));
  }
  if (!explained.empty())
    docket.notes.push_back(fmt::format("late, which follows from a slow processor: {}", list_text(explained)));
}

double least_badness(LinkMap const& map, Thresholds const& thresholds) {
  return is_latency(map) ? std::log1p(5 * thresholds.link_effect) : -std::log1p(-thresholds.link_effect);
}

Unit unit_of(LinkMap const& map) { return is_latency(map) ? Unit::second : Unit::byte_per_second; }

/// A node's worse side.
struct Side {
  char const* verb;
  double badness; ///< log, positive is worse
  double ratio;
};

Side worse_side(LinkMap const& map, LinkNode const& node) {
  double const sign = is_latency(map) ? 1 : -1;
  Side const out{"sends", sign * std::log(node.out), node.out}, in{"receives", sign * std::log(node.in), node.in};
  // A late answer looks the same from both ends.
  if (is_latency(map)) return {"answers", std::max(out.badness, in.badness), std::max(out.ratio, in.ratio)};
  return out.badness >= in.badness ? out : in;
}

/// Whether each node of the map is worse than all links with others explain by chance.
std::vector<bool> slow_nodes(LinkMap const& map, Thresholds const& thresholds) {
  std::vector<double> effects;
  for (auto const& node : map.nodes) effects.push_back(worse_side(map, node).badness);
  auto copy = effects;
  auto const center = center_of(copy);
  std::vector<bool> slow;
  for (double const effect : effects)
    slow.push_back(map.nodes.size() >= least_nodes && effect >= least_badness(map, thresholds) &&
                   effect - center.median >= thresholds.sigmas * center.sigma);
  return slow;
}

std::string ratio_text(LinkMap const& map, double ratio) {
  return is_latency(map) ? fmt::format("{:.1f} times", ratio) : fmt::format("{:.0f} % of", 100 * ratio);
}

void judge_nodes(Docket& docket, LinkMap const& map, std::vector<bool> const& slow) {
  std::vector<std::string> explained;
  for (std::size_t i = 0; i < map.nodes.size(); ++i) {
    auto const& node = map.nodes[i];
    auto* host = docket.of(node.host);
    if (!host || map.nodes.size() < least_nodes) continue;
    if (slow[i] && follows_from_processor(*host, map.backend)) {
      explained.push_back(node.name);
      continue;
    }
    auto const side = worse_side(map, node);
    auto const state = slow[i] ? State::fail : State::pass;
    host->relative = host->relative == State::unknown ? state : worse(host->relative, state);
    if (state == State::pass && !docket.second_look) continue;
    Evidence evidence;
    evidence.judgement = "network";
    evidence.state = state;
    evidence.what = fmt::format("{} {}", map.scope, map.figure);
    evidence.value = map.usual * side.ratio;
    evidence.expected = map.usual;
    evidence.text = fmt::format("transfers slowly: {} {} at {}, {} the usual {}; it explains {:.0f} % of the excess",
                                map.scope == "local" ? node.name : "it", side.verb,
                                figure_text(evidence.value, unit_of(map)), ratio_text(map, side.ratio),
                                figure_text(map.usual, unit_of(map)), 100 * node.explains);
    docket.add(*host, std::move(evidence));
  }
  if (!explained.empty())
    docket.notes.push_back(fmt::format("slow {} between {}, which follows from a slow processor: {}", map.figure,
                                       map.scope == "hosts" ? "hosts" : "ranks", list_text(explained)));
}

// What two ends do not explain is the link's own. Ends that are slow themselves say nothing of their links.
void judge_links(Docket& docket, LinkMap const& map, std::vector<bool> const& slow) {
  std::vector<double> rests;
  for (auto const& link : map.links) rests.push_back(badness(map, link.value) - badness(map, link.expected));
  auto copy = rests;
  auto const center = center_of(copy);
  for (std::size_t i = 0; i < map.links.size(); ++i) {
    auto const& link = map.links[i];
    if (slow[link.from] || slow[link.to] || rests[i] < least_badness(map, docket.options.thresholds) ||
        badness(map, link.value) < least_badness(map, docket.options.thresholds) ||
        rests[i] - center.median < docket.options.thresholds.sigmas * center.sigma)
      continue;
    if (is_latency(map) && link.from > link.to) continue; // the other way is the same measurement
    auto const &from = map.nodes[link.from], &to = map.nodes[link.to];
    bool const told = map.nodes.size() >= least_nodes; // whether it can be told from its ends
    double const ratio = link.value / link.expected;
    docket.links.push_back(
        {from.name, to.name, told ? State::fail : State::unknown,
         fmt::format("{}: {}, {} the {} that its ends have with others", map.figure,
                     figure_text(link.value, unit_of(map)), ratio_text(map, ratio),
                     figure_text(link.expected, unit_of(map))),
         link.value, link.expected});
  }
}

} // namespace

void judge_network(Docket& docket) {
  judge_lateness(docket);
  for (auto const& map : link_maps(docket.report, docket.second_look)) {
    auto const slow = slow_nodes(map, docket.options.thresholds);
    judge_nodes(docket, map, slow);
    judge_links(docket, map, slow);
    if (map.nodes.size() < least_nodes && !docket.second_look)
      docket.notes.push_back(fmt::format("{} of {} {}: too few to tell a slow one from a slow link, {} are needed",
                                         map.figure, map.nodes.size(), map.scope == "hosts" ? "hosts" : "ranks",
                                         least_nodes));
  }
}

} // namespace maru
