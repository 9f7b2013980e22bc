// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/probe.hpp"
#include "bench/runner.hpp"
#include "bench/watchdog.hpp"
#include "core/journal.hpp"
#include "core/rank_facts.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace maru {

/// What rank 0 decides before each case, for all.
struct Directive {
  enum Action : std::int32_t { measure, pass_over, stop } action = measure;
  std::int32_t synchronize = 0; ///< whether to compare the clocks first
  double case_budget = 0;       ///< seconds
};

/// Also what a killed rank looks like: the launcher then sends the others a SIGTERM.
constexpr char const* stopped_by_signal = "stopped by a signal, sent to the job or by the launcher when a rank died";

/// Rank 0's books of a run: the report as it grows, the journal, the budget. The main thread and the watchdog's thread
/// both come here.
class RunState {
public:
  RunState(RunOptions const& options, RunHooks const& hooks);

  /// Identity and start: those of the journal when resuming, otherwise new. Throws Error(usage).
  void load();
  std::string const& run_id() const { return report_.run.id; }
  double started_monotonic() const { return started_monotonic_; }

  /// Before the watchdog starts: facts of the ranks, and objections that were overruled.
  void set_ranks(std::vector<RankInfo> ranks, std::vector<HostInfo> hosts, std::vector<std::string> const& objections,
                 std::vector<std::string> const& notes, std::string launcher, std::string mpi);
  /// What the report calls each rank of this launch; known after set_ranks.
  std::vector<std::int64_t> const& numbers() const { return numbers_; }

  /// Makes the folder and begins or goes on with the journal. Throws Error(usage).
  void open(std::size_t cases);

  /// A search goes on: so many more cases.
  void expect(std::size_t cases);
  /// Work per second that was measured for it, the mean over its groups; 0 when there is none.
  double rate_of(Case const& item) const;

  Directive decide(Case const& item);
  /// Journal first, then the report. Throws Error(incomplete) when the journal cannot be written.
  void add(Case const& item, std::vector<Record> records);
  void set_clock(ClockQuality const& clock);
  void add_note(std::string text);
  void finish(bool interrupted);
  void publish();
  Report report() const;

  /// The report as far as it is known, from the watchdog's thread, or from a rank 0 that fails. The first reason
  /// stands; a later call writes anew only when it knows of ranks that are lost.
  void publish_unfinished(std::string const& reason, std::vector<MissingRank> const& missing = {});

private:
  /// Why the budget has no room for this case; empty when it has.
  std::string why_cut(Case const& item, double left) const;
  void remember_pace(Case const& item, std::vector<Record> const& records);
  void cut(Case const& item, std::string reason);
  void clear_folder() const;
  void recall_absent_hosts();
  void show_progress(Case const& item);

  RunOptions const& options_;
  RunHooks const& hooks_;
  mutable std::mutex mutex_; ///< guards report_
  std::mutex publish_mutex_; ///< one writer of files at a time
  std::optional<std::string> unfinished_reason_; ///< once an unfinished report was written
  bool finished_ = false;
  Report report_;
  std::optional<Journal> journal_;
  std::set<std::string> closed_;
  /// Of an operation's latest case: work per second, and how much work a call was.
  struct Pace {
    double per_second, amount;
  };
  std::map<std::string, Pace> pace_;
  std::vector<Record> resumed_;
  std::vector<LostRank> lost_before_; ///< what the report that is gone on with says of ranks that it lost
  std::vector<std::int64_t> numbers_;
  JournalHeader begun_;
  double started_monotonic_ = 0; ///< of the run, before any resuming
  double resumed_at_ = 0;        ///< of this process; the budget counts from here
  double synchronized_at_ = 0;
  std::size_t done_ = 0, total_ = 0, measured_ = 0;
};

} // namespace maru
