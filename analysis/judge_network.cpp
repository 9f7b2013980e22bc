// SPDX-License-Identifier: Apache-2.0
// What a host does to the others: it arrives late, or it transfers slowly. And links that are slow by themselves.
#include "analysis/docket.hpp"
#include "analysis/late_ranks.hpp"
#include "analysis/link_map.hpp"
#include "core/phrases.hpp"
#include "core/robust.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace maru {
namespace {

void note_arrivals(Docket& docket) {
  for (auto const& record : docket.report.records)
    if (record.second_look == docket.second_look && record.arrival && record.arrival->iterations > 0)
      for (auto const rank : record.group.ranks) docket.judged_arrivals.insert(docket.host_of(rank));
}

void judge_lateness(Docket& docket) {
  note_arrivals(docket);
  for (auto const& late : late_ranks(docket.report, docket.second_look)) {
    auto* host = docket.of(late.host);
    if (!host) continue;
    Evidence evidence;
    evidence.judgement = "arrival";
    evidence.state = late.seconds - late.error >= docket.options.thresholds.late ? State::fail : State::warn;
    evidence.what = "lateness";
    evidence.rank = late.rank;
    evidence.device_uuid = docket.device_of(late.rank);
    evidence.value = late.seconds;
    evidence.text = "arrives late: " + describe(late);
    // In a second look nothing may be missing that the first has.
    if (host->processor_is_slow() && !docket.second_look)
      host->excused.push_back({std::move(evidence), "late", fmt::format("rank {} on {}", late.rank, late.host)});
    else
      docket.add(*host, std::move(evidence));
  }
}

double least_badness(LinkMap const& map, Thresholds const& thresholds) {
  return is_latency(map) ? std::log1p(5 * thresholds.link_effect) : -std::log1p(-thresholds.link_effect);
}

Unit unit_of(LinkMap const& map) { return is_latency(map) ? Unit::second : Unit::byte_per_second; }

std::string ratio_text(LinkMap const& map, double ratio) {
  return is_latency(map) ? fixed(ratio, 1) + " times" : fixed(100 * ratio, 0) + " % of";
}

std::string title(LinkMap const& map) { return fmt::format("{} {} {}", map.scope, map.figure, map.backend); }

// ---- between hosts

/// How a node does against the usual, on its worse side.
struct Standing {
  char const* verb = "sends";
  double badness = 0; ///< log, positive is worse
};

double ratio_of(LinkMap const& map, double badness) { return std::exp(is_latency(map) ? badness : -badness); }

/// From the fit over the whole map.
Standing standing(LinkMap const& map, LinkNode const& node) {
  double const sign = is_latency(map) ? 1 : -1, out = sign * std::log(node.out), in = sign * std::log(node.in);
  if (is_latency(map)) return {"answers", std::max(out, in)}; // a late answer looks the same from both ends
  return out >= in ? Standing{"sends", out} : Standing{"receives", in};
}

/// Whether each node is slow against those of its model: another model may have another network card.
std::vector<bool> slow_nodes(Docket const& docket, LinkMap const& map) {
  std::map<std::string, std::vector<std::size_t>> models;
  for (std::size_t i = 0; i < map.nodes.size(); ++i) models[docket.model_of(map.nodes[i].host)].push_back(i);
  std::vector<bool> slow(map.nodes.size());
  auto const& thresholds = docket.options.thresholds;
  for (auto const& [model, members] : models) {
    if (members.size() < least_nodes) continue;
    std::vector<double> effects;
    for (auto const i : members) effects.push_back(standing(map, map.nodes[i]).badness);
    auto copy = effects;
    auto const center = center_of(copy);
    for (std::size_t i = 0; i < members.size(); ++i)
      slow[members[i]] = effects[i] - center.median >= least_badness(map, thresholds) &&
                         effects[i] - center.median >= thresholds.sigmas * center.sigma;
  }
  return slow;
}

/// How many nodes are of each model.
std::map<std::string, std::size_t> models_in(Docket const& docket, LinkMap const& map) {
  std::map<std::string, std::size_t> counts;
  for (auto const& node : map.nodes) ++counts[docket.model_of(node.host)];
  return counts;
}

Evidence network_evidence(LinkMap const& map, Standing const& side, double explains, State state) {
  Evidence evidence;
  evidence.judgement = "network";
  evidence.state = state;
  evidence.what = title(map);
  evidence.expected = map.usual;
  evidence.value = map.usual * ratio_of(map, side.badness);
  evidence.text =
      fmt::format("{}: it {} at {}, {} the usual {}", state == State::pass ? "transfers" : "transfers slowly",
                  side.verb, figure_text(evidence.value, unit_of(map)), ratio_text(map, ratio_of(map, side.badness)),
                  figure_text(map.usual, unit_of(map)));
  if (explains >= 0) evidence.text += fmt::format("; it explains {} % of the excess", fixed(100 * explains, 0));
  return evidence;
}

void judge_nodes(Docket& docket, LinkMap const& map, std::vector<bool> const& slow) {
  auto const models = models_in(docket, map);
  for (std::size_t i = 0; i < map.nodes.size(); ++i) {
    auto const& node = map.nodes[i];
    auto* host = docket.of(node.host);
    if (!host || models.at(docket.model_of(node.host)) < least_nodes) continue;
    if (!slow[i]) {
      host->relative = worse_judged(host->relative, State::pass);
      continue;
    }
    auto evidence = network_evidence(map, standing(map, node), node.explains, State::fail);
    // A host's processor drives MPI's messages. Devices' own networks do not wait for it much.
    if (host->processor_is_slow() && map.backend == "mpi") {
      host->excused.push_back({std::move(evidence), fmt::format("slow {} between hosts", map.figure), node.name});
      continue;
    }
    host->relative = worse_judged(host->relative, State::fail);
    docket.add(*host, std::move(evidence));
  }
}

// What two ends do not explain is the link's own. Ends that are slow themselves say nothing of their links.
void judge_links(Docket& docket, LinkMap const& map, std::vector<bool> const& slow) {
  std::vector<double> rests;
  for (auto const& link : map.links) rests.push_back(badness(map, link.value) - badness(map, link.expected));
  auto copy = rests;
  auto const center = center_of(copy);
  double const least = least_badness(map, docket.options.thresholds);
  for (std::size_t i = 0; i < map.links.size(); ++i) {
    auto const& link = map.links[i];
    bool const beyond = rests[i] - center.median >= docket.options.thresholds.sigmas * center.sigma;
    if (slow[link.from] || slow[link.to] || rests[i] < least || badness(map, link.value) < least || !beyond) continue;
    if (is_latency(map) && link.from > link.to) continue; // the other way is the same measurement
    auto const &from = map.nodes[link.from], &to = map.nodes[link.to];
    auto& verdict = docket.links.emplace_back();
    verdict.from = from.name;
    verdict.to = to.name;
    verdict.figure = map.figure;
    verdict.backend = map.backend;
    // Whether it can be told from its ends.
    verdict.state = map.nodes.size() >= least_nodes ? State::fail : State::unknown;
    verdict.value = link.value;
    verdict.expected = link.expected;
    verdict.text = fmt::format("{}: {}, {} the {} that its ends have with others", map.figure,
                               figure_text(link.value, unit_of(map)), ratio_text(map, link.value / link.expected),
                               figure_text(link.expected, unit_of(map)));
  }
}

// ---- a second look at hosts: half of the few that take part are suspects, so that no fit over them tells what is
// usual

/// What links between hosts under no suspicion have in the second look.
double usual_again(Docket const& docket, LinkMap const& map, std::vector<LinkMap> const& first_look) {
  std::vector<double> values;
  for (auto const& link : map.links)
    if (!docket.suspects.contains(map.nodes[link.from].host) && !docket.suspects.contains(map.nodes[link.to].host))
      values.push_back(link.value);
  if (!values.empty()) return median_of(values);
  for (auto const& before : first_look)
    if (title(before) == title(map)) return before.usual;
  return map.usual;
}

/// A suspect's worse side, by its links with those who are under no suspicion.
std::optional<Standing> standing_again(Docket const& docket, LinkMap const& map, std::size_t node) {
  std::vector<double> out, in;
  for (auto const& link : map.links) {
    bool const sends = link.from == node;
    if (!sends && link.to != node) continue;
    if (docket.suspects.contains(map.nodes[sends ? link.to : link.from].host)) continue;
    (sends ? out : in).push_back(badness(map, link.value));
  }
  if (out.empty() && in.empty()) return std::nullopt;
  double const sends = out.empty() ? -1 : median_of(out), receives = in.empty() ? -1 : median_of(in);
  if (is_latency(map)) return Standing{"answers", std::max(sends, receives)};
  return sends >= receives ? Standing{"sends", sends} : Standing{"receives", receives};
}

void judge_hosts_again(Docket& docket, LinkMap map, std::vector<LinkMap> const& first_look) {
  map.usual = usual_again(docket, map, first_look);
  double const least = least_badness(map, docket.options.thresholds);
  for (std::size_t i = 0; i < map.nodes.size(); ++i) {
    auto* host = docket.of(map.nodes[i].host);
    if (!host || !docket.suspects.contains(host->host)) continue;
    if (auto const side = standing_again(docket, map, i))
      docket.add(*host, network_evidence(map, *side, -1, side->badness >= least ? State::fail : State::pass));
  }
  for (auto const& link : map.links) {
    auto& again = docket.links.emplace_back();
    again.from = map.nodes[link.from].name;
    again.to = map.nodes[link.to].name;
    again.figure = map.figure;
    again.backend = map.backend;
    again.state = badness(map, link.value) >= least ? State::fail : State::pass;
    again.text = figure_text(link.value, unit_of(map));
  }
}

// ---- within hosts: the same two places on other hosts of the model have the same link between them

std::string places_of(Docket const& docket, LinkMap const& map, Link const& link) {
  auto const &from = map.nodes[link.from], &to = map.nodes[link.to];
  return fmt::format("{} {} {}", docket.model_of(from.host), docket.local_of(from.rank), docket.local_of(to.rank));
}

/// What is between the same two places of a host, as logarithms, over the hosts of a first look.
std::map<std::string, Center> usual_between_places(Docket const& docket, LinkMap const& map,
                                                   std::vector<LinkMap> const& first_look) {
  std::map<std::string, std::vector<double>> alike;
  for (auto const& before : first_look)
    if (title(before) == title(map))
      for (auto const& link : before.links) alike[places_of(docket, before, link)].push_back(std::log(link.value));
  std::map<std::string, Center> centers;
  for (auto& [name, values] : alike)
    if (values.size() >= least_nodes) centers[name] = center_of(values);
  return centers;
}

void judge_local(Docket& docket, LinkMap const& map, std::vector<LinkMap> const& first_look) {
  auto const centers = usual_between_places(docket, map, first_look);
  double const least = least_badness(map, docket.options.thresholds), sign = is_latency(map) ? 1 : -1;
  for (auto const& link : map.links) {
    auto const center = centers.find(places_of(docket, map, link));
    auto* host = docket.of(map.nodes[link.from].host);
    if (center == centers.end() || !host || (is_latency(map) && link.from > link.to)) continue;
    double const miss = sign * (std::log(link.value) - center->second.median);
    bool const slow = miss >= least && miss >= docket.options.thresholds.sigmas * center->second.sigma;
    auto const state = slow ? State::fail : State::pass;
    host->relative = worse_judged(host->relative, state);
    if (!slow && !docket.second_look) continue;
    Evidence evidence;
    evidence.judgement = "network";
    evidence.state = state;
    evidence.rank = map.nodes[link.from].rank;
    evidence.device_uuid = docket.device_of(evidence.rank);
    evidence.what = fmt::format("{} to {}", title(map), map.nodes[link.to].name);
    evidence.value = link.value;
    evidence.expected = std::exp(center->second.median);
    evidence.text =
        fmt::format("{} to {}: {}, {} the usual {} between these two places of a host", map.figure,
                    map.nodes[link.to].name, figure_text(link.value, unit_of(map)),
                    ratio_text(map, link.value / evidence.expected), figure_text(evidence.expected, unit_of(map)));
    docket.add(*host, std::move(evidence));
  }
}

} // namespace

void judge_network(Docket& docket) {
  judge_lateness(docket);
  auto const first_look = link_maps(docket.report);
  auto const second_look = docket.second_look ? link_maps(docket.report, true) : std::vector<LinkMap>();
  for (auto const& map : docket.second_look ? second_look : first_look) {
    if (map.scope == "local") {
      judge_local(docket, map, first_look);
      continue;
    }
    if (docket.second_look) {
      judge_hosts_again(docket, map, first_look);
      continue;
    }
    auto const slow = slow_nodes(docket, map);
    judge_nodes(docket, map, slow);
    judge_links(docket, map, slow);
    if (map.nodes.size() < least_nodes)
      docket.notes.push_back(
          fmt::format("{} between {} hosts: too few to tell a slow one from a slow link, {} are needed", map.figure,
                      map.nodes.size(), least_nodes));
  }
}

} // namespace maru
