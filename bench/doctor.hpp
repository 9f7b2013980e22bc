// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkup.hpp"
#include "core/rank_facts.hpp"
#include "core/world.hpp"

#include <string>
#include <vector>

namespace maru {

/// This rank's clocks against rank 0's, into its setup. Collective.
void compare_clocks(World& world, std::string const& clock_id, HostSetup& setup);

/// Judges how the hosts of a job are set up, from what every rank found, by rank. Ranks of one host are taken together:
/// its first rank speaks, and the devices are those of all. Pure. Requires as many setups as facts, at least one.
Checkup examine(std::vector<RankFacts> const& facts, std::vector<HostSetup> const& setups);

} // namespace maru
