// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maru {

class Work;

/// Where work runs and how its time is read: the host's thread, or an accelerator's stream.
class Lane {
public:
  virtual ~Lane() = default;
  /// Runs `calls` calls back to back and returns their wall time in seconds, from the first start to the last end.
  virtual double time(Work& work, std::uint64_t calls) = 0;
  /// Seconds below which the lane's own way of timing would show in a sample; 0: its cost is that of the host's clock.
  virtual double shortest_sample() const { return 0; }
  /// Seconds of work after which the clocks of what computes are those of steady work.
  virtual double shortest_warmup() const { return 0; }
};

/// The calling thread and CLOCK_MONOTONIC.
Lane& host_lane();

/// A prepared, repeatable operation: the only thing that can be timed. Its memory is allocated and filled with random
/// data by the time it is constructed; call() allocates nothing.
class Work {
public:
  virtual ~Work() = default;
  /// One call of the operation. On the host it is over when it returns.
  virtual void call() = 0;
  /// Poisons the output, runs one call on random input and compares every element of this rank's result. Coupled
  /// operations call it on every rank of the group together. Leaves the work as ready for call() as it was.
  virtual Verification verify() = 0;
  virtual Lane& lane() { return host_lane(); }
  /// Forms of this work that are timed in turn with it, sample by sample, so that what drifts meets all alike: a part
  /// of it alone, or all but a part. Owned by this work; as many on every rank.
  virtual std::vector<Work*> beside() { return {}; }
  /// Seconds per call of its parts, where it takes them itself: means over the calls since the last time it was asked.
  /// As many on every rank; empty where there are none.
  virtual std::vector<double> take_parts() { return {}; }
  /// What answers beneath the backend, where it has a choice: a library's algorithm, a kernel's name. May be known only
  /// after the first call.
  virtual std::string implementation() const { return {}; }
  /// What a call costs, where the operation alone does not tell.
  virtual std::optional<Cost> own_cost() const { return std::nullopt; }
};

/// Seconds of CLOCK_MONOTONIC, which all ranks of one kernel share.
double monotonic_seconds();
/// Seconds since the Unix epoch.
double unix_seconds();
/// Median cost in seconds of one reading of the clock.
double clock_cost();

} // namespace maru
