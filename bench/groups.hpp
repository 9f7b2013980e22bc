// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The groups of one kind: disjoint lists of world ranks, ascending.
using GroupList = std::vector<std::vector<std::int64_t>>;

/// "rank" every rank alone; "world" all; "node" the ranks of each host; "pairs" (0,1) (2,3) …; "split:K" the ranks
/// whose number leaves the same remainder by K (on hosts of K GPUs: the rails); "blocks:K" K neighbours each. Every
/// rank is in exactly one group of a kind; the last of an odd number is a pair of one, and the last block may be
/// smaller: these can only be skipped. Throws Error(usage) for another kind, or a K of split outside 1 … ranks.
GroupList make_groups(std::string_view kind, std::vector<std::string> const& host_of_rank);

/// Throws Error(usage) when make_groups would not know the kind.
void check_group_kind(std::string_view kind);

/// Index of the group that holds the rank.
std::size_t group_of(GroupList const& groups, std::int64_t rank);

} // namespace maru
