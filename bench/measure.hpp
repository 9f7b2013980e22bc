// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "core/work.hpp"
#include "core/world.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace maru {

/// How long to measure one case.
struct Effort {
  double precision = 0.01;             ///< stop when the median's 95 % half width is within this part of it
  std::uint64_t max_iterations = 1000; ///< calls, warm-up included; on devices samples, their warm-up left out
  double shortest_sample = 0; ///< seconds; 0: as long as this rank's clock asks for. The group's largest counts
  double case_budget = 10;    ///< seconds for one case, by rank 0's clock
  std::optional<std::uint64_t> iterations = {}; ///< -n: exactly so many calls
  std::optional<std::uint64_t> warmup = {};     ///< -w: exactly so many calls
};

/// Who measures together. `world` agrees on going on; `group` are the ranks coupled by the operation (a world of one
/// where the operation has no partners).
struct Team {
  World& world;
  World& group;
  int world_rank = 0;
  bool coupled = false;
};

struct Measured {
  std::vector<double> samples;             ///< seconds per call; coupled: the maximum over the group of each sample
  std::vector<double> own;                 ///< this rank's own seconds per call, same length
  std::vector<double> begun;               ///< CLOCK_MONOTONIC of this rank at the start of each sample
  std::vector<std::vector<double>> beside; ///< by Work::beside(): its seconds per call in the same turns, as samples
  std::vector<std::vector<double>> parts;  ///< by Work::take_parts(): likewise
  std::uint64_t calls_per_sample = 1;
  Stop stop = Stop::converged;
};

/// Times `work` on every rank of the world. A rank whose group has nothing to time passes null and only takes part in
/// the agreement. Warm-up goes on until two following estimates agree within 2 %. A sample is as many calls as keep
/// the clock's own cost under 0.1 %. After each batch of samples the ranks agree whether to go on: a group that knows
/// enough goes on while another does not, as long as its own allowance lasts, so that the load stays what was asked
/// for. Each sample of a work with others beside it is taken after one of each of these, every one from a barrier of
/// the group on. `step` is called before each batch; `stop_requested` is this rank's wish to end (a signal).
Measured measure(Team const& team, Work* work, Effort const& effort, std::function<void()> const& step,
                 std::function<bool()> const& stop_requested);

/// Whether enough is known: the interval exists and is narrow enough.
bool is_precise(std::vector<double> const& samples, double precision);

} // namespace maru
