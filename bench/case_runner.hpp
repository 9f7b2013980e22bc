// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/groups.hpp"
#include "bench/measure.hpp"
#include "bench/observe.hpp"
#include "bench/probe.hpp"
#include "core/clock_sync.hpp"
#include "core/report.hpp"
#include "core/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace maru {

/// The operation as a group of so many ranks does it, each with so many threads and so much memory for itself.
Operation for_group(Operation operation, std::size_t group_size, int threads, std::int64_t memory_bytes);

/// What stays the same over the cases of a run, on one rank.
struct CaseSurroundings {
  World& world;
  std::vector<std::string> host_of_rank;
  std::vector<std::int64_t> number_of_rank; ///< what the report calls each rank: a run that is gone on with on fewer
                                            ///< hosts keeps the numbers that it began with
  Equipment const& equipment;
  int threads = 1;
  std::int64_t memory_bytes = 0; ///< that a rank may use, on every rank the same; 0: not known
  bool rehearsal = false;        ///< ranks share devices
  bool check = true;
  std::uint64_t seed = 1;
  double run_started = 0;                       ///< on rank 0's CLOCK_MONOTONIC
  std::function<void(std::string const&)> step; ///< called before everything that might hang
  std::function<void()> touch;                  ///< called while a long step moves on
  std::function<bool()> stop_requested;
};

/// The ranks of a group, by their index in it.
struct Members {
  std::vector<std::int64_t> numbers; ///< what the report calls them
  std::vector<std::string> hosts;
  /// "rank 3 on h1: "
  std::string introduce(std::size_t index) const;
};

struct CaseOutcome {
  bool interrupted = false;
  std::vector<Record> records; ///< on rank 0: one of each group; elsewhere empty
};

/// Runs cases, one at a time, on all ranks together. Every public function is collective over the world.
class CaseRunner {
public:
  explicit CaseRunner(CaseSurroundings surroundings);

  CaseOutcome run(Case const& item, Effort const& effort);

  /// Compares the clocks again and joins the result to what is known.
  void synchronize_clocks();
  /// Same on every rank.
  ClockQuality clock_quality();

private:
  struct Grouping {
    GroupList groups;
    std::size_t mine = 0; ///< beyond the groups for a rank that stands aside
    std::unique_ptr<World> world;
    Members members; ///< of mine
    bool takes_part() const { return mine < groups.size(); }
  };
  Grouping& grouping(Case const& item);
  Grouping make_grouping(GroupList groups, bool coupled);
  Record begin_record(Case const& item, Operation const& operation, Grouping const& grouping) const;
  std::unique_ptr<Work> prepare(Case const& item, Operation const& operation, Grouping& grouping, Record& record);
  void sample_arrivals_of(Record& record, Work& work, Grouping& grouping, Effort const& effort, double left);
  bool deserves_closer_look(Case const& item, GroupList const& groups);
  void look_closer(Record& record, Work& work, Team const& team, Conditions& conditions, double seconds);
  void finish_record(Record& record, Measured const& measured, Grouping& grouping);

  CaseSurroundings here_;
  Observer observer_;
  std::map<std::string, double> looked_at_;   ///< by kind of question: the largest work of a call
  std::map<std::string, Grouping> groupings_; ///< those that a kind stands for, kept
  std::string latest_kind_;                   ///< of the one whose groups a case gave by itself:
  Grouping latest_;                           ///< the next such kind takes its place
  ClockFit clock_;
  bool clock_known_ = false;
  double worst_residual_ = 0;
};

} // namespace maru
