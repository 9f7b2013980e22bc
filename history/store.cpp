// SPDX-License-Identifier: Apache-2.0
#include "history/store.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/kept.hpp"
#include "history/file_system.hpp"
#include "history/schema.hpp"
#include "history/time.hpp"

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

// SQLite refuses a change of the journal at once while another process makes the same change, without its usual wait.
void set_journal(Database& database, char const* sql, std::string_view wanted) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    try {
      if (database.text(sql) == wanted) return;
      throw Error(Exit::incomplete, fmt::format("{}: the journal cannot be set to {}", database.path(), wanted));
    } catch (Locked const&) {
      if (std::chrono::steady_clock::now() > until) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void prepare_to_write(Database& database) {
  if (database.read_only()) throw Error(Exit::incomplete, database.path() + ": the file can only be read");
  require_ours(database, migrations()); // before anything is changed
  if (on_network_file_system(database.path())) {
    set_journal(database, "PRAGMA journal_mode = DELETE", "delete");
    database.run("PRAGMA synchronous = FULL");
  } else {
    set_journal(database, "PRAGMA journal_mode = WAL", "wal");
    // A cut of power may lose the latest additions, which can be added again; it damages nothing.
    database.run("PRAGMA synchronous = NORMAL");
  }
  migrate(database, migrations());
}

// Without the right to write beside the file there can be no shared memory for the log. Where there is no log either,
// nobody is writing, and it can be read without locks.
bool lies_still(std::string const& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  return is_file(path) && ::access(folder.c_str(), W_OK) != 0 && !is_file(path + "-wal") && !is_file(path + "-journal");
}

std::unique_ptr<Database> open_to_read(std::string const& path) {
  try {
    auto database = std::make_unique<Database>(path, Database::Mode::read);
    database->number("SELECT count(*) FROM sqlite_master");
    return database;
  } catch (Damaged const&) {
    throw;
  } catch (Error const&) {
    if (!lies_still(path)) throw;
    return std::make_unique<Database>(path, Database::Mode::immutable);
  }
}

/// A row that is looked for, and made where there is none.
class Row {
public:
  Row(Database& database, char const* find, char const* insert)
      : database_(&database), find_(database, find), insert_(database, insert) {}
  template <class... Values> std::int64_t operator()(Values const&... values) {
    if (auto const id = find_(values...).one()) return *id;
    insert_(values...).step();
    return database_->last_row();
  }

private:
  Database* database_;
  Statement find_, insert_;
};

/// Writes the rows of one report.
class Writer {
public:
  Writer(Database& database, RunInfo const& run, Kept const& all, std::string_view cluster_name)
      : database_(database), run_(run), all_(all), at_(to_milliseconds(run.started)),
        cluster_(Row(database, "SELECT id FROM cluster WHERE name = ?",
                     "INSERT INTO cluster (name) VALUES (?)")(cluster_name)),
        metrics_(all.metrics.size()), places_(all.places.size()) {}

  void run(Report const& report) {
    Row plan(database_, "SELECT id FROM plan WHERE name = ? AND digest = ?",
             "INSERT INTO plan (name, digest) VALUES (?, ?)");
    Statement(database_, "INSERT INTO run (name, cluster, at, plan, software, hosts, ranks, measured, complete) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")(
        run_.id, cluster_, at_, plan(run_.plan, run_.plan_digest), software(all_.driver, all_.kernel),
        static_cast<std::int64_t>(report.hosts.size()), static_cast<std::int64_t>(report.ranks.size()),
        static_cast<std::int64_t>(all_.values.size()), run_.complete)
        .step();
  }

  void values() {
    auto const run = database_.last_row();
    Row series(database_, "SELECT id FROM series WHERE place = ? AND metric = ?",
               "INSERT INTO series (place, metric) VALUES (?, ?)");
    Statement insert(database_, "INSERT INTO value (series, at, run, software, doubtful, value, low, high) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (auto const& value : all_.values) {
      auto const& [place, with] = place_of(value.place);
      std::optional<double> low, high;
      if (value.ci) low = value.ci->low, high = value.ci->high;
      insert(series(place, metric_of(value.metric)), at_, run, with, value.doubtful, value.value, low, high).step();
    }
  }

private:
  struct Known {
    std::int64_t place = 0, software = 0; ///< 0: not looked for yet
  };

  std::int64_t software(std::string const& driver, std::string const& kernel) {
    auto const [found, fresh] = softwares_.try_emplace({driver, kernel}, 0);
    if (fresh) found->second = find_software_(driver, kernel, run_.mpi, run_.maru_version);
    return found->second;
  }

  std::int64_t metric_of(std::size_t index) {
    auto& id = metrics_[index];
    if (id != 0) return id;
    auto const& metric = all_.metrics[index];
    if (auto const known = Statement(database_, "SELECT id FROM metric WHERE name = ?")(metric.name).one())
      return id = *known;
    Statement(database_, "INSERT INTO metric (name, unit, higher_is_better) VALUES (?, ?, ?)")(
        metric.name, unit_name(metric.unit), metric.higher_is_better())
        .step();
    return id = database_.last_row();
  }

  Known const& place_of(std::size_t index) {
    auto& known = places_[index];
    if (known.place != 0) return known;
    auto const& place = all_.places[index];
    known.place =
        find_place_(cluster_, place.host, place.local_rank, place.ranks, place.threads, place.model, place.device_uuid);
    known.software = software(place.driver, place.kernel);
    return known;
  }

  Database& database_;
  RunInfo const& run_;
  Kept const& all_;
  std::int64_t at_, cluster_;
  std::vector<std::int64_t> metrics_;
  std::vector<Known> places_;
  std::map<std::pair<std::string, std::string>, std::int64_t> softwares_;
  Row find_software_{database_, "SELECT id FROM software WHERE driver = ? AND kernel = ? AND mpi = ? AND maru = ?",
                     "INSERT INTO software (driver, kernel, mpi, maru) VALUES (?, ?, ?, ?)"};
  Row find_place_{database_,
                  "SELECT id FROM place WHERE cluster = ? AND host = ? AND local_rank = ? AND ranks = ? "
                  "AND threads = ? AND model = ? AND device_uuid = ?",
                  "INSERT INTO place (cluster, host, local_rank, ranks, threads, model, device_uuid) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?)"};
};

// By each series, for `value` has no index by run: the file would be half as large again for what happens rarely.
void forget(Database& database, std::int64_t run, std::int64_t at) {
  Statement(database, "DELETE FROM value WHERE series IN (SELECT id FROM series) AND at = ? AND run = ?")(at, run)
      .step();
  Statement(database, "DELETE FROM run WHERE id = ?")(run).step();
}

} // namespace

History::History(std::string const& path, Access access) {
  if (is_directory(path)) throw Error(Exit::usage, path + ": is a folder");
  // SQLite would wait at a pipe for ever, take a device for an empty file, and has meanings of its own for these two.
  std::error_code error;
  if (path.empty() || path == ":memory:" || (std::filesystem::exists(path, error) && !is_file(path)))
    throw Error(Exit::usage, fmt::format("'{}' is no file to keep a history in", path));
  if (access == Access::read) {
    database_ = open_to_read(path);
    require_current(*database_, migrations());
  } else {
    database_ = std::make_unique<Database>(path, Database::Mode::write);
    prepare_to_write(*database_);
  }
}

History::~History() = default;
History::History(History&&) noexcept = default;
History& History::operator=(History&&) noexcept = default;

Added History::add(Report const& report, std::string_view cluster) {
  if (report.run.id.empty()) throw Error(Exit::usage, "the report has no id of its run");
  auto const all = kept(report);
  if (all.values.empty()) return Added::nothing;
  Transaction transaction(*database_);
  Statement known(*database_, "SELECT id, at, complete FROM run WHERE name = ?");
  bool const is_known = known(report.run.id).step();
  if (is_known && (known.number(2) != 0 || !report.run.complete)) return Added::again;
  if (is_known) {
    auto const id = known.number(0), at = known.number(1);
    known.finish();
    forget(*database_, id, at);
  }
  Writer writer(*database_, report.run, all, cluster);
  writer.run(report);
  writer.values();
  transaction.commit();
  return is_known ? Added::completed : Added::fresh;
}

} // namespace maru
