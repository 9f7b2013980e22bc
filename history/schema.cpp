// SPDX-License-Identifier: Apache-2.0
#include "history/schema.hpp"

#include "history/damaged.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::int64_t application_id = 0x4d617275; // "Maru", in the file's header

// Names are kept once and numbers are small: a value is about 60 bytes, all included. `value` is ordered by series and
// time, so that a trend is one stretch of the file, and needs no index beside itself. docs/history.md shows the tables.
constexpr Migration first = R"sql(
CREATE TABLE cluster (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE software (
  id INTEGER PRIMARY KEY,
  driver TEXT NOT NULL, kernel TEXT NOT NULL, mpi TEXT NOT NULL, maru TEXT NOT NULL,
  UNIQUE (driver, kernel, mpi, maru));
CREATE TABLE plan (id INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, UNIQUE (name, digest));
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  cluster INTEGER NOT NULL REFERENCES cluster,
  at INTEGER NOT NULL,
  plan INTEGER NOT NULL REFERENCES plan,
  software INTEGER NOT NULL REFERENCES software,
  hosts INTEGER NOT NULL, ranks INTEGER NOT NULL, measured INTEGER NOT NULL,
  complete INTEGER NOT NULL);
CREATE INDEX run_by_time ON run (at);
CREATE TABLE place (
  id INTEGER PRIMARY KEY,
  cluster INTEGER NOT NULL REFERENCES cluster,
  host TEXT NOT NULL, local_rank INTEGER NOT NULL, ranks INTEGER NOT NULL, threads INTEGER NOT NULL,
  model TEXT NOT NULL, device_uuid TEXT NOT NULL,
  UNIQUE (cluster, host, local_rank, ranks, threads, model, device_uuid));
CREATE INDEX place_by_host ON place (host);
CREATE INDEX place_by_device ON place (device_uuid, cluster) WHERE device_uuid <> '';
CREATE TABLE metric (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  unit TEXT NOT NULL,
  higher_is_better INTEGER NOT NULL);
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  place INTEGER NOT NULL REFERENCES place,
  metric INTEGER NOT NULL REFERENCES metric,
  UNIQUE (place, metric));
CREATE INDEX series_by_metric ON series (metric);
CREATE TABLE value (
  series INTEGER NOT NULL REFERENCES series,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL REFERENCES run,
  software INTEGER NOT NULL REFERENCES software,
  doubtful INTEGER NOT NULL,
  value REAL NOT NULL, low REAL, high REAL,
  PRIMARY KEY (series, at, run)) WITHOUT ROWID;
)sql";

constexpr std::array steps_of_this_program{first};

/// Each part as a line: "the table run", "the column at of the table run", "the index run_by_time".
std::vector<std::string> parts_of(Database& database) {
  std::vector<std::string> parts;
  // Indices without text are those that a table makes for itself.
  Statement objects(database, "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index') "
                              "AND sql IS NOT NULL ORDER BY type DESC, name");
  while (objects.step()) parts.push_back("the " + objects.text(0) + " " + objects.text(1));
  Statement columns(database, "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c "
                              "WHERE t.type = 'table' ORDER BY t.name, c.cid");
  while (columns.step()) parts.push_back("the column " + columns.text(1) + " of the table " + columns.text(0));
  return parts;
}

std::int64_t version_of(Database& database) { return database.number("PRAGMA user_version"); }

/// Whose file it is.
struct Identity {
  std::int64_t version, id, objects;
};

// In one transaction, or another process's first writing would come between the three.
Identity identity_of(Database& database) {
  database.run("SAVEPOINT identity");
  Identity const identity{version_of(database), database.number("PRAGMA application_id"),
                          database.number("SELECT count(*) FROM sqlite_master")};
  database.run("RELEASE identity");
  return identity;
}

} // namespace

std::span<Migration const> migrations() { return steps_of_this_program; }

void require_ours(Database& database, std::span<Migration const> steps) {
  auto const [version, id, objects] = identity_of(database);
  bool const empty = id == 0 && version == 0 && objects == 0;
  if ((id != application_id && !empty) || version < 0)
    throw Error(Exit::usage, database.path() + ": is a database of another program");
  if (!database.has_known_form()) throw Damaged(database.path(), "its header names no form of SQLite's files");
  if (id == application_id && version == 0) throw Damaged(database.path(), "the version of its tables is lost");
  if (version > static_cast<std::int64_t>(steps.size()))
    throw Error(Exit::usage, fmt::format("{}: written by a later version of maru (schema {}, this one knows {})",
                                         database.path(), version, steps.size()));
}

void migrate(Database& database, std::span<Migration const> steps) {
  require_ours(database, steps);
  if (version_of(database) == static_cast<std::int64_t>(steps.size())) return;
  Transaction transaction(database);
  require_ours(database, steps); // another process may have been here meanwhile
  for (auto version = static_cast<std::size_t>(version_of(database)); version < steps.size(); ++version)
    database.run(steps[version]);
  database.run(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, steps.size()).c_str());
  transaction.commit();
}

void require_current(Database& database, std::span<Migration const> steps) {
  require_ours(database, steps);
  auto const version = version_of(database);
  if (version == 0) throw Error(Exit::usage, database.path() + ": is empty; maru history add fills it");
  if (version < static_cast<std::int64_t>(steps.size()))
    throw Error(Exit::usage, fmt::format("{}: of an earlier version (schema {} of {}); maru history add brings it up",
                                         database.path(), version, steps.size()));
}

std::vector<std::string> missing_parts(Database& database, std::span<Migration const> steps) {
  Database whole(":memory:", Database::Mode::write);
  migrate(whole, steps);
  auto const there = parts_of(database);
  std::vector<std::string> missing;
  for (auto const& part : parts_of(whole))
    if (std::find(there.begin(), there.end(), part) == there.end()) missing.push_back(part + " is missing");
  return missing;
}

} // namespace maru
