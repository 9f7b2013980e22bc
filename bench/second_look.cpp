// SPDX-License-Identifier: Apache-2.0
#include "bench/second_look.hpp"

#include "bench/pairing.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace maru {
namespace {

constexpr std::size_t most_partners = 8;  // of a suspect in the link map
constexpr std::size_t least_controls = 3; // so that a median of peers does not rest on the suspects alone

bool is_host_round(Case const& item) { return item.group_kind.starts_with("hosts:"); }
// Searches and tests of the measuring say nothing of a host.
bool is_worth_asking_again(Case const& item) { return item.probe != "gemm_peak" && item.probe != "spin"; }
bool is_local_round(Case const& item) { return item.group_kind.starts_with("local:"); }

/// Suspects and those who are under no suspicion, as places in the list of hosts; no more suspects than others.
struct Lineup {
  std::vector<std::size_t> suspects, others;

  /// The suspects and some others.
  std::vector<std::size_t> looked_at() const {
    auto result = suspects;
    auto const controls = std::min(others.size(), std::max(suspects.size(), least_controls));
    result.insert(result.end(), others.begin(), others.begin() + static_cast<std::ptrdiff_t>(controls));
    return result;
  }
};

/// One line-up for each model of device: another model must neither accuse a suspect nor excuse it. Suspects that find
/// nobody of their model come last, with whoever can be spared. Those of models without suspects follow the others of
/// each part, for a link is measured with more than one.
struct Lineups {
  std::vector<HostRanks> hosts;
  std::vector<Lineup> parts;
  std::vector<std::size_t> suspects; ///< of all parts, worst first

  bool can_compare() const { return !parts.empty(); }
  std::vector<std::size_t> looked_at() const {
    std::vector<std::size_t> result;
    for (auto const& part : parts) {
      auto const some = part.looked_at();
      result.insert(result.end(), some.begin(), some.end());
    }
    return result;
  }
};

/// Takes from the end of the others whom the part's own suspects do not need.
void lend(Lineup& part, Lineup& to) {
  while (part.others.size() > part.suspects.size() && to.others.size() < to.suspects.size()) {
    to.others.push_back(part.others.back());
    part.others.pop_back();
  }
}

std::vector<Lineup> part_by_model(Lineup const& all, std::vector<std::string> const& model_of_host) {
  std::map<std::string_view, Lineup> by_model;
  for (auto const host : all.others) by_model[model_of_host[host]].others.push_back(host);
  std::vector<std::string_view> order; // of the worst suspect of each
  Lineup rest;
  for (auto const host : all.suspects) {
    auto& part = by_model[model_of_host[host]];
    if (part.suspects.empty()) order.push_back(model_of_host[host]);
    (part.suspects.size() < part.others.size() ? part : rest).suspects.push_back(host);
  }
  for (auto& [model, part] : by_model)
    if (part.suspects.empty()) lend(part, rest);
  for (auto& [model, part] : by_model) lend(part, rest);
  std::vector<Lineup> parts;
  for (auto const model : order)
    if (auto& part = by_model[model]; !part.suspects.empty()) parts.push_back(std::exchange(part, {}));
  if (!rest.suspects.empty()) parts.push_back(std::move(rest));
  std::size_t next = 0;
  for (auto const& [model, part] : by_model)
    for (auto const host : part.others)
      if (!parts.empty()) parts[next++ % parts.size()].others.push_back(host);
  return parts;
}

Lineups line_up(Roster const& roster, std::vector<std::string> const& suspects) {
  Lineups lineups;
  lineups.hosts = ranks_by_host(roster.host_of_rank);
  auto const& hosts = lineups.hosts;
  std::set<std::string_view> const accused(suspects.begin(), suspects.end());
  Lineup all;
  std::vector<std::string> models;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    auto const first = static_cast<std::size_t>(hosts[i].ranks.front());
    models.push_back(roster.model_of_rank.empty() ? std::string() : roster.model_of_rank[first]);
    if (!accused.contains(hosts[i].host)) all.others.push_back(i);
  }
  for (auto const& name : suspects)
    for (std::size_t i = 0; i < hosts.size() && all.suspects.size() < all.others.size(); ++i)
      if (hosts[i].host == name) all.suspects.push_back(i);
  lineups.suspects = all.suspects;
  lineups.parts = part_by_model(all, models);
  return lineups;
}

std::vector<std::int64_t> together(std::vector<std::int64_t> const& a, std::vector<std::int64_t> const& b) {
  std::vector<std::int64_t> all(a);
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  return all;
}

GroupList each_alone(Lineups const& lineups, bool by_rank) {
  GroupList groups;
  for (auto const host : lineups.looked_at()) {
    auto const& ranks = lineups.hosts[host].ranks;
    if (!by_rank)
      groups.push_back(ranks);
    else
      for (auto const rank : ranks) groups.push_back({rank});
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

GroupList in_couples(Lineups const& lineups) {
  auto const ranks = [&](std::size_t place) { return lineups.hosts[place].ranks; };
  GroupList groups;
  for (auto const& [suspects, others] : lineups.parts) {
    auto const count = suspects.size();
    for (std::size_t i = 0; i < count; ++i) groups.push_back(together(ranks(suspects[i]), ranks(others[i])));
    if (others.size() >= count + 2) groups.push_back(together(ranks(others[count]), ranks(others[count + 1])));
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

/// In a round every suspect meets another one of those who are under no suspicion, and as many of these meet one
/// another: without them nobody knows what is usual.
void add_pairs(Lineup const& lineup, std::size_t round, std::vector<NodePair>& pairs) {
  auto const others = lineup.others.size(), count = lineup.suspects.size();
  if (round >= std::min(most_partners, others)) return;
  auto const other = [&](std::size_t i) { return lineup.others[(i + round) % others]; };
  for (std::size_t i = 0; i < count; ++i) pairs.emplace_back(lineup.suspects[i], other(i));
  auto const controls = std::max(count, least_controls);
  for (std::size_t i = count, made = 0; i + 1 < others && made < controls; i += 2, ++made)
    pairs.emplace_back(other(i), other(i + 1));
}

std::vector<GroupList> rounds_with_others(Lineups const& lineups) {
  std::vector<GroupList> rounds;
  auto const add = [&](std::vector<NodePair> const& pairs) {
    rounds.push_back(first_ranks(pairs, lineups.hosts));
    std::sort(rounds.back().begin(), rounds.back().end());
  };
  for (std::size_t round = 0; round < most_partners; ++round) {
    std::vector<NodePair> pairs;
    for (auto const& part : lineups.parts) add_pairs(part, round, pairs);
    if (!pairs.empty()) add(pairs);
  }
  // And suspects one another: both ends of a slow link are suspects.
  auto const& suspects = lineups.suspects;
  for (std::size_t round = 0; round < std::min(most_partners, rounds_for(suspects.size())); ++round) {
    std::vector<NodePair> pairs;
    for (auto const& [a, b] : pairs_of_round(suspects.size(), round)) pairs.emplace_back(suspects[a], suspects[b]);
    add(pairs);
  }
  return rounds;
}

GroupList within(GroupList const& groups, Lineups const& lineups) {
  std::set<std::int64_t> ranks;
  for (auto const host : lineups.looked_at())
    ranks.insert(lineups.hosts[host].ranks.begin(), lineups.hosts[host].ranks.end());
  GroupList kept;
  std::copy_if(groups.begin(), groups.end(), std::back_inserter(kept),
               [&](auto const& members) { return ranks.contains(members.front()); });
  return kept;
}

/// The distinct questions that the rounds between hosts ask.
std::vector<Case> questions_of_rounds(std::vector<Case> const& cases) {
  std::vector<Case> questions;
  for (auto const& item : cases)
    if (is_host_round(item) && item.group_kind.starts_with("hosts:0/")) questions.push_back(item);
  return questions;
}

std::vector<Case> ask_in_rounds(std::vector<Case> const& questions, std::vector<GroupList> const& rounds,
                                std::size_t first_number, std::size_t hosts) {
  std::vector<Case> cases;
  for (std::size_t round = 0; round < rounds.size(); ++round)
    for (auto item : questions) {
      item.group_kind = fmt::format("hosts:{}/{}", first_number + round, hosts);
      item.groups = rounds[round];
      cases.push_back(std::move(item));
    }
  return cases;
}

} // namespace

std::vector<Case> second_look(std::vector<Case> const& first_look, Roster const& roster,
                              std::vector<std::string> const& suspects) {
  auto const lineups = line_up(roster, suspects);
  std::vector<Case> cases;
  if (!lineups.can_compare()) return cases;
  std::set<std::string> asked;
  for (auto item : first_look) {
    if (is_host_round(item) || !is_worth_asking_again(item)) continue;
    if (item.group_kind == "rank" || item.group_kind == "node") {
      item.groups = each_alone(lineups, item.group_kind == "rank");
    } else if (is_local_round(item)) {
      item.groups = within(item.groups, lineups);
    } else if (item.group_kind == "world") {
      item.group_kind = "couples";
      item.groups = in_couples(lineups);
    } else {
      continue; // layouts over many hosts cannot be asked of a few
    }
    item.second_look = true;
    if (!item.groups.empty() && asked.insert(key(item)).second) cases.push_back(std::move(item));
  }
  for (auto& item :
       ask_in_rounds(questions_of_rounds(first_look), rounds_with_others(lineups), 0, lineups.hosts.size())) {
    item.second_look = true;
    cases.push_back(std::move(item));
  }
  return cases;
}

std::vector<Case> further_rounds(std::vector<Case> const& cases, Roster const& roster,
                                 std::vector<std::string> const& suspects) {
  std::set<std::string_view> kinds;
  for (auto const& item : cases)
    if (is_host_round(item)) kinds.insert(item.group_kind);
  auto const lineups = line_up(roster, suspects);
  if (kinds.empty() || kinds.size() >= rounds_for(lineups.hosts.size()) || !lineups.can_compare()) return {};
  return ask_in_rounds(questions_of_rounds(cases), rounds_with_others(lineups), kinds.size(), lineups.hosts.size());
}

} // namespace maru
