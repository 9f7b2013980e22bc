// SPDX-License-Identifier: Apache-2.0
#include "analysis/compare.hpp"
#include "tests/unit/fleet.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace maru {
namespace {

std::size_t count(Comparison const& all, Change change) {
  return static_cast<std::size_t>(std::count_if(all.differences.begin(), all.differences.end(),
                                                [&](Difference const& one) { return one.change == change; }));
}

Fleet fleet(std::uint64_t seed) {
  return {.hosts = 12, .ranks_per_host = 2, .noise = 0.002, .seed = seed, .links = false};
}

TEST(Compare, TheSameRunDiffersInNothing) {
  auto const report = make_report(fleet(1));
  auto const all = compare(report, report);
  EXPECT_EQ(count(all, Change::none), all.differences.size());
  EXPECT_TRUE(all.same_hosts);
  EXPECT_EQ(all.only_before + all.only_after, 0U);
  for (auto const& one : all.differences) EXPECT_EQ(one.ratio, 1);
}

TEST(Compare, NoiseIsNoDifference) {
  std::size_t differ = 0, questions = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    auto const all = compare(make_report(fleet(2 * seed)), make_report(fleet(2 * seed + 1)));
    questions += all.differences.size();
    differ += count(all, Change::better) + count(all, Change::worse) > 0 ? 1 : 0;
  }
  EXPECT_EQ(questions, 800U);
  EXPECT_LE(differ, 20U) << "of 200 pairs of runs 10 are allowed to, and chance takes its part";
}

TEST(Compare, WhatBecameSlowerIsNamedWithItsInterval) {
  auto changed = fleet(2);
  for (std::size_t host = 0; host < changed.hosts; ++host) changed.slow_memory[host] = 1.05;
  auto const all = compare(make_report(fleet(1)), make_report(changed));
  EXPECT_EQ(count(all, Change::worse), 1U);
  EXPECT_EQ(count(all, Change::better), 0U);
  auto const found = std::find_if(all.differences.begin(), all.differences.end(),
                                  [](Difference const& one) { return one.change == Change::worse; });
  EXPECT_EQ(found->operation, "copy");
  EXPECT_EQ(found->places, 24U);
  ASSERT_TRUE(found->ci);
  EXPECT_LT(found->ci->low, 1 / 1.05);
  EXPECT_GT(found->ci->high, 1 / 1.05);
  EXPECT_LT(found->ci->high, 1);
  EXPECT_EQ(count(compare(make_report(changed), make_report(fleet(1))), Change::better), 1U) << "and the other way";
}

TEST(Compare, OnePlaceHasTheIntervalsOfItsRecords) {
  Fleet one{.hosts = 1, .noise = 0, .memory = false, .collectives = false, .gemm_sizes = 1};
  auto const before = make_report(one);
  auto after = before;
  auto& time = *after.records[0].time;
  time.median *= 1.1;
  time.median_ci = Interval{time.median * 0.99, time.median * 1.01};
  auto const all = compare(before, after);
  ASSERT_EQ(all.differences.size(), 1U);
  EXPECT_EQ(all.differences[0].change, Change::worse);
  EXPECT_NEAR(all.differences[0].ci->low, 1 / 1.1 * 0.9898, 1e-3);
  time.median_ci.reset();
  auto const unknown = compare(before, after);
  EXPECT_EQ(unknown.differences[0].change, Change::unknown);
  EXPECT_FALSE(unknown.differences[0].ci);
}

TEST(Compare, OtherHostsAreComparedByNumberAndQuestionsOfOneSideAreCounted) {
  auto before = make_report(fleet(1)), after = make_report(fleet(2));
  for (auto& host : after.hosts) host.name += "x";
  for (auto& rank : after.ranks) rank.host += "x";
  for (auto& record : before.records)
    if (record.probe == "memory") record.probe = "other";
  auto const all = compare(before, after);
  EXPECT_FALSE(all.same_hosts);
  EXPECT_EQ(all.only_before, 1U);
  EXPECT_EQ(all.only_after, 1U);
  EXPECT_EQ(all.differences.size(), 3U);
  for (auto const& one : all.differences) EXPECT_GE(one.places, 12U);
}

TEST(Compare, DoubtfulRecordsAndSecondLooksAreLeftOut) {
  auto const before = make_report(fleet(1));
  auto after = before;
  for (auto& record : after.records) record.second_look = true;
  EXPECT_TRUE(compare(before, after).differences.empty());
  for (auto& record : after.records) {
    record.second_look = false;
    record.rehearsal = true;
  }
  EXPECT_TRUE(compare(before, after).differences.empty());
}

TEST(Compare, TheQuantileWidensWithTheQuestions) {
  EXPECT_NEAR(normal_quantile(1), 1.959964, 1e-5);
  EXPECT_NEAR(normal_quantile(10), 2.807034, 1e-5);
  EXPECT_EQ(normal_quantile(0), normal_quantile(1));
}

} // namespace
} // namespace maru
