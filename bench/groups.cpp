// SPDX-License-Identifier: Apache-2.0
#include "bench/groups.hpp"

#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace maru {
namespace {

constexpr std::string_view split_prefix = "split:", blocks_prefix = "blocks:";
constexpr std::int64_t most_parts = 1 << 20;

std::int64_t split_count(std::string_view kind, std::int64_t most) {
  return parse_integer(kind.substr(split_prefix.size()), "--groups split", 1, most);
}

std::int64_t block_size(std::string_view kind) {
  return parse_integer(kind.substr(blocks_prefix.size()), "--groups blocks", 1, most_parts);
}

template <class Key> GroupList group_by(std::int64_t ranks, Key key) {
  std::map<decltype(key(0)), std::size_t> places; // groups in the order of their first rank
  GroupList groups;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    auto const [place, fresh] = places.try_emplace(key(rank), groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(rank);
  }
  return groups;
}

} // namespace

void check_group_kind(std::string_view kind) {
  if (kind == "rank" || kind == "world" || kind == "node" || kind == "pairs") return;
  if (kind.starts_with(split_prefix)) {
    split_count(kind, most_parts);
    return;
  }
  if (kind.starts_with(blocks_prefix)) {
    block_size(kind);
    return;
  }
  throw Error(Exit::usage, unknown("group", kind, {"world", "node", "pairs", "split:K", "blocks:K"}));
}

GroupList make_groups(std::string_view kind, std::vector<std::string> const& host_of_rank) {
  check_group_kind(kind);
  auto const ranks = static_cast<std::int64_t>(host_of_rank.size());
  if (kind == "rank") return group_by(ranks, [](std::int64_t rank) { return rank; });
  if (kind == "world") return group_by(ranks, [](std::int64_t) { return 0; });
  if (kind == "node")
    return group_by(ranks, [&](std::int64_t rank) { return host_of_rank[static_cast<std::size_t>(rank)]; });
  if (kind == "pairs") return group_by(ranks, [](std::int64_t rank) { return rank / 2; });
  if (kind.starts_with(blocks_prefix)) {
    auto const size = block_size(kind);
    return group_by(ranks, [=](std::int64_t rank) { return rank / size; });
  }
  auto const parts = split_count(kind, ranks);
  return group_by(ranks, [&](std::int64_t rank) { return rank % parts; });
}

std::size_t group_of(GroupList const& groups, std::int64_t rank) {
  auto const found = std::find_if(groups.begin(), groups.end(), [&](auto const& members) {
    return std::binary_search(members.begin(), members.end(), rank);
  });
  return static_cast<std::size_t>(found - groups.begin());
}

} // namespace maru
