// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

namespace maru {

/// Fills Record::ceiling of every timed record of a device, anew: what its rate is a part of. Pure. Which rate against
/// which figure of the table of peaks:
/// - gemm and tensor_issue: operations per second; the dense rate of the input's type, summed over the group's devices
/// - read, write, copy, scale, add, triad in device memory: bytes per second; the memory's bandwidth, likewise. Nothing
///   for the second-level cache, of which no datasheet speaks.
/// - host_to_device, device_to_host: the host link in one direction; both_ways: in both
/// - peer, and collectives whose ranks share one host: bus bandwidth, that is per device; NVLink in one direction.
/// Above
///   1 where the switches add up: the bus factor counts what a ring would carry (nccl-tests' doc/PERFORMANCE.md).
///   Nothing where a device has no link up.
///
/// `issue` is the rate of the tensor_issue record of the same rank and type in the same report, the fastest where there
/// are several; contended ones and rehearsals do not count. Its clock may differ from the gemm's, so it is scaled by
/// the ratio of the two mean clocks where both are known; where not, it stands as it was measured. of_issue is then
/// free of the clock.
///
/// `clock_share` may exceed 1, since devices run above the clock that their datasheets' tensor rates stand for.
/// of_datasheet = clock_share · issue_share · memory_share, where all are known; the last equals of_issue, and holds
/// everything that instructions alone do not lose: memory traffic, tails, launches. A tensor_issue record has the first
/// two.
///
/// No ceiling on rehearsals, on what hosts compute, and where nothing at all is known.
void add_ceilings(Report& report);

} // namespace maru
