// SPDX-License-Identifier: Apache-2.0
// Files of other versions, of other programs, and damaged ones.
#include "core/error.hpp"
#include "core/file.hpp"
#include "history/damaged.hpp"
#include "history/schema.hpp"
#include "history/store.hpp"
#include "tests/unit/history_report.hpp"

#include <array>
#include <fstream>
#include <gtest/gtest.h>

namespace maru {
namespace {

class HistorySchema : public testing::Test {
protected:
  /// The line with which the file is refused.
  std::string refused(History::Access access, Exit code = Exit::usage) const {
    try {
      History const history(folder.file(), access);
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      EXPECT_TRUE(std::string(error.what()).starts_with(folder.file())) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "it was not refused";
    return {};
  }
  void expect_refused(std::string const& part) const {
    for (auto const access : {History::Access::read, History::Access::write})
      EXPECT_NE(refused(access).find(part), std::string::npos) << refused(access);
  }
  HistoryFolder folder;
};

TEST_F(HistorySchema, RefusesALaterVersion) {
  { History(folder.file(), History::Access::write); }
  Database(folder.file(), Database::Mode::write).run("PRAGMA user_version = 99");
  expect_refused("later version of maru (schema 99");
  Database(folder.file(), Database::Mode::write).run("PRAGMA user_version = -1");
  expect_refused("another program");
}

TEST_F(HistorySchema, RefusesAnotherProgramsAndLeavesItAlone) {
  Database(folder.file(), Database::Mode::write).run("CREATE TABLE bookmarks (url TEXT)");
  auto const before = read_file(folder.file());
  expect_refused("another program");
  EXPECT_EQ(read_file(folder.file()), before);
}

TEST_F(HistorySchema, RefusesWhatIsNoDatabase) {
  write_file(folder.file(), std::string(5000, 'x'));
  expect_refused("is no database");
  write_file(folder.file(), "SQLite format 3");
  expect_refused("is no database");
}

TEST_F(HistorySchema, ReadsNeitherAMissingNorAnEmptyFile) {
  EXPECT_NE(refused(History::Access::read).find("No such file"), std::string::npos);
  EXPECT_FALSE(is_file(folder.file())) << "reading must not make a file";
  write_file(folder.file(), "");
  EXPECT_NE(refused(History::Access::read).find("is empty"), std::string::npos);
  History(folder.file(), History::Access::write).add(history_report(1), "west");
  EXPECT_EQ(History(folder.file(), History::Access::read).count_runs(), 1);
}

TEST_F(HistorySchema, BringsEveryEarlierVersionUpWithItsRows) {
  constexpr Migration later = "ALTER TABLE run ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  for (std::size_t version = 1; version <= steps.size(); ++version) {
    HistoryFolder const fresh;
    Database database(fresh.file(), Database::Mode::write);
    migrate(database, std::span(steps).first(version));
    database.run("INSERT INTO cluster (name) VALUES ('west')");
    auto all = steps;
    all.push_back(later);
    EXPECT_THROW(require_current(database, all), Error);
    migrate(database, all);
    require_current(database, all);
    EXPECT_EQ(database.number("PRAGMA user_version"), static_cast<std::int64_t>(all.size()));
    EXPECT_EQ(database.text("SELECT name FROM cluster"), "west");
    EXPECT_EQ(database.number("SELECT count(note) FROM run"), 0);
    migrate(database, all); // nothing to do
    EXPECT_THROW(migrate(database, steps), Error) << "an earlier program on a later file";
  }
}

TEST_F(HistorySchema, LeavesTheFileAsItWasWhenAStepFails) {
  Database database(folder.file(), Database::Mode::write);
  migrate(database, migrations());
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back("CREATE TABLE more (id INTEGER); CREATE TABLE run (id INTEGER)");
  EXPECT_THROW(migrate(database, steps), Error);
  EXPECT_EQ(database.number("PRAGMA user_version"), static_cast<std::int64_t>(migrations().size()));
  EXPECT_EQ(database.number("SELECT count(*) FROM sqlite_master WHERE name = 'more'"), 0);
}

TEST_F(HistorySchema, FindsDamage) {
  {
    History history(folder.file(), History::Access::write);
    for (int i = 0; i < 200; ++i) history.add(history_report(i, 2, 8), "west");
    EXPECT_EQ(history.check(), std::vector<std::string>{});
  }
  auto content = read_file(folder.file());
  ASSERT_GT(content.size(), 40'000U);
  for (std::size_t i = content.size() / 2; i < content.size() / 2 + 6000; ++i) content[i] = '\xa5';
  write_file(folder.file(), content);
  EXPECT_FALSE(History(folder.file(), History::Access::read).check().empty());
  write_file(folder.file(), content.substr(0, content.size() / 3));
  try {
    EXPECT_FALSE(History(folder.file(), History::Access::read).check().empty());
  } catch (Damaged const&) {
  }
}

TEST_F(HistorySchema, FindsWhatIsMissing) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  Database(folder.file(), Database::Mode::write)
      .run("PRAGMA foreign_keys = OFF; DROP TABLE value; DROP INDEX run_by_time; ALTER TABLE metric DROP COLUMN unit");
  auto const history = History(folder.file(), History::Access::read);
  EXPECT_EQ(history.check().size(), 11U) << "two objects and nine columns";
  EXPECT_EQ(history.check().front(), "the table value is missing");
  EXPECT_THROW(history.series(), Damaged);
  EXPECT_THROW(History(folder.file(), History::Access::write).add(history_report(2), "west"), Damaged);
}

TEST_F(HistorySchema, MissesItsVersion) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  Database(folder.file(), Database::Mode::write).run("PRAGMA user_version = 0");
  expect_refused("the version of its tables is lost; see maru history check");
}

// Its first hundred bytes say how all others are to be read.
TEST_F(HistorySchema, ADamagedHeaderIsNoFaultOfTheMachine) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  auto const content = read_file(folder.file());
  for (std::size_t at = 0; at < 100; ++at)
    for (int const mask : {0xff, 0x01}) {
      auto broken = content;
      broken[at] = static_cast<char>(broken[at] ^ mask);
      for (auto const access : {History::Access::read, History::Access::write}) {
        write_file(folder.file(), broken);
        try {
          History history(folder.file(), access);
          history.check();
          history.series();
          if (access == History::Access::write) history.add(history_report(2), "west");
        } catch (Error const& error) {
          EXPECT_EQ(error.code(), Exit::usage) << at << ": " << error.what();
        }
      }
    }
}

TEST_F(HistorySchema, ADamagedVersionOfItsFormIsFound) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  auto broken = read_file(folder.file());
  broken[18] = 7;
  write_file(folder.file(), broken);
  expect_refused("its header names no form of SQLite's files; see maru history check");
  broken[16] = 1; // sizes of pages are powers of two
  broken[17] = 1;
  write_file(folder.file(), broken);
  expect_refused("its header is damaged; see maru history check");
}

// No byte of a file may do more than be refused.
TEST_F(HistorySchema, SurvivesDamageEverywhere) {
  {
    History history(folder.file(), History::Access::write);
    for (int i = 0; i < 20; ++i) history.add(history_report(i, 2, 3), "west");
  }
  auto const content = read_file(folder.file());
  for (std::size_t at = 0; at < content.size(); at += 997) {
    auto broken = content;
    for (std::size_t i = at; i < std::min(at + 40, broken.size()); ++i) broken[i] = static_cast<char>(~broken[i]);
    write_file(folder.file(), broken);
    try {
      History const history(folder.file(), History::Access::read);
      history.check();
      for (auto const& series : history.series()) history.points(series, 0, true);
      history.runs();
    } catch (Error const&) {
    }
  }
}

TEST_F(HistorySchema, TakesRowsThatNobodyWouldWrite) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  Database(folder.file(), Database::Mode::write)
      .run("PRAGMA foreign_keys = OFF;"
           "INSERT INTO value SELECT series, 9e18, run, software, 0, 1e300, low, 9e999 FROM value;"
           "INSERT INTO value SELECT series, -5, run, 77, 0, 2, 'low', 'high' FROM value LIMIT 1;"
           "INSERT INTO value SELECT series, at + 1, run, software, 0, -1, low, high FROM value LIMIT 1;"
           "INSERT INTO value SELECT series, at + 2, run, software, 0, 9e999, low, high FROM value LIMIT 1;"
           "INSERT INTO value SELECT series, at + 3, 99, software, 0, 'text', low, high FROM value LIMIT 1");
  History const history(folder.file(), History::Access::read);
  for (auto const& series : history.series())
    for (auto const& point : history.points(series, 0, true)) {
      EXPECT_GT(point.value, 0);
      EXPECT_LT(point.value, 1e60);
    }
  EXPECT_FALSE(history.check().empty()) << "rows that name others which are missing";
}

TEST_F(HistorySchema, TakesNoIntervalThatIsNone) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  for (char const* bounds : {"low = -9e999", "high = 9e999", "low = 3, high = 1", "low = 1e-300, high = 1e300",
                             "low = 'low'", "low = NULL"}) {
    Database(folder.file(), Database::Mode::write).run("UPDATE value SET low = 1.9, high = 2.1");
    Database(folder.file(), Database::Mode::write).run(fmt::format("UPDATE value SET {}", bounds).c_str());
    History const history(folder.file(), History::Access::read);
    auto const points = history.points(history.series().at(0));
    ASSERT_EQ(points.size(), 1U);
    EXPECT_FALSE(points[0].ci) << bounds;
  }
}

TEST_F(HistorySchema, ReadsWhereNothingCanBeWritten) {
  { History(folder.file(), History::Access::write).add(history_report(1), "west"); }
  ASSERT_FALSE(is_file(folder.file("h.db-wal"))) << "the last writer takes the log away";
  Database database(folder.file(), Database::Mode::immutable);
  EXPECT_EQ(database.number("SELECT count(*) FROM run"), 1);
}

TEST_F(HistorySchema, OpensAnyPath) {
  auto const odd = folder.file("a b?c%41#d&e'\xc3\xa9.db");
  { History(odd, History::Access::write).add(history_report(1), "west"); }
  EXPECT_TRUE(is_file(odd));
  EXPECT_EQ(History(odd, History::Access::read).count_runs(), 1);
}

} // namespace
} // namespace maru
