// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock_sync.hpp"
#include "core/report.hpp"
#include "core/work.hpp"
#include "core/world.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace maru {

/// One rank's part of the sample: when it entered and left each call, on rank 0's clock.
struct RankArrivals {
  std::vector<double> entered, left;
  std::vector<double> missed; ///< 1 where it was still busy when the iteration was to begin
  double clock_error = 0;
};

/// Who arrives last, from the members' parts, numbers and hosts (each by index in the group). Pure.
/// Each iteration was to begin at one agreed time on every rank, so that lateness is the rank's own doing and not the
/// echo of the call before. A rank is named only if it is the
/// last more often than chance would have it (p < 0.001), and later than lateness_error and 5 % of the transfer.
Arrival judge_arrivals(std::vector<RankArrivals> const& parts, std::vector<std::int64_t> const& members,
                       std::vector<std::string> const& hosts);

/// Runs `iterations` calls of a coupled operation, each begun at an agreed time `period` seconds after the last.
/// `touch` is called before each. The group's leader returns the judgement, the others nothing. Collective over the
/// group.
std::optional<Arrival> sample_arrivals(World& group, Work& work, ClockFit const& clock, int world_rank, int iterations,
                                       double period, std::vector<std::int64_t> const& members,
                                       std::vector<std::string> const& hosts,
                                       std::function<void()> const& touch);

} // namespace maru
