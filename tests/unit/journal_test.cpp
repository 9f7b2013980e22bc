// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/journal.hpp"
#include "core/report_io.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace maru {
namespace {

class JournalTest : public testing::Test {
protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "journal " + std::to_string(::getpid());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static JournalHeader header() {
    return {.maru_version = "1",
            .run_id = "id",
            .plan = "quick",
            .plan_digest = "d",
            .plan_toml = "",
            .started = 5,
            .hosts = {"a", "b"}};
  }
  static Record record(std::string const& operation) {
    Record r;
    r.operation = operation;
    return r;
  }
  void spoil(std::string const& tail) { std::ofstream(journal_path(directory_), std::ios::app) << tail; }

  std::string directory_;
};

TEST_F(JournalTest, KeepsClosedCases) {
  {
    auto journal = Journal::create(directory_, header());
    journal.append({record("x"), record("y")}, "case 1");
    journal.append({record("z")}, "case 2");
    journal.append({record("z")}, "case 2"); // closed already: counts once
  }
  auto const content = read_journal(directory_);
  EXPECT_EQ(content.header.run_id, "id");
  EXPECT_EQ(content.records.size(), 3U);
  EXPECT_EQ(content.closed, (std::set<std::string>{"case 1", "case 2"}));
}

TEST_F(JournalTest, ASecondRunIsRefused) {
  auto const journal = Journal::create(directory_, header());
  EXPECT_THROW(Journal::create(directory_, header()), Error);
  EXPECT_THROW(Journal::reopen(directory_), Error) << "the first still writes";
}

TEST_F(JournalTest, ATornEndIsCutOff) {
  Journal::create(directory_, header()).append({record("x")}, "case 1");
  auto const whole = std::filesystem::file_size(journal_path(directory_));
  for (char const* tail : {"{\"rec", "{\"record\":{}}\n", "\n", "{\"closed\":3}\n",
                           "{\"closed\":\"without records\"}\n", "{\"closed\":\"case 2\"}", "garbage\n"}) {
    spoil(tail);
    EXPECT_EQ(read_journal(directory_).closed.size(), 1U) << tail;
    Journal::reopen(directory_);
    EXPECT_EQ(std::filesystem::file_size(journal_path(directory_)), whole) << tail;
  }
  Journal::reopen(directory_).append({record("y")}, "case 2");
  EXPECT_EQ(read_journal(directory_).records.size(), 2U);
}

TEST_F(JournalTest, RecordsOfAnOpenCaseDoNotCount) {
  Journal::create(directory_, header()).append({record("x")}, "case 1");
  auto const whole = std::filesystem::file_size(journal_path(directory_));
  auto const line = [&] {
    std::ifstream file(journal_path(directory_));
    std::string first, second;
    std::getline(file, first);
    std::getline(file, second);
    return second;
  }();
  spoil(line + "\n");
  EXPECT_EQ(read_journal(directory_).records.size(), 1U);
  EXPECT_EQ(read_journal(directory_).valid_bytes, whole);
}

TEST_F(JournalTest, ItsFileIsReadAsAReport) {
  auto x = record("x");
  x.samples.at = x.samples.seconds = {1};
  Journal::create(directory_, header()).append({x}, "case 1");
  spoil("{\"rec");
  auto const file = journal_path(directory_);
  auto const report = read_report(file);
  EXPECT_EQ(report.run.id, "id");
  EXPECT_EQ(report.lost.size(), 1U);
  ASSERT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.records[0].samples.seconds.size(), 1U);
  EXPECT_TRUE(read_report(file, Keep::figures).records.at(0).samples.seconds.empty());
  auto const other = directory_ + "/copy"; // it is known by what is in it
  std::filesystem::rename(file, other);
  EXPECT_EQ(read_report(other).run.id, "id");
  std::ofstream(other) << "{\"maru_journal\":1,";
  EXPECT_THROW(read_report(other), Error);
  std::ofstream(other) << "{\"maru_jou";
  EXPECT_THROW(read_report(other), Error);
}

TEST(ParseJournal, WithoutAHeaderIsUsage) {
  for (char const* text : {"", "\n", "{}\n", "[1]\n", "{\"maru_journal\":2}\n", "not json\n", "{\"maru_journal\":1"})
    EXPECT_THROW(parse_journal(text, "j"), Error) << text;
}

TEST(RequireSame, NamesEachDifference) {
  JournalHeader const begun{.maru_version = "1",
                            .run_id = "",
                            .plan = "quick",
                            .plan_digest = "d",
                            .plan_toml = "",
                            .started = 0,
                            .hosts = {"a", "b"}};
  EXPECT_NO_THROW(require_same(begun, begun, "dir"));
  auto now = begun;
  now.maru_version = "2";
  now.plan_digest = "e";
  now.hosts = {"a", "c"};
  try {
    require_same(begun, now, "dir");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    EXPECT_STREQ(error.what(), "cannot resume dir: it was begun by maru 1, this is 2; its plan was 'quick' with other "
                               "questions; it had no ranks on c");
  }
}

TEST(RequireSame, WholeHostsMayBeMissing) {
  JournalHeader begun;
  begun.hosts = {"a", "b", "a", "b", "c", "c"};
  auto now = begun;
  now.hosts = {"b", "b", "c", "c"}; // by host now, by turns then
  EXPECT_NO_THROW(require_same(begun, now, "dir"));
  EXPECT_EQ(ranks_begun(begun.hosts, now.hosts), (std::vector<std::int64_t>{1, 3, 4, 5}));
  now.hosts = {"a", "b", "b"};
  EXPECT_THROW(require_same(begun, now, "dir"), Error) << "half a host is no host";
  EXPECT_FALSE(ranks_begun(begun.hosts, {"a", "a", "d", "d"}));
}

TEST(Journal, TellsOfARunThatLeftNoReport) {
  JournalContent content;
  content.header.run_id = "r";
  content.header.hosts = {"a", "b", "a"};
  content.records.resize(2);
  auto const report = report_of(content);
  EXPECT_FALSE(report.run.complete);
  EXPECT_EQ(report.hosts.size(), 2U);
  EXPECT_EQ(report.ranks.at(2).local_rank, 1);
  EXPECT_EQ(report.records.size(), 2U);
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_EQ(report.lost[0].host, "a");
}

} // namespace
} // namespace maru
