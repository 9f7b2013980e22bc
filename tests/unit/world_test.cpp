// SPDX-License-Identifier: Apache-2.0
#include "tests/world_conformance.hpp"

#include "core/error.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

TEST(SoloWorld, Conforms) { expect_world_conforms(*solo_world()); }

class ThreadWorldSize : public testing::TestWithParam<int> {};
TEST_P(ThreadWorldSize, Conforms) { run_thread_world(GetParam(), expect_world_conforms); }
INSTANTIATE_TEST_SUITE_P(Sizes, ThreadWorldSize, testing::Values(1, 2, 3, 4, 7));

TEST(ThreadWorld, AFailingRankEndsTheOthersToo) {
  EXPECT_THROW(run_thread_world(3,
                                [](World& world) {
                                  if (world.rank() == 1) throw Error(Exit::wrong, "mine");
                                  world.barrier();
                                }),
               Error);
}

} // namespace
} // namespace maru
