// SPDX-License-Identifier: Apache-2.0
#include "history/rank_test.hpp"
#include "history/trend.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace maru {
namespace {

using Values = std::vector<double>;

/// Levels with `noise` (relative, uniform) on top; always the same.
Values series(std::vector<std::pair<int, double>> const& levels, double noise = 0.01, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<> spread(-noise, noise);
  Values values;
  for (auto const& [count, level] : levels)
    for (int i = 0; i < count; ++i) values.push_back(level * (1 + spread(random)));
  return values;
}

std::vector<std::int64_t> software(std::vector<std::size_t> const& lengths) {
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < lengths.size(); ++i) ids.insert(ids.end(), lengths[i], static_cast<std::int64_t>(i));
  return ids;
}

TEST(RankTest, GivesTheExactChanceOfSmallSamples) {
  EXPECT_NEAR(rank_test(Values{1, 2, 3}, Values{4, 5, 6}), 2.0 / 20, 1e-12);
  EXPECT_NEAR(rank_test(Values{1, 2, 3, 4, 5}, Values{6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);
  EXPECT_NEAR(rank_test(Values{1, 2, 5}, Values{3, 4, 6}), 8.0 / 20, 1e-12); // sums of at most 8: 4 of 20
  EXPECT_NEAR(rank_test(Values{1, 4}, Values{2, 3}), 1, 1e-12);
  EXPECT_EQ(rank_test(Values{}, Values{1, 2}), 1);
}

TEST(RankTest, TakesTies) {
  EXPECT_EQ(rank_test(Values{1, 1, 1}, Values{1, 1, 1}), 1);
  EXPECT_NEAR(rank_test(Values{1, 1, 1}, Values{2, 2, 2}), 2.0 / 20, 1e-12);
  EXPECT_EQ(rank_test(Values(30, 1.0), Values(30, 1.0)), 1);
}

TEST(RankTest, CountsWhereAFewStandFarFromMany) {
  // All of 4 above all of 60, and the other way round: 2 of C(64, 4).
  EXPECT_NEAR(rank_test(series({{60, 1}}), series({{4, 2}})), 2.0 / 635376, 1e-12);
  EXPECT_NEAR(rank_test(series({{4, 1}}), series({{60, 2}})), 2.0 / 635376, 1e-12);
  EXPECT_NEAR(rank_test(series({{60, 1}}), series({{4, 0.5}})), 2.0 / 635376, 1e-12);
}

TEST(RankTest, IsSymmetricAndNormalForManyValues) {
  auto const a = series({{12, 1}}, 0.1, 5), b = series({{12, 1.05}}, 0.1, 6);
  EXPECT_NEAR(rank_test(a, b), rank_test(b, a), 1e-12);
  // 52 and 52, fully apart: z = (1352 - 0.5) / sqrt(52 * 52 * 105 / 12) = 8.7864.
  EXPECT_NEAR(rank_test(series({{52, 1}}), series({{52, 2}})) / 1.54493e-18, 1, 1e-3);
}

// Of samples of one distribution, p is below 5 % in about 5 % of the cases: in neither form is it too small.
TEST(RankTest, IsCalibrated) {
  for (std::size_t const size : {8U, 20U}) {
    int below = 0;
    for (unsigned seed = 0; seed < 2000; ++seed) {
      auto const all = series({{static_cast<int>(2 * size), 1}}, 0.1, seed + 1);
      below += rank_test(std::span(all).first(size), std::span(all).last(size)) < 0.05;
    }
    EXPECT_LT(below, 140) << size;
    EXPECT_GT(below, 40) << size;
  }
}

TEST(BestSplit, FindsWhereTheLevelChanges) {
  auto const split = best_split(series({{20, 1}, {15, 0.9}}), 3);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->at, 20U);
  EXPECT_LT(split->p, 1e-4);
  EXPECT_FALSE(best_split(Values(5, 1.0), 3));
  EXPECT_EQ(best_split(Values(50, 1.0), 3)->p, 1);
}

TEST(FindChanges, FindsNothingInNoise) {
  int found = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    auto const values = series({{60, 100}}, 0.05, seed + 1);
    found += !find_changes(values, software({60})).empty();
  }
  EXPECT_LE(found, 3) << "of 1000 series without a change";
}

TEST(FindChanges, FindsAShiftWithoutAKnownChange) {
  auto const values = series({{30, 100}, {10, 90}});
  auto const changes = find_changes(values, software({40}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].known);
  EXPECT_TRUE(changes[0].shifted);
  EXPECT_EQ(changes[0].at, 30U);
  EXPECT_NEAR(changes[0].effect, -0.1, 0.01);
  EXPECT_EQ(changes[0].before, 30U);
  EXPECT_EQ(changes[0].after, 10U);
  EXPECT_LT(changes[0].p, 1e-3);
}

TEST(FindChanges, SeesAFewNewRunsAfterManyOldOnes) {
  for (auto const& [before, after] : {std::pair(20, 5), std::pair(36, 4), std::pair(120, 3), std::pair(490, 5)}) {
    auto const changes =
        find_changes(series({{before, 100}, {after, 90}}), software({static_cast<std::size_t>(before + after)}));
    ASSERT_EQ(changes.size(), 1U) << before;
    EXPECT_EQ(changes[0].at, static_cast<std::size_t>(before));
  }
}

TEST(FindChanges, SaysOfEachChangeOfSoftwareWhetherTheLevelDiffers) {
  auto const values = series({{20, 100}, {20, 100}, {20, 90}});
  auto const changes = find_changes(values, software({20, 20, 20}));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_TRUE(changes[0].known);
  EXPECT_FALSE(changes[0].shifted);
  EXPECT_GT(changes[0].p, 0.01);
  EXPECT_TRUE(changes[1].shifted);
  EXPECT_EQ(changes[1].at, 40U);
  EXPECT_NEAR(changes[1].effect, -0.1, 0.01);
  EXPECT_EQ(changes[1].before, 40U) << "the level before reaches over a change that changed nothing";
}

TEST(FindChanges, TellsAShiftFromAChangeOfSoftwareThatIsElsewhere) {
  auto const values = series({{30, 100}, {30, 90}});
  auto const changes = find_changes(values, software({15, 45}));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_TRUE(changes[0].known);
  EXPECT_EQ(changes[0].at, 15U);
  EXPECT_TRUE(changes[1].shifted);
  EXPECT_FALSE(changes[1].known);
  EXPECT_EQ(changes[1].at, 30U);
}

TEST(FindChanges, FindsTheShiftAmongSoftwareThatNeverStays) {
  auto const values = series({{20, 100}, {20, 90}});
  auto const changes = find_changes(values, software(std::vector<std::size_t>(20, 2)));
  auto const shifted = [](Change const& change) { return change.shifted; };
  ASSERT_EQ(std::count_if(changes.begin(), changes.end(), shifted), 1);
  auto const found = *std::find_if(changes.begin(), changes.end(), shifted);
  EXPECT_TRUE(found.known);
  EXPECT_EQ(found.at, 20U);
}

TEST(FindChanges, DoesNotClaimWhatIsSmallOrShort) {
  auto const small = series({{30, 100}, {30, 100.5}}, 0.0001);
  for (auto const& change : find_changes(small, software({30, 30}))) EXPECT_FALSE(change.shifted) << "half a percent";
  auto const few = series({{30, 100}, {2, 50}});
  auto const changes = find_changes(few, software({30, 2}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].shifted) << "two values are not a level";
  EXPECT_EQ(changes[0].after, 2U);
}

TEST(FindChanges, FindsSeveralLevels) {
  auto const values = series({{25, 100}, {25, 80}, {25, 110}});
  auto const changes = find_changes(values, software({75}));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].at, 25U);
  EXPECT_EQ(changes[1].at, 50U);
  EXPECT_NEAR(changes[0].effect, -0.2, 0.01);
  EXPECT_NEAR(changes[1].effect, 0.375, 0.01) << "against the level before it, not against all";
}

TEST(TrendOf, SumsUp) {
  auto const values = Values{4, 2, 3, 9};
  auto const result = trend(values, software({4}));
  EXPECT_EQ(result.n, 4U);
  EXPECT_EQ(result.first, 4);
  EXPECT_EQ(result.latest, 9);
  EXPECT_EQ(result.min, 2);
  EXPECT_EQ(result.max, 9);
  EXPECT_DOUBLE_EQ(*result.of_past, 2);
  EXPECT_FALSE(trend(Values{1}, software({1})).of_past);
}

TEST(Thinned, TakesMediansOfStretches) {
  EXPECT_EQ(thinned(Values{1, 2, 3}, 5), (Values{1, 2, 3}));
  EXPECT_EQ(thinned(Values{1, 1, 9, 2, 2, 2}, 2), (Values{1, 2}));
}

} // namespace
} // namespace maru
