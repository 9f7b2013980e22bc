// SPDX-License-Identifier: Apache-2.0
#include "bench/pairing.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace maru {

std::size_t rounds_for(std::size_t nodes) { return nodes < 2 ? 0 : nodes - 1 + nodes % 2; }

std::vector<NodePair> pairs_of_round(std::size_t nodes, std::size_t round) {
  std::vector<NodePair> pairs;
  auto const turning = rounds_for(nodes); // an odd number gets a node that is not there: whoever meets it rests
  if (turning == 0) return pairs;
  auto const add = [&](std::size_t a, std::size_t b) {
    if (std::max(a, b) < nodes) pairs.emplace_back(std::min(a, b), std::max(a, b));
  };
  add(round % turning, turning);
  for (std::size_t k = 1; k <= turning / 2; ++k) add((round + k) % turning, (round + turning - k) % turning);
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<std::size_t> choose_rounds(std::size_t nodes, std::size_t full) {
  auto const all = rounds_for(nodes);
  auto wanted = all;
  if (nodes > full) wanted = std::min(all, static_cast<std::size_t>(std::ceil(2 * std::log2(static_cast<double>(nodes)))));
  std::vector<std::size_t> rounds;
  for (std::size_t i = 0; i < wanted; ++i) rounds.push_back(i * all / wanted);
  return rounds;
}

std::vector<HostRanks> ranks_by_host(std::vector<std::string> const& host_of_rank) {
  std::vector<HostRanks> hosts;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t rank = 0; rank < host_of_rank.size(); ++rank) {
    auto const [place, fresh] = places.try_emplace(host_of_rank[rank], hosts.size());
    if (fresh) hosts.push_back({host_of_rank[rank], {}});
    hosts[place->second].ranks.push_back(static_cast<std::int64_t>(rank));
  }
  return hosts;
}

GroupList first_ranks(std::vector<NodePair> const& pairs, std::vector<HostRanks> const& hosts) {
  GroupList groups;
  for (auto const& [a, b] : pairs) {
    auto const x = hosts[a].ranks.front(), y = hosts[b].ranks.front();
    groups.push_back({std::min(x, y), std::max(x, y)});
  }
  return groups;
}

} // namespace maru
