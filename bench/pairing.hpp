// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/groups.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace maru {

/// Two nodes, the lower first.
using NodePair = std::pair<std::size_t, std::size_t>;

/// Rounds in which every pair of so many nodes meets once: one less than there are, or as many where that is odd.
std::size_t rounds_for(std::size_t nodes);
/// Who meets whom in one of them: a 1-factor of the complete graph by the circle method (Kirkman 1847). Each node is in
/// one pair, or in none once where their number is odd.
std::vector<NodePair> pairs_of_round(std::size_t nodes, std::size_t round);
/// All rounds for up to `full` nodes; for more about 2·log2(nodes) of them, evenly spread, so that what a node has to
/// do hardly grows with their number.
std::vector<std::size_t> choose_rounds(std::size_t nodes, std::size_t full);

/// The distinct hosts, in the order of their first ranks, and the ranks of each.
struct HostRanks {
  std::string host;
  std::vector<std::int64_t> ranks;
};
std::vector<HostRanks> ranks_by_host(std::vector<std::string> const& host_of_rank);

/// The first ranks of the hosts of each pair, as groups.
GroupList first_ranks(std::vector<NodePair> const& pairs, std::vector<HostRanks> const& hosts);

} // namespace maru
