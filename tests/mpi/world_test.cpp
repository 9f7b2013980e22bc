// SPDX-License-Identifier: Apache-2.0
#include "bench/agree.hpp"
#include "core/clock_sync.hpp"
#include "core/work.hpp"
#include "tests/mpi/main.hpp"
#include "tests/world_conformance.hpp"

#include <cmath>

namespace maru {
namespace {

TEST(MpiWorld, Conforms) { expect_world_conforms(*world); }

TEST(MpiWorld, OneRanksFailureReachesAllInTheSameWords) {
  auto const last = world->size() - 1;
  try {
    all_or_none(*world, [&] {
      if (world->rank() == last) throw Error(Exit::usage, "not readable here");
    });
    FAIL() << "nobody was told";
  } catch (AgreedError const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    auto const text =
        last == 0 ? std::string("not readable here") : "rank " + std::to_string(last) + ": not readable here";
    EXPECT_EQ(error.what(), text);
  }
}

// Ranks of one machine read one clock; named apart, they must find by ping-pong that they agree within their error.
TEST(ClockSync, FindsTheSharedClockWithinItsError) {
  auto const fit = measure_clock(*world, "clock of rank " + std::to_string(world->rank()));
  if (world->rank() == 0) return;
  EXPECT_FALSE(fit.same_clock);
  EXPECT_GT(fit.error, 0);
  EXPECT_LE(std::abs(fit.offset), fit.error);
  double const now = monotonic_seconds();
  EXPECT_NEAR(fit.from_rank0(fit.to_rank0(now)), now, 1e-9);
}

TEST(ClockSync, ClocksNamedAlikeHaveNoOffset) {
  auto const fit = measure_clock(*world, "one clock");
  EXPECT_TRUE(fit.same_clock);
  EXPECT_EQ(fit.offset, 0);
}

} // namespace
} // namespace maru
