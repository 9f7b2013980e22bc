// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/work.hpp"
#include "history/file_system.hpp"
#include "history/schema.hpp"
#include "history/store.hpp"
#include "tests/unit/history_report.hpp"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

namespace maru {
namespace {

class HistoryStore : public testing::Test {
protected:
  History writer() const { return History(folder.file(), History::Access::write); }
  History reader() const { return History(folder.file(), History::Access::read); }
  HistoryFolder folder;
};

std::vector<double> values_of(History const& history, Series const& series, bool doubtful = false) {
  std::vector<double> values;
  for (auto const& point : history.points(series, 0, doubtful)) values.push_back(point.value);
  return values;
}

TEST_F(HistoryStore, KeepsARunWithItsPlaceAndSoftware) {
  EXPECT_EQ(writer().add(history_report(1), "west"), Added::fresh);
  auto const history = reader();
  auto const runs = history.runs();
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run, "run-1");
  EXPECT_EQ(runs[0].cluster, "west");
  EXPECT_EQ(runs[0].plan_digest, "d1");
  EXPECT_EQ(runs[0].values, 1);
  EXPECT_TRUE(runs[0].complete);
  EXPECT_DOUBLE_EQ(runs[0].at, 1'700'000'001);
  auto const all = history.series();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].metric, "gemm gemm b m=8 rank flops");
  EXPECT_EQ(all[0].host, "a");
  EXPECT_EQ(all[0].local_rank, 0);
  EXPECT_EQ(all[0].device_uuid, "GPU-0");
  EXPECT_EQ(all[0].model, "H200");
  EXPECT_EQ(all[0].unit, "flops_per_second");
  EXPECT_TRUE(all[0].higher_is_better);
  auto const points = history.points(all[0]);
  ASSERT_EQ(points.size(), 1U);
  EXPECT_DOUBLE_EQ(points[0].value, 2);
  EXPECT_DOUBLE_EQ(points[0].ci->low, 2 / 1.1);
  EXPECT_EQ(history.software(points[0].software), (Software{"550", "Linux 6.1", "Open MPI v4.1.4", "0.1.0"}));
}

TEST_F(HistoryStore, AddsARunOnce) {
  auto history = writer();
  EXPECT_EQ(history.add(history_report(1), "west"), Added::fresh);
  EXPECT_EQ(history.add(history_report(1), "west"), Added::again);
  EXPECT_EQ(history.add(history_report(1), "east"), Added::again);
  EXPECT_EQ(history.count_runs(), 1);
  EXPECT_EQ(values_of(history, history.series()[0]).size(), 1U);
}

TEST_F(HistoryStore, LetsTheWholeRunTakeThePlaceOfItsBeginning) {
  auto history = writer();
  auto part = history_report(1);
  part.run.complete = false;
  EXPECT_EQ(history.add(part, "west"), Added::fresh);
  EXPECT_FALSE(history.runs()[0].complete);
  EXPECT_EQ(history.add(part, "west"), Added::again);
  EXPECT_EQ(history.add(history_report(1, 3), "west"), Added::completed);
  EXPECT_TRUE(history.runs()[0].complete);
  EXPECT_EQ(values_of(history, history.series()[0]), std::vector{3.0});
  EXPECT_EQ(history.add(part, "west"), Added::again) << "the beginning must not undo the whole";
}

TEST_F(HistoryStore, KeepsNeitherRehearsalsNorSecondLooksNorWhatIsNoNumber) {
  auto report = history_report(1);
  report.records[0].rehearsal = true;
  report.records.push_back(history_record(0, 1, "cuda"));
  report.records.back().second_look = true;
  for (double const seconds : {0.0, -1.0, std::nan(""), HUGE_VAL}) report.records.push_back(history_record(0, seconds));
  report.records.push_back(history_record(77, 1)); // of a rank that the report does not know
  auto history = writer();
  EXPECT_EQ(history.add(report, "west"), Added::nothing);
  EXPECT_EQ(history.count_runs(), 0);
}

TEST_F(HistoryStore, LeavesDoubtfulValuesOutUnlessWanted) {
  auto history = writer();
  auto report = history_report(1);
  report.records[0].conditions.emplace().invalid = {"throttled"};
  history.add(report, "west");
  history.add(history_report(2, 3), "west");
  auto const series = history.series()[0];
  EXPECT_EQ(values_of(history, series), std::vector{3.0});
  EXPECT_EQ(values_of(history, series, true), (std::vector{2.0, 3.0}));
}

TEST_F(HistoryStore, PutsSeveralHostsUnderOneNameByTheirNumber) {
  auto history = writer();
  for (int const hosts : {2, 3}) {
    auto report = history_report(hosts, 2, hosts);
    report.records.clear();
    for (std::int64_t i = 0; i + 1 < hosts; ++i) { // pairs share the place: their median is kept
      report.records.push_back(history_record(0, 1.0 / static_cast<double>(1 + 2 * i)));
      report.records.back().group = {.kind = "pairs", .index = i, .ranks = {i, i + 1}};
    }
    report.records.push_back(history_record(0, 1));
    report.records.back().group = {.kind = "world",
                                   .index = 0,
                                   .ranks = hosts == 2 ? std::vector<std::int64_t>{0, 1}
                                                       : std::vector<std::int64_t>{0, 1, 2}};
    history.add(report, "west");
  }
  SeriesFilter several;
  several.host = "*";
  auto const all = history.series(several);
  ASSERT_EQ(all.size(), 3U) << "a world of two and one of three are not compared";
  EXPECT_EQ(values_of(history, all[0]), (std::vector{1.0, 2.0}));
  EXPECT_EQ(all[0].ranks, 2);
  EXPECT_EQ(all[2].ranks, 3);
}

TEST_F(HistoryStore, FindsByHostDeviceMetricAndCluster) {
  auto history = writer();
  history.add(history_report(1, 2, 3), "west");
  history.add(history_report(2, 2, 2), "east");
  auto const count = [&](auto const& set) {
    SeriesFilter filter;
    set(filter);
    return history.series(filter).size();
  };
  EXPECT_EQ(count([](auto&) {}), 5U);
  EXPECT_EQ(count([](auto& f) { f.host = "b"; }), 2U);
  EXPECT_EQ(count([](auto& f) { f.cluster = "west"; }), 3U);
  EXPECT_EQ(count([](auto& f) { f.device = "GPU-1"; }), 2U);
  EXPECT_EQ(count([](auto& f) { f.device = "GPU-%"; }), 0U);
  EXPECT_EQ(count([](auto& f) { f.metric = {"flops", "m=8"}; }), 5U);
  EXPECT_EQ(count([](auto& f) { f.metric = {"flops", "m=9"}; }), 0U);
  EXPECT_EQ(history.clusters(), (std::vector<std::string>{"east", "west"}));
  EXPECT_EQ(history.runs({.cluster = "west", .limit = 0}).size(), 1U);
  EXPECT_EQ(history.runs({.cluster = "", .limit = 1})[0].run, "run-2");
}

TEST_F(HistoryStore, OrdersByTimeNotByAddition) {
  auto history = writer();
  for (int const number : {3, 1, 2}) history.add(history_report(number, number), "west");
  auto const series = history.series()[0];
  EXPECT_EQ(values_of(history, series), (std::vector{1.0, 2.0, 3.0}));
  ASSERT_EQ(history.points(series, 2).size(), 2U);
  EXPECT_EQ(history.points(series, 2)[0].value, 2) << "the latest are kept";
}

TEST_F(HistoryStore, TakesHostileNamesAsText) {
  std::string const evil = "'; DROP TABLE run; --\n\x1b[31m\xff%_\"";
  auto report = history_report(1);
  report.run.id = report.run.plan = report.hosts[0].name = report.ranks[0].host = evil;
  report.ranks[0].device_uuid = report.ranks[0].driver = evil;
  report.records[0].labels = {{evil, evil}};
  auto history = writer();
  EXPECT_EQ(history.add(report, evil), Added::fresh);
  EXPECT_EQ(history.add(report, evil), Added::again);
  EXPECT_EQ(history.runs()[0].run, evil);
  SeriesFilter filter;
  filter.host = filter.device = filter.cluster = evil;
  EXPECT_EQ(history.series(filter).size(), 1U);
  EXPECT_EQ(history.check(), std::vector<std::string>{});
  report.run.id = "";
  EXPECT_THROW(history.add(report, "west"), Error);
}

TEST_F(HistoryStore, TakesTimesThatAreNone) {
  auto history = writer();
  int number = 0;
  for (double const at : {-1.0, 1e300, std::nan(""), HUGE_VAL}) {
    auto report = history_report(++number);
    report.run.started = at;
    EXPECT_EQ(history.add(report, "west"), Added::fresh);
  }
  EXPECT_EQ(values_of(history, history.series()[0]).size(), 4U);
}

// Processes, not threads: the locks of a file are a process's.
TEST_F(HistoryStore, TakesManyWritersOfAFreshFile) {
  constexpr int writers = 8, runs = 12;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    auto const child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        for (int run = 0; run < runs; ++run) {
          History history(folder.file(), History::Access::write);
          history.add(history_report(writer * runs + run, 2, 3), "west");
          history.add(history_report(9999, 2, 3), "west"); // the same of all of them
        }
      } catch (std::exception const& error) {
        std::fprintf(stderr, "writer %d: %s\n", writer, error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (auto const child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  auto const history = reader();
  EXPECT_EQ(history.count_runs(), writers * runs + 1);
  ASSERT_EQ(history.series().size(), 3U);
  for (auto const& series : history.series()) EXPECT_EQ(history.points(series).size(), writers * runs + 1U);
  EXPECT_EQ(history.check(), std::vector<std::string>{});
}

/// Seconds until a process of an ordinary user was refused, and with which code; nothing where it was not.
std::optional<std::pair<double, Exit>> refused_to_write(std::string const& file) {
  auto const begun = monotonic_seconds();
  auto const child = ::fork();
  if (child == 0) {
    constexpr ::uid_t nobody = 65534;
    if (::getuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) ::_exit(99);
    try {
      History(file, History::Access::write).add(history_report(2), "west");
      ::_exit(0);
    } catch (Error const& error) {
      ::_exit(static_cast<int>(error.code()));
    }
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 0) return std::nullopt;
  return std::pair(monotonic_seconds() - begun, static_cast<Exit>(WEXITSTATUS(status)));
}

// Only a lock is worth waiting for.
TEST_F(HistoryStore, RefusesAtOnceWhatCannotBeWrittenTo) {
  constexpr double at_once = 20; // seconds; a minute is what it waits for a lock
  auto const expect_refused = [&](std::string const& file, Exit code) {
    auto const refused = refused_to_write(file);
    ASSERT_TRUE(refused) << file;
    EXPECT_LT(refused->first, at_once) << file;
    EXPECT_EQ(refused->second, code) << file;
  };
  expect_refused("/dev/null", Exit::usage);
  expect_refused("/", Exit::usage);
  { // a file of its own in a folder where nothing can be made beside it
    Database database(folder.file(), Database::Mode::write);
    database.run("PRAGMA journal_mode = DELETE");
    migrate(database, migrations());
  }
  std::filesystem::permissions(folder.file(), std::filesystem::perms(0666));
  std::filesystem::permissions(folder.file("."), std::filesystem::perms(0555));
  expect_refused(folder.file(), Exit::incomplete);
  expect_refused(folder.file("new.db"), Exit::incomplete);
  std::filesystem::permissions(folder.file("."), std::filesystem::perms(0755));
}

TEST(HistoryFileSystem, KnowsThoseOfSeveralHosts) {
  EXPECT_TRUE(is_network_file_system(0x6969));
  EXPECT_TRUE(is_network_file_system(static_cast<unsigned long>(static_cast<long>(static_cast<int>(0xff534d42)))))
      << "f_type may be signed";
  EXPECT_FALSE(is_network_file_system(0xef53)) << "ext4";
  EXPECT_FALSE(is_network_file_system(0x01021994)) << "tmpfs";
  EXPECT_FALSE(on_network_file_system("/proc/self/nothing"));
}

} // namespace
} // namespace maru
