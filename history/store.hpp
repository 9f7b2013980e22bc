// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "history/damaged.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

class Database;

/// What a value was made with. Empty where it does not apply (the driver, for a host's own figures) or is not known.
struct Software {
  std::string driver; ///< of the accelerator, with its runtime's version
  std::string kernel; ///< the operating system's
  std::string mpi;
  std::string maru;
  bool operator==(Software const&) const = default;
};

struct RunEntry {
  std::string run; ///< RunInfo::id
  std::string cluster;
  double at = 0; ///< when it started: seconds since the Unix epoch, to the millisecond
  std::string plan, plan_digest;
  Software software;
  std::int64_t hosts = 0, ranks = 0, values = 0;
  bool complete = false;
};

/// The values of one metric at one place.
struct Series {
  std::int64_t id = 0; ///< of this database
  std::string cluster, metric, unit;
  bool higher_is_better = true;
  std::string host;             ///< "*" for several together
  std::int64_t local_rank = -1; ///< -1 where several ranks answered together
  std::int64_t ranks = 1;
  std::int64_t threads = 0; ///< of the only rank, where the host computes; 0 otherwise
  std::string model, device_uuid;
};

struct Point {
  std::int64_t run = 0; ///< of this database; the order in which runs were added
  double at = 0;
  double value = 0;
  std::optional<Interval> ci;
  std::int64_t software = 0; ///< equal numbers for equal software
  bool doubtful = false;
};

/// Empty fields filter nothing.
struct RunFilter {
  std::string cluster;
  std::int64_t limit = 0; ///< the latest; 0 for all
};
struct SeriesFilter {
  std::string cluster;
  std::string host;
  std::string device;              ///< a device's UUID, or how it begins
  std::vector<std::string> metric; ///< words that the metric's name holds
};

enum class Added {
  fresh,     ///< it was not known before
  again,     ///< nothing was changed, for this run is known
  completed, ///< takes the place of the same run, added while it was incomplete
  nothing,   ///< nothing was changed, for it holds no figure to keep
};

/// The history of many runs: one SQLite file. Any number of processes of one host may read and write it at once; an
/// addition is there as a whole or not at all. Errors are those of history/sqlite.hpp: one line that begins with the
/// path.
class History {
public:
  enum class Access { read, write };
  /// `write` creates the file and brings it up to this program's schema; `read` refuses a file that is not there.
  History(std::string const& path, Access access);
  ~History();
  History(History&&) noexcept;
  History& operator=(History&&) noexcept;

  /// Keeps what kept() (core/kept.hpp) finds, and who measured it with what. Needs Access::write. Throws Error(usage)
  /// for a report without a run's id.
  Added add(Report const& report, std::string_view cluster);

  /// The latest first.
  std::vector<RunEntry> runs(RunFilter const& filter = {}) const;
  std::int64_t count_runs(std::string const& cluster = {}) const;
  std::vector<std::string> clusters() const;
  /// By metric, cluster, host, local rank.
  std::vector<Series> series(SeriesFilter const& filter = {}) const;
  std::vector<std::string> hosts() const;

  /// In the order of time; `last` > 0 keeps the latest only. Doubtful ones are left out unless wanted.
  std::vector<Point> points(Series const& series, std::int64_t last = 0, bool doubtful = false) const;
  Software software(std::int64_t id) const;
  RunEntry run(std::int64_t id) const;

  /// What is wrong with the file, a line each; empty when all is well. Reads all of it.
  std::vector<std::string> check() const;

  Database& database() const { return *database_; } ///< for this folder only

private:
  std::unique_ptr<Database> database_;
};

} // namespace maru
