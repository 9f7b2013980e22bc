// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <vector>

namespace maru {

/// The link maps of a report: latency (half a ping_pong's time) and bandwidth (send, in each direction), between hosts
/// and between the ranks within hosts, for each backend. Where a rank came late, the time from the last arrival counts,
/// so that a late rank makes no slow link. Doubtful records are left out.
///
/// In each map log(value/usual) = out[from] + in[to] + rest, fitted by medians in turn (Tukey's median polish, 1977, on
/// the pairs that there are), so that one slow link changes neither of its ends, and one slow host changes only itself.
/// It needs four nodes to tell the two apart: with three, each end has but two links.
/// Of first looks, or of second looks alone. Every number in them is finite, whatever the report holds. Pure.
std::vector<LinkMap> link_maps(Report const& report, bool second_look = false);

constexpr std::size_t least_nodes = 4;

} // namespace maru
