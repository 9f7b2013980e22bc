// SPDX-License-Identifier: Apache-2.0
// What every World must do, whatever carries it: run by the unit tests over threads and by the MPI tests over MPI.
#pragma once

#include "core/world.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace maru {

inline void expect_world_conforms(World& tested) {
  int const rank = tested.rank(), size = tested.size();
  ASSERT_GE(rank, 0);
  ASSERT_LT(rank, size);
  tested.barrier();

  for (int root = 0; root < size; ++root) { // also of another length than the receivers' own
    auto const text = std::string(static_cast<std::size_t>(root), 'x') + "from " + std::to_string(root);
    EXPECT_EQ(tested.broadcast_text(rank == root ? text : "mine", root), text);
  }

  auto const gathered = tested.gather_text(std::string(static_cast<std::size_t>(rank), 'a'));
  ASSERT_EQ(gathered.size(), rank == 0 ? static_cast<std::size_t>(size) : 0U);
  for (std::size_t other = 0; other < gathered.size(); ++other) EXPECT_EQ(gathered[other].size(), other);

  std::array<double, 2> values{static_cast<double>(rank), static_cast<double>(-rank)};
  tested.all_reduce_max(values);
  EXPECT_EQ(values[0], size - 1);
  EXPECT_EQ(values[1], 0);

  EXPECT_TRUE(tested.all_agree(true));
  EXPECT_FALSE(tested.all_agree(rank != size - 1));

  if (size > 1) { // a ring, by parity, so that nobody waits for nobody
    double const mine = rank;
    double theirs = -1;
    int const next = (rank + 1) % size, previous = (rank + size - 1) % size;
    if (rank == 0) tested.send(next, std::as_bytes(std::span(&mine, 1)));
    tested.receive(previous, std::as_writable_bytes(std::span(&theirs, 1)));
    if (rank != 0) tested.send(next, std::as_bytes(std::span(&mine, 1)));
    EXPECT_EQ(theirs, previous);
  }

  for (int round = 0; round < 2; ++round) { // twice: nothing of the first split may be left over
    auto const half = tested.split(rank % 2);
    EXPECT_EQ(half->rank(), rank / 2);
    EXPECT_EQ(half->size(), (size + (rank % 2 == 0 ? 1 : 0)) / 2);
    std::array<double, 1> top{static_cast<double>(rank)};
    half->all_reduce_max(top);
    EXPECT_EQ(static_cast<int>(top[0]) % 2, rank % 2);
  }
  tested.barrier();
}

} // namespace maru
