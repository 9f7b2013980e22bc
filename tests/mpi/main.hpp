// SPDX-License-Identifier: Apache-2.0
// main() of a test program that runs under mpirun. Rank 0 reports all, the others only what fails there.
#pragma once

#include "core/world.hpp"

#include <cstdio>
#include <exception>
#include <gtest/gtest.h>

namespace maru {

inline World* world = nullptr;

class FailuresOnly final : public testing::EmptyTestEventListener {
  void OnTestPartResult(testing::TestPartResult const& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d: %s\n", world->rank(), result.file_name(), result.line_number(),
                   result.message());
  }
};

inline int run_tests() {
  if (world->rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly);
  }
  bool const good = RUN_ALL_TESTS() == 0;
  return world->all_agree(good) ? 0 : 1;
}

} // namespace maru

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // A rank that throws in the middle of a collective leaves the others waiting: end the job instead of the test.
  GTEST_FLAG_SET(catch_exceptions, false);
  auto const owner = maru::mpi_world();
  maru::world = owner.get();
  try {
    return maru::run_tests();
  } catch (std::exception const& error) {
    std::fprintf(stderr, "rank %d: %s\n", owner->rank(), error.what());
    owner->abort(3);
  }
}
