// SPDX-License-Identifier: Apache-2.0
#include "core/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace maru {
namespace {

std::vector<double> one_to(std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i + 1);
  return values;
}

TEST(Quantile, IsHyndmanAndFansType7) {
  EXPECT_EQ(quantile(one_to(1), 0.99), 1);
  EXPECT_EQ(quantile(one_to(4), 0.5), 2.5);
  EXPECT_EQ(quantile(one_to(5), 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(one_to(10), 0.25), 3.25);
  EXPECT_DOUBLE_EQ(quantile(one_to(101), 0.99), 100);
  EXPECT_EQ(quantile(one_to(7), 0), 1);
  EXPECT_EQ(quantile(one_to(7), 1), 7);
}

// Ranks from the table of the binomial distribution with p = 1/2 (David & Nagaraja 2003, table of section 7.1).
TEST(MedianInterval, HasTheRanksOfTheBinomialTable) {
  struct Known {
    std::size_t n;
    double low, high;
  };
  for (auto const& [n, low, high] : {Known{6, 1, 6}, Known{8, 1, 8}, Known{9, 2, 8}, Known{10, 2, 9}, Known{15, 4, 12},
                                     Known{20, 6, 15}, Known{50, 18, 33}, Known{100, 40, 61}}) {
    auto const interval = median_interval(one_to(n));
    ASSERT_TRUE(interval) << n;
    EXPECT_EQ(interval->low, low) << n;
    EXPECT_EQ(interval->high, high) << n;
  }
}

TEST(MedianInterval, IsAbsentUnderSixValues) {
  for (std::size_t n = 1; n < 6; ++n) EXPECT_FALSE(median_interval(one_to(n))) << n;
  EXPECT_TRUE(median_interval(one_to(2), 0.5));
  EXPECT_FALSE(median_interval(one_to(6), 0.99));
}

TEST(MedianInterval, HoldsForManyValues) {
  constexpr std::size_t n = 200000;
  auto const interval = median_interval(one_to(n));
  ASSERT_TRUE(interval);
  // The normal approximation: n/2 ± 1.96·sqrt(n)/2.
  EXPECT_NEAR(interval->low, n / 2.0 - 1.96 * std::sqrt(n) / 2, 3);
  EXPECT_NEAR(interval->high, n / 2.0 + 1.96 * std::sqrt(n) / 2, 3);
}

// Times of calls are skewed to the right; an interval from order statistics must not mind.
template <class Distribution> double coverage(std::size_t n, Distribution distribution, double median) {
  std::mt19937_64 random(7);
  constexpr int runs = 4000;
  int covered = 0;
  for (int run = 0; run < runs; ++run) {
    std::vector<double> values(n);
    for (auto& value : values) value = distribution(random);
    std::sort(values.begin(), values.end());
    auto const interval = *median_interval(values);
    covered += interval.low <= median && median <= interval.high ? 1 : 0;
  }
  return static_cast<double>(covered) / runs;
}

TEST(MedianInterval, CoversTheMedianOfSkewedDistributions) {
  constexpr double noise = 0.0104; // three standard errors of the simulated share
  for (std::size_t const n : {6U, 10U, 25U, 100U}) {
    EXPECT_GE(coverage(n, std::lognormal_distribution<double>(0, 1.5), 1), 0.95 - noise) << n;
    EXPECT_GE(coverage(n, std::exponential_distribution<double>(1), std::log(2)), 0.95 - noise) << n;
    EXPECT_GE(coverage(n, std::cauchy_distribution<double>(3, 1), 3), 0.95 - noise) << n;
  }
}

TEST(Summarize, GivesTheStatisticsOfSamplesInAnyOrder) {
  auto const timing = summarize(std::vector<double>{4, 1, 3, 2, 10}, 7);
  EXPECT_EQ(timing.samples, 5U);
  EXPECT_EQ(timing.calls_per_sample, 7U);
  EXPECT_EQ(timing.median, 3);
  EXPECT_EQ(timing.mean, 4);
  EXPECT_EQ(timing.min, 1);
  EXPECT_EQ(timing.max, 10);
  EXPECT_DOUBLE_EQ(timing.p90, 7.6);
  EXPECT_FALSE(timing.median_ci);
}

TEST(Summarize, WithholdsP99UnderAHundredSamples) {
  auto const few = summarize(one_to(99), 1), enough = summarize(one_to(100), 1);
  EXPECT_FALSE(few.p99);
  EXPECT_EQ(few.p99_withheld, "99 samples, 100 needed");
  EXPECT_DOUBLE_EQ(*enough.p99, 99.01);
  EXPECT_EQ(enough.p99_withheld, "");
}

TEST(RelativeHalfWidth, NeedsAnIntervalAndAMedian) {
  Timing timing;
  EXPECT_FALSE(relative_half_width(timing));
  timing.median_ci = Interval{9, 12};
  EXPECT_FALSE(relative_half_width(timing));
  timing.median = 10;
  EXPECT_DOUBLE_EQ(*relative_half_width(timing), 0.15);
}

RankSpread merged(std::vector<RankValue> const& values) {
  RankSpread result;
  for (auto const& value : values) result = merge(result, spread_of(value));
  return result;
}

void expect_same(RankSpread const& a, RankSpread const& b) {
  EXPECT_EQ(a.ranks, b.ranks);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_NEAR(a.mean, b.mean, 1e-12);
  ASSERT_EQ(a.longest.size(), b.longest.size());
  for (std::size_t i = 0; i < a.longest.size(); ++i) {
    EXPECT_EQ(a.longest[i].rank, b.longest[i].rank);
    EXPECT_EQ(a.longest[i].host, b.longest[i].host);
    EXPECT_EQ(a.longest[i].seconds, b.longest[i].seconds);
  }
}

std::vector<RankValue> some_ranks(std::size_t count) {
  std::mt19937_64 random(3);
  std::vector<RankValue> values;
  for (std::size_t i = 0; i < count; ++i) // few different times, so that there are ties
    values.push_back({static_cast<std::int64_t>(i), "h" + std::to_string(i), static_cast<double>(random() % 10) / 8});
  return values;
}

TEST(RankSpread, MergesInAnyOrder) {
  std::mt19937_64 random(5);
  auto values = some_ranks(40);
  auto const expected = merged(values);
  EXPECT_EQ(expected.ranks, 40U);
  EXPECT_EQ(expected.longest.size(), 8U);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    auto const cut = static_cast<std::ptrdiff_t>(random() % 40);
    auto const left = merged({values.begin(), values.begin() + cut}),
               right = merged({values.begin() + cut, values.end()});
    expect_same(merge(left, right), expected);
    expect_same(merge(right, left), expected);
  }
}

TEST(RankSpread, MergeIsAssociative) {
  auto const values = some_ranks(30);
  auto const a = merged({values.begin(), values.begin() + 7}), b = merged({values.begin() + 7, values.begin() + 9}),
             c = merged({values.begin() + 9, values.end()});
  expect_same(merge(merge(a, b), c), merge(a, merge(b, c)));
}

TEST(RankSpread, LeavesNothingAsItIs) {
  auto const one = spread_of({3, "h", 0.5});
  expect_same(merge(one, {}), one);
  expect_same(merge({}, one), one);
  EXPECT_EQ(merge({}, {}).ranks, 0U);
}

} // namespace
} // namespace maru
