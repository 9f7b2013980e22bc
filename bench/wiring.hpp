// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/rank_facts.hpp"

#include <string>
#include <vector>

namespace maru {

/// This rank's own facts, its device left out (claim_device). Its place in the world is filled in by assemble().
RankFacts gather_own_facts(int rank, std::string const& plan_digest);

/// The same without what hwloc tells (processors, caches, bindings): `usable_cpus` is empty. Asks nothing that may
/// hang.
RankFacts name_own_facts(int rank, std::string const& plan_digest);

/// What is wrong with how the job was put together, one line each with the host named; empty when it may be timed.
/// Pure. Looks for: ranks that do not find one another, versions or plans that differ, two machines of one name, one
/// process twice, uneven hosts, devices that are missing or used twice, CPU bindings that overlap or are too small. In
/// a rehearsal ranks may share a device.
std::vector<std::string> check_wiring(std::vector<RankFacts> const& facts, bool rehearsal = false);

/// What is no fault, but whoever reads the numbers has to know: ranks that share hardware threads. Pure.
std::vector<std::string> note_wiring(std::vector<RankFacts> const& facts);

/// Fills in local ranks, threads and bindings; lists each host once, in the order of its first rank. Pure.
struct Wired {
  std::vector<RankInfo> ranks;
  std::vector<HostInfo> hosts;
  DeviceShare device;
  std::int64_t stream_bytes = 0; ///< per array and rank: 4 times the last-level caches over the ranks of a host
  std::int64_t memory_bytes = 0; ///< per rank: of a host, divided by its ranks; the least of all, 0 when not known
};
Wired wire(std::vector<RankFacts> const& facts);

} // namespace maru
