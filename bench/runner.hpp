// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/plan.hpp"
#include "core/error.hpp"
#include "core/module.hpp"
#include "core/report.hpp"
#include "core/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace maru {

struct RunOptions {
  Plan plan;
  std::string out;                     ///< folder of the run's files
  std::vector<std::string> files = {}; ///< names of those that publish writes there
  bool resume = false;                 ///< go on with the run that `out` holds
  bool overwrite = false;              ///< replace the run that `out` holds
  bool force = false;                  ///< time although the wiring check objects; the objections go into the report
  bool rehearse = false;               ///< ranks may share devices; proves the code and measures nothing
  std::string cluster = {};            ///< what the report calls it
  double watchdog = 60;                ///< seconds; 0 switches it off
};

/// Where a run stands, on rank 0.
struct Progress {
  std::string what; ///< probe and case
  std::size_t done = 0, total = 0;
  double seconds_left = 0; ///< an estimate; 0 while there is none
};

enum class Suspicion { network, any };

struct RunHooks {
  /// Rank 0: puts the run's files in place. Called at the end, and before that from the watchdog's thread when the
  /// run is being stopped; never twice at the same time.
  std::function<void(Report const&)> publish;
  std::function<void(Progress const&)> progress; ///< rank 0
  std::function<void(std::string const&)> alarm; ///< the watchdog's last words, on whichever rank saw it
  /// Rank 0: hosts that the results so far speak against, worst first. Null: nobody is ever under suspicion.
  std::function<std::vector<std::string>(Report const&, Suspicion)> suspects = {};
  std::function<void(std::string const&)> outlook = {}; ///< rank 0: a line on what is about to begin
  /// Rank 0, before anything is measured: a report with a record for each group of each case, as full as it may become.
  /// Null: nobody wants to know. May throw Error(usage) to refuse the run.
  std::function<void(Report const&)> planned = {};
  /// Rank 0, between cases: whether to be shown the report so far, and that report.
  std::function<bool()> wants_look = {};
  std::function<void(Report const&)> look = {};
};

struct RunResult {
  Report report; ///< complete on rank 0, empty elsewhere
  Exit code = Exit::good;
};

/// Runs the plan on every rank of the world. Collective. Throws Error on every rank alike when it cannot begin.
RunResult run_plan(World& world, RunOptions const& options, Equipment const& equipment, RunHooks const& hooks);

/// Exit code of a run: wrong results, then what failed or was interrupted, else good. A budget that ran out is not a
/// failure: it was asked for, and the report lists what it cut.
Exit exit_code(Report const& report, bool interrupted);

/// The plan of the run in a folder, from its journal. Throws Error(usage).
Plan plan_of_journal(std::string const& directory);

} // namespace maru
