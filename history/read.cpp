// SPDX-License-Identifier: Apache-2.0
// What is asked of a history.
#include "core/error.hpp"
#include "history/figure.hpp"
#include "history/schema.hpp"
#include "history/sqlite.hpp"
#include "history/store.hpp"
#include "history/time.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace maru {
namespace {

constexpr char const* run_columns = "SELECT run.name, cluster.name, run.at, plan.name, plan.digest, software.driver, "
                                    "software.kernel, software.mpi, software.maru, hosts, ranks, measured, complete "
                                    "FROM run JOIN cluster ON cluster.id = run.cluster JOIN plan ON plan.id = run.plan "
                                    "JOIN software ON software.id = run.software ";

RunEntry run_of(Statement const& row) {
  return {.run = row.text(0),
          .cluster = row.text(1),
          .at = to_seconds(row.number(2)),
          .plan = row.text(3),
          .plan_digest = row.text(4),
          .software = {row.text(5), row.text(6), row.text(7), row.text(8)},
          .hosts = row.number(9),
          .ranks = row.number(10),
          .values = row.number(11),
          .complete = row.number(12) != 0};
}

Series series_of(Statement const& row) {
  return {.id = row.number(0),
          .cluster = row.text(1),
          .metric = row.text(2),
          .unit = row.text(3),
          .higher_is_better = row.number(4) != 0,
          .host = row.text(5),
          .local_rank = row.number(6),
          .ranks = row.number(7),
          .threads = row.number(8),
          .model = row.text(9),
          .device_uuid = row.text(10)};
}

std::optional<Interval> interval(double low, double high) {
  if (!can_be_a_figure(low) || !can_be_a_figure(high) || low > high) return std::nullopt;
  return Interval{low, high};
}

bool holds_all(std::string_view name, std::vector<std::string> const& words) {
  return std::all_of(words.begin(), words.end(), [&](auto const& word) { return name.find(word) != name.npos; });
}

std::vector<std::string> texts(Database& database, char const* sql) {
  std::vector<std::string> result;
  Statement statement(database, sql);
  while (statement.step()) result.push_back(statement.text(0));
  return result;
}

} // namespace

std::vector<RunEntry> History::runs(RunFilter const& filter) const {
  Statement statement(*database_, std::string(run_columns) +
                                      "WHERE ?1 = '' OR cluster.name = ?1 ORDER BY run.at DESC, run.id DESC LIMIT ?2");
  statement(filter.cluster, filter.limit > 0 ? filter.limit : -1);
  std::vector<RunEntry> result;
  while (statement.step()) result.push_back(run_of(statement));
  return result;
}

std::int64_t History::count_runs(std::string const& cluster) const {
  return Statement(*database_, "SELECT count(*) FROM run JOIN cluster ON cluster.id = run.cluster "
                               "WHERE ?1 = '' OR cluster.name = ?1")(cluster)
      .one()
      .value_or(0);
}

std::vector<std::string> History::clusters() const {
  return texts(*database_, "SELECT name FROM cluster ORDER BY name");
}
std::vector<std::string> History::hosts() const {
  return texts(*database_, "SELECT DISTINCT host FROM place ORDER BY host");
}

RunEntry History::run(std::int64_t id) const {
  Statement statement(*database_, std::string(run_columns) + "WHERE run.id = ?");
  return statement(id).step() ? run_of(statement) : RunEntry{};
}

Software History::software(std::int64_t id) const {
  Statement row(*database_, "SELECT driver, kernel, mpi, maru FROM software WHERE id = ?");
  return row(id).step() ? Software{row.text(0), row.text(1), row.text(2), row.text(3)} : Software{};
}

std::vector<Series> History::series(SeriesFilter const& filter) const {
  // Places first (CROSS JOIN keeps that order), for they are what is asked for, and a fleet has millions of series. A
  // UUID's beginning is compared as text: LIKE would take '%' and '_' for more than they are.
  std::string const sql =
      "SELECT series.id, cluster.name, metric.name, unit, higher_is_better, host, local_rank, ranks, threads, model, "
      "device_uuid FROM place CROSS JOIN series ON series.place = place.id JOIN cluster ON cluster.id = place.cluster "
      "JOIN metric ON metric.id = series.metric WHERE (?1 = '' OR cluster.name = ?1) "
      "AND (?3 = '' OR substr(device_uuid, 1, length(?3)) = ?3) AND ";
  Statement statement(*database_, sql + (filter.host.empty() ? "?2 = ''" : "host = ?2"));
  statement(filter.cluster, filter.host, filter.device);
  std::vector<Series> result;
  while (statement.step())
    if (holds_all(statement.text(2), filter.metric)) result.push_back(series_of(statement));
  auto const order = [](Series const& s) {
    return std::tie(s.metric, s.cluster, s.host, s.local_rank, s.ranks, s.threads, s.id);
  };
  std::sort(result.begin(), result.end(), [&](auto const& a, auto const& b) { return order(a) < order(b); });
  return result;
}

std::vector<Point> History::points(Series const& series, std::int64_t last, bool doubtful) const {
  Statement row(*database_, "SELECT run, at, value, low, high, software, doubtful FROM value "
                            "WHERE series = ? AND doubtful <= ? ORDER BY at DESC, run DESC LIMIT ?");
  row(series.id, doubtful, last > 0 ? last : -1);
  std::vector<Point> result;
  while (row.step()) {
    Point point;
    point.run = row.number(0);
    point.at = to_seconds(row.number(1));
    point.value = row.real(2);
    if (!can_be_a_figure(point.value)) continue; // nobody added that
    if (!row.is_null(3) && !row.is_null(4)) point.ci = interval(row.real(3), row.real(4));
    point.software = row.number(5);
    point.doubtful = row.number(6) != 0;
    result.push_back(point);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

std::vector<std::string> History::check() const {
  std::vector<std::string> faults;
  try {
    faults = texts(*database_, "PRAGMA integrity_check");
    std::erase(faults, "ok");
    auto missing = missing_parts(*database_, migrations());
    std::move(missing.begin(), missing.end(), std::back_inserter(faults));
    Statement keys(*database_, "PRAGMA foreign_key_check");
    while (keys.step())
      faults.push_back("a row of " + keys.text(0) + " names a row of " + keys.text(2) + " that is missing");
  } catch (Damaged const& damage) {
    faults.push_back(damage.fault());
  }
  return faults;
}

} // namespace maru
