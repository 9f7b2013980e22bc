// SPDX-License-Identifier: Apache-2.0
#include "bench/second_look.hpp"

#include "bench/pairing.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace maru {
namespace {

constexpr std::size_t most_partners = 8;  // of a suspect in the link map
constexpr std::size_t least_controls = 3; // so that a median of peers does not rest on the suspects alone

bool is_host_round(Case const& item) { return item.group_kind.starts_with("hosts:"); }
// Searches and tests of the measuring say nothing of a host.
bool is_worth_asking_again(Case const& item) { return item.probe != "gemm_peak" && item.probe != "spin"; }
bool is_local_round(Case const& item) { return item.group_kind.starts_with("local:"); }

/// Suspects and those who are under no suspicion, as places in the list of hosts.
struct Lineup {
  std::vector<HostRanks> hosts;
  std::vector<std::size_t> suspects, others;

  bool can_compare() const { return !suspects.empty() && !others.empty(); }
  /// The suspects and some others.
  std::vector<std::size_t> looked_at() const {
    auto result = suspects;
    auto const controls = std::min(others.size(), std::max(suspects.size(), least_controls));
    result.insert(result.end(), others.begin(), others.begin() + static_cast<std::ptrdiff_t>(controls));
    return result;
  }
};

Lineup line_up(std::vector<std::string> const& host_of_rank, std::vector<std::string> const& suspects) {
  Lineup lineup{.hosts = ranks_by_host(host_of_rank), .suspects = {}, .others = {}};
  std::set<std::string_view> const accused(suspects.begin(), suspects.end());
  for (std::size_t i = 0; i < lineup.hosts.size(); ++i)
    if (!accused.contains(lineup.hosts[i].host)) lineup.others.push_back(i);
  for (auto const& name : suspects)
    for (std::size_t i = 0; i < lineup.hosts.size() && lineup.suspects.size() < lineup.others.size(); ++i)
      if (lineup.hosts[i].host == name) lineup.suspects.push_back(i);
  return lineup;
}

std::vector<std::int64_t> together(std::vector<std::int64_t> const& a, std::vector<std::int64_t> const& b) {
  std::vector<std::int64_t> all(a);
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  return all;
}

GroupList each_alone(Lineup const& lineup, bool by_rank) {
  GroupList groups;
  for (auto const host : lineup.looked_at()) {
    auto const& ranks = lineup.hosts[host].ranks;
    if (!by_rank)
      groups.push_back(ranks);
    else
      for (auto const rank : ranks) groups.push_back({rank});
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

GroupList in_couples(Lineup const& lineup) {
  auto const ranks = [&](std::size_t place) { return lineup.hosts[place].ranks; };
  GroupList groups;
  auto const count = lineup.suspects.size();
  for (std::size_t i = 0; i < count; ++i)
    groups.push_back(together(ranks(lineup.suspects[i]), ranks(lineup.others[i])));
  if (lineup.others.size() >= count + 2)
    groups.push_back(together(ranks(lineup.others[count]), ranks(lineup.others[count + 1])));
  std::sort(groups.begin(), groups.end());
  return groups;
}

/// In each round every suspect meets another one of those who are under no suspicion, and as many of these meet one
/// another: without them nobody knows what is usual.
std::vector<GroupList> rounds_with_others(Lineup const& lineup) {
  std::vector<GroupList> rounds;
  auto const others = lineup.others.size(), count = lineup.suspects.size();
  for (std::size_t round = 0; round < std::min(most_partners, others); ++round) {
    auto const other = [&](std::size_t i) { return lineup.others[(i + round) % others]; };
    std::vector<NodePair> pairs;
    for (std::size_t i = 0; i < count; ++i) pairs.emplace_back(lineup.suspects[i], other(i));
    auto const controls = std::max(count, least_controls);
    for (auto i = count; i + 1 < others && pairs.size() < count + controls; i += 2)
      pairs.emplace_back(other(i), other(i + 1));
    rounds.push_back(first_ranks(pairs, lineup.hosts));
    std::sort(rounds.back().begin(), rounds.back().end());
  }
  // And suspects one another: both ends of a slow link are suspects.
  for (std::size_t round = 0; round < std::min(most_partners, rounds_for(count)); ++round) {
    std::vector<NodePair> pairs;
    for (auto const& [a, b] : pairs_of_round(count, round)) pairs.emplace_back(lineup.suspects[a], lineup.suspects[b]);
    rounds.push_back(first_ranks(pairs, lineup.hosts));
    std::sort(rounds.back().begin(), rounds.back().end());
  }
  return rounds;
}

GroupList within(GroupList const& groups, Lineup const& lineup) {
  std::set<std::int64_t> ranks;
  for (auto const host : lineup.looked_at())
    ranks.insert(lineup.hosts[host].ranks.begin(), lineup.hosts[host].ranks.end());
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

std::vector<Case> second_look(std::vector<Case> const& first_look, std::vector<std::string> const& host_of_rank,
                              std::vector<std::string> const& suspects) {
  auto const lineup = line_up(host_of_rank, suspects);
  std::vector<Case> cases;
  if (!lineup.can_compare()) return cases;
  std::set<std::string> asked;
  for (auto item : first_look) {
    if (is_host_round(item) || !is_worth_asking_again(item)) continue;
    if (item.group_kind == "rank" || item.group_kind == "node") {
      item.groups = each_alone(lineup, item.group_kind == "rank");
    } else if (is_local_round(item)) {
      item.groups = within(item.groups, lineup);
    } else if (item.group_kind == "world") {
      item.group_kind = "couples";
      item.groups = in_couples(lineup);
    } else {
      continue; // layouts over many hosts cannot be asked of a few
    }
    item.second_look = true;
    if (!item.groups.empty() && asked.insert(key(item)).second) cases.push_back(std::move(item));
  }
  for (auto& item :
       ask_in_rounds(questions_of_rounds(first_look), rounds_with_others(lineup), 0, lineup.hosts.size())) {
    item.second_look = true;
    cases.push_back(std::move(item));
  }
  return cases;
}

std::vector<Case> further_rounds(std::vector<Case> const& cases, std::vector<std::string> const& host_of_rank,
                                 std::vector<std::string> const& suspects) {
  std::set<std::string_view> kinds;
  for (auto const& item : cases)
    if (is_host_round(item)) kinds.insert(item.group_kind);
  auto const lineup = line_up(host_of_rank, suspects);
  if (kinds.empty() || kinds.size() >= rounds_for(lineup.hosts.size()) || !lineup.can_compare()) return {};
  return ask_in_rounds(questions_of_rounds(cases), rounds_with_others(lineup), kinds.size(), lineup.hosts.size());
}

} // namespace maru
