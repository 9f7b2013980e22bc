// SPDX-License-Identifier: Apache-2.0
#include "bench/arrival.hpp"

#include <chrono>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace maru {
namespace {

constexpr double us = 1e-6;
std::vector<std::string> const hosts{"h0", "h1", "h2", "h3"};

/// Four ranks enter at 1 ms steps with a jitter, one of them late; all leave together 50 us after the last entry.
std::vector<RankArrivals> made_up(int late_rank, double lateness, double jitter, double clock_error) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> noise(0, jitter);
  std::vector<RankArrivals> parts(4);
  for (int i = 0; i < 40; ++i) {
    double last = 0;
    for (int rank = 0; rank < 4; ++rank) {
      auto& part = parts[static_cast<std::size_t>(rank)];
      part.entered.push_back(i * 1e-3 + noise(random) + (rank == late_rank ? lateness : 0));
      part.missed.push_back(0);
      part.clock_error = clock_error;
      last = std::max(last, part.entered.back());
    }
    for (auto& part : parts) part.left.push_back(last + 50 * us);
  }
  return parts;
}

// The proof case: the late rank spends the shortest time in the call, and its victims the longest.
TEST(Arrival, NamesTheCulpritAndNotItsVictims) {
  auto const parts = made_up(2, 300 * us, 2 * us, 1 * us);
  EXPECT_LT(parts[2].left[0] - parts[2].entered[0], parts[0].left[0] - parts[0].entered[0]);
  auto const arrival = judge_arrivals(parts, {0, 1, 2, 3}, hosts);
  ASSERT_TRUE(arrival.last_rank);
  EXPECT_EQ(*arrival.last_rank, 2);
  EXPECT_EQ(arrival.last_host, "h2");
  EXPECT_EQ(arrival.last_share, 1.0);
  EXPECT_NEAR(arrival.lateness, 300 * us, arrival.lateness_error);
  EXPECT_LT(arrival.lateness_error, 5 * us);
  EXPECT_NEAR(arrival.transfer, 50 * us, 1 * us);
}

TEST(Arrival, NamesWorldRanksOfASubgroup) {
  auto parts = made_up(1, 300 * us, 2 * us, 1 * us);
  parts.resize(2);
  EXPECT_EQ(judge_arrivals(parts, {1, 3}, {hosts[1], hosts[3]}).last_rank, 3);
}

// The more ranks, the likelier one of them is the last a few times by chance; and all of a few is not enough for two.
TEST(Arrival, ChanceGrowsWithTheRanks) {
  EXPECT_GE(last_by_chance(3, 20, 128), most_chance);
  EXPECT_LT(last_by_chance(6, 20, 128), most_chance);
  EXPECT_GE(last_by_chance(10, 10, 2), most_chance);
  EXPECT_LT(last_by_chance(11, 11, 2), most_chance);
  EXPECT_NEAR(last_by_chance(20, 20, 2), 2 * std::pow(0.5, 20), 1e-12);
  EXPECT_EQ(last_by_chance(0, 20, 4), 1);
}

TEST(Arrival, ChanceNamesNobody) {
  EXPECT_FALSE(judge_arrivals(made_up(-1, 0, 20 * us, 1 * us), {0, 1, 2, 3}, hosts).last_rank);
}

// With two ranks one of them is last in most of a few iterations, whatever happens.
TEST(Arrival, TwoRanksTakingTurnsNameNobody) {
  auto parts = made_up(1, 10 * us, 40 * us, 0.1 * us);
  parts.resize(2);
  for (auto& part : parts) {
    part.entered.resize(10);
    part.left.resize(10);
    part.missed.resize(10);
  }
  auto const arrival = judge_arrivals(parts, {0, 1}, hosts);
  EXPECT_GE(arrival.last_share, 0.5);
  EXPECT_LT(arrival.last_share, 1);
  EXPECT_FALSE(arrival.last_rank);
}

TEST(Arrival, WhatCostsNothingIsNotNamed) {
  auto parts = made_up(2, 2 * us, 0.1 * us, 0.1 * us); // 2 us late for a transfer of 50 us: 4 %
  EXPECT_FALSE(judge_arrivals(parts, {0, 1, 2, 3}, hosts).last_rank);
  parts = made_up(2, 4 * us, 0.1 * us, 0.1 * us);
  EXPECT_EQ(judge_arrivals(parts, {0, 1, 2, 3}, hosts).last_rank, 2);
}

TEST(Arrival, NothingBelowTheClocksErrorIsClaimed) {
  auto const arrival = judge_arrivals(made_up(2, 30 * us, 1 * us, 50 * us), {0, 1, 2, 3}, hosts);
  EXPECT_FALSE(arrival.last_rank);
  EXPECT_EQ(arrival.clock_error, 50 * us);
}

TEST(Arrival, IterationsThatARankBeganLateAreLeftOut) {
  auto parts = made_up(2, 300 * us, 2 * us, 1 * us);
  for (std::size_t i = 0; i < 30; ++i) parts[1].missed[i] = 1;
  auto const arrival = judge_arrivals(parts, {0, 1, 2, 3}, hosts);
  EXPECT_EQ(arrival.iterations, 10U);
  EXPECT_EQ(arrival.missed, 30U);
  for (auto& missed : parts[1].missed) missed = 1;
  EXPECT_FALSE(judge_arrivals(parts, {0, 1, 2, 3}, hosts).last_rank);
}

TEST(ClockFit, JoiningTwoMeasurementsGivesTheDrift) {
  ClockFit first{.measured_at = 100, .offset = 1e-3, .error = 2 * us, .same_clock = false};
  ClockFit const second{.measured_at = 110, .offset = 1e-3 + 100 * us, .error = 2 * us, .same_clock = false};
  double residual = 0;
  auto const joined = join(first, second, residual);
  EXPECT_NEAR(joined.drift, 10 * us, 1e-12);
  EXPECT_NEAR(joined.drift_error, 0.4 * us, 1e-12);
  EXPECT_NEAR(residual, 100 * us, 1e-12);
  EXPECT_NEAR(joined.to_rank0(120) - 120, 1e-3 + 200 * us, 1e-9);
  EXPECT_NEAR(joined.from_rank0(joined.to_rank0(123)), 123, 1e-9);
  EXPECT_NEAR(joined.error_at(120), 2 * us + 10 * 0.4 * us, 1e-12);
}

TEST(ClockFit, TwoMeasurementsCloseTogetherSayNothingOfTheDrift) {
  ClockFit const first{.measured_at = 100, .offset = 1e-3, .error = 2 * us, .drift_error = 1e-4, .same_clock = false};
  ClockFit const second{.measured_at = 100.005, .offset = 1e-3 + 1 * us, .error = 2 * us, .same_clock = false};
  double residual = 0;
  auto const joined = join(first, second, residual);
  EXPECT_EQ(joined.drift, 0);
  EXPECT_EQ(joined.drift_error, 1e-4);
  EXPECT_LT(joined.error_at(101), 110 * us);
}

// A call on a device has only been queued when it returns; its lane knows when it is over.
TEST(Arrival, WorkOfADeviceIsLeftWhenItIsOver) {
  struct Queued final : Work, Lane {
    void call() override {}
    Verification verify() override { return {}; }
    Lane& lane() override { return *this; }
    double time(Work&, std::uint64_t) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      return 3e-3;
    }
  };
  run_thread_world(2, [](World& world) {
    Queued work;
    auto const arrival = sample_arrivals(world, work, {}, world.rank(), 8, 0.02, {0, 1}, {hosts[0], hosts[0]}, [] {});
    if (world.rank() != 0) return;
    ASSERT_TRUE(arrival);
    ASSERT_GT(arrival->iterations, 0U);
    EXPECT_GE(arrival->transfer, 3e-3);
  });
}

} // namespace
} // namespace maru
