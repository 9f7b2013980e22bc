// SPDX-License-Identifier: Apache-2.0
#include "bench/watchdog.hpp"

#include "core/work.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> const hosts{"h0", "h0", "h1", "h1"};
std::string step_name(std::uint64_t step) { return "s" + std::to_string(step); }

std::vector<std::string> missing(std::vector<RankSign> ranks) {
  std::vector<std::string> lines;
  for (auto const& [rank, what] :
       describe_missing({.step = 7, .now = 100, .silence = 1, .ranks = std::move(ranks)}, step_name))
    lines.push_back("rank " + std::to_string(rank) + " on " + hosts[rank] + " " + what);
  return lines;
}

TEST(Missing, NobodyWhenAllAreThere) { EXPECT_THAT(missing({{7, 100}, {7, 99.5}, {7, 100}, {7, 100}}), IsEmpty()); }

TEST(Missing, TheOneBehind) {
  EXPECT_THAT(missing({{7, 100}, {7, 100}, {6, 100}, {7, 100}}),
              ElementsAre("rank 2 on h1 did not reach step 7 (s7), last seen in step 6 (s6)"));
}

TEST(Missing, TheSilentOneEvenInTheSameStep) {
  EXPECT_THAT(missing({{7, 100}, {7, 90}, {7, 100}, {7, 100}}),
              ElementsAre("rank 1 on h0 silent for 10.0 s, last seen in step 7 (s7)"));
}

TEST(Missing, TheMonitorItselfMayBeBehind) {
  EXPECT_THAT(missing({{7, 100}, {8, 100}, {8, 100}, {8, 100}}),
              ElementsAre("rank 0 on h0 did not reach step 8 (s8), last seen in step 7 (s7)"));
}

TEST(Missing, OneThatWasNeverHeardOf) {
  EXPECT_THAT(missing({{7, 100}, {7, 100}, {7, 100}, {0, 0}}),
              ElementsAre("rank 3 on h1 did not reach step 7 (s7), never heard of"));
}

// Ranks that keep moving are left alone for longer than the time-out; the test would die with exit code 4 otherwise.
TEST(Watchdog, LeavesARunThatMovesAlone) {
  run_thread_world(3, [](World& world) {
    int ticks = 0;
    {
      Watchdog watchdog(world, {"a", "a", "b"}, 0.4,
                        {.on_fire = [](std::string const&, auto const&) {},
                         .on_tick = [&] { ++ticks; },
                         .on_roll_call = {},
                         .stop_requested = {}});
      double const begun = monotonic_seconds();
      for (int i = 0; monotonic_seconds() - begun < 1.0; ++i) {
        watchdog.step("step " + std::to_string(i));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
    EXPECT_GT(ticks, 3);
  });
}

// All alive in one step is one long call, until it is too long for that.
TEST(Watchdog, GivesALongStepMoreTime) {
  run_thread_world(3, [](World& world) {
    std::string fired;
    {
      Watchdog watchdog(world, {"a", "a", "b"}, 0.5,
                        {.on_fire = [&](std::string const& text, auto const&) { fired = text; },
                         .on_tick = {},
                         .on_roll_call = {},
                         .stop_requested = {}});
      watchdog.step("long");
      std::this_thread::sleep_for(std::chrono::milliseconds(1000));
      watchdog.step("next");
      world.barrier();
    }
    EXPECT_EQ(fired, "");
  });
}

TEST(WatchdogDeathTest, NamesTheRankThatStoppedMovingAndEndsWithItsCode) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      run_thread_world(3,
                       [](World& world) {
                         Watchdog watchdog(
                             world, {"a", "a", "b"}, 0.5,
                             {.on_fire = [](std::string const& text,
                                            auto const&) { std::fprintf(stderr, "%s\n", text.c_str()); },
                              .on_tick = {},
                              .on_roll_call = {},
                              .stop_requested = {}});
                         watchdog.step("first");
                         if (world.rank() != 2) watchdog.step("second");
                         std::this_thread::sleep_for(std::chrono::seconds(20));
                       }),
      testing::ExitedWithCode(4), "rank 2 on b did not reach step 2 \\(second\\), last seen in step 1 \\(first\\)");
}

} // namespace
} // namespace maru
