// SPDX-License-Identifier: Apache-2.0
#include "history/past.hpp"
#include "tests/unit/history_report.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

class HistoryPast : public testing::Test {
protected:
  HistoryFolder folder;
  History history{folder.file(), History::Access::write};
};

using Values = std::vector<double>;

TEST_F(HistoryPast, IsOfEarlierRunsLatestFirst) {
  for (int number = 1; number <= 5; ++number) history.add(history_report(number, number, 2), "west");
  history.add(history_report(3000, 77, 2), "east");
  auto const found = past(history, "west", history_report(4, 100, 2));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].metric, "gemm gemm b m=8 rank flops");
  EXPECT_EQ(found[0].device_uuid, "GPU-0");
  EXPECT_EQ(found[1].host, "b");
  EXPECT_EQ(found[0].values, (Values{3, 2, 1})) << "neither itself nor what came after";
  EXPECT_EQ(past(history, "west", history_report(100), 2)[0].values, (Values{5, 4}));
  EXPECT_TRUE(past(history, "north", history_report(100)).empty());
  EXPECT_TRUE(past(history, "west", history_report(1)).empty());
}

TEST_F(HistoryPast, LeavesDoubtfulValuesOut) {
  auto throttled = history_report(1, 1);
  throttled.records[0].conditions.emplace().invalid = {"throttled"};
  history.add(throttled, "west");
  EXPECT_TRUE(past(history, "west", history_report(9)).empty());
  history.add(history_report(2, 2), "west");
  EXPECT_EQ(past(history, "west", history_report(9))[0].values, Values{2});
}

TEST_F(HistoryPast, FollowsADeviceToAnotherHost) {
  for (int number = 1; number <= 4; ++number) {
    auto report = history_report(number, number);
    if (number % 2 == 0) report.hosts[0].name = report.ranks[0].host = "z";
    history.add(report, "west");
  }
  auto const found = past(history, "west", history_report(9));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].values, (Values{4, 3, 2, 1}));
  auto replaced = history_report(10);
  replaced.ranks[0].device_uuid = "GPU-new";
  EXPECT_TRUE(past(history, "west", replaced).empty()) << "another device's past is not its own";
}

Report of_the_host(int number, double rate, std::int64_t threads = 8) {
  auto report = history_report(number);
  report.hosts[0].cpu = "AMD";
  report.ranks[0].threads = threads;
  report.records = {history_record(0, 1 / rate)};
  return report;
}

TEST_F(HistoryPast, FindsHostsByNameAndWhatMakesThemComparable) {
  history.add(of_the_host(1, 3), "west");
  history.add(of_the_host(2, 5, 1), "west");
  auto const found = past(history, "west", of_the_host(9, 1));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].values, Values{3}) << "one thread is not eight";
  EXPECT_EQ(found[0].host, "a");
  EXPECT_EQ(found[0].local_rank, 0);
  EXPECT_EQ(found[0].device_uuid, "");
}

TEST_F(HistoryPast, IsTheSameFromOneReport) {
  auto report = history_report(1, 4, 2);
  report.records[1].conditions.emplace().invalid = {"throttled"};
  auto const found = past_of_report(history_report(2, 1, 2), report).past;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].values, Values{4});
  EXPECT_EQ(found[0].host, "a");
  history.add(report, "west");
  auto const kept = past(history, "west", history_report(2, 1, 2));
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].metric, found[0].metric);
  EXPECT_EQ(kept[0].values, found[0].values);
}

} // namespace
} // namespace maru
