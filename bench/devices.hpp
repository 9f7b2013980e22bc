// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/module.hpp"
#include "core/rank_facts.hpp"
#include "core/world.hpp"

#include <string>
#include <vector>

namespace maru {

/// This rank's place among the ranks of its host, by rank. Collective.
std::int64_t local_rank(World& world, std::string const& host);

/// Takes the device for this rank into use and notes it in its facts: the only one that it sees, otherwise the one of
/// its place on the host. In a rehearsal the ranks go round when there are more of them than devices. Where there is
/// none for it, `device_reason` says why; nothing is thrown, since the ranks are judged together.
void claim_device(Equipment const& equipment, std::int64_t local_rank, bool rehearsal, RankFacts& facts);

/// What is wrong with the ranks' devices, one line each. Pure.
std::vector<std::string> check_devices(std::vector<RankFacts> const& facts, bool rehearsal);
/// What is no fault, but has to be known: idle devices, drivers that differ. Pure.
std::vector<std::string> note_devices(std::vector<RankFacts> const& facts);

/// The least that every rank can count on. Pure.
DeviceShare share_devices(std::vector<RankFacts> const& facts);

} // namespace maru
