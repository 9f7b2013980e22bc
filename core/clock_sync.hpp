// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "core/world.hpp"

#include <string>

namespace maru {

/// How this rank's CLOCK_MONOTONIC maps to rank 0's: rank 0's time = mine + offset + drift · (mine − measured_at).
struct ClockFit {
  double measured_at = 0; ///< by my clock, seconds
  double offset = 0;      ///< seconds
  double error = 0;       ///< seconds, bound of the offset at measured_at
  double drift = 0;       ///< seconds per second
  double drift_error = 0; ///< seconds per second
  bool same_clock = true; ///< whether the whole way to rank 0 runs over one kernel's clock

  double to_rank0(double mine) const { return mine + offset + drift * (mine - measured_at); }
  double from_rank0(double theirs) const;
  double error_at(double mine) const;
};

/// One offset measurement. Rank r ≥ 2^k learns it from rank r − 2^k in round k, so there are ⌈log2 N⌉ rounds; in each,
/// `exchanges` ping-pongs, of which the one with the shortest round trip counts, and half that round trip is the error
/// bound (Cristian 1989). Errors add up along the way to rank 0. Ranks that name the same clock_id read the same
/// kernel's clock: their offset is 0 by definition, the round trip still measured and kept as the error.
ClockFit measure_clock(World& world, std::string const& clock_id, int exchanges = 60);

/// Joins a new measurement to the earlier fit: the drift follows from the two offsets. `residual` is the new offset
/// less what the earlier fit foretold.
ClockFit join(ClockFit const& earlier, ClockFit const& now, double& residual);

/// Names the clock that this process reads: the kernel's boot id and the time namespace.
std::string kernel_clock_id();

/// Worst over the world, the same on every rank.
ClockQuality clock_quality(World& world, ClockFit const& fit, double residual);

} // namespace maru
