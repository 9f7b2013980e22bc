// SPDX-License-Identifier: Apache-2.0
// Emulates on the host what the PTX ISA says that ldmatrix and mma.sync do with addresses and registers, and multiplies
// matrices that way with the addresses of kernels/gemm/tensor_layout.hpp; and holds the rest of that file to the PTX
// ISA's tables.
#include "kernels/gemm/tensor_layout.hpp"
#include "tests/unit/tensor_emulation.hpp"

#include <array>
#include <gtest/gtest.h>
#include <set>
#include <utility>
#include <vector>

namespace maru::tensor {
namespace {

/// Registers of a warp for four 8×8 matrices of 16 bits: lane l holds values 2·(l%4) and +1 of row l/4; lanes 8j to
/// 8j+7 name the rows of matrix j.
using Registers = std::array<std::array<std::array<std::int16_t, 2>, 4>, 32>; ///< [lane][matrix][half]
using Addresses = std::array<std::uint32_t, 32>;

Registers ldmatrix(Shared const& shared, Addresses const& addresses) {
  Registers r;
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t j = 0; j < 4; ++j)
      for (std::size_t half = 0; half < 2; ++half)
        r[lane][j][half] =
            shared.get(addresses[8 * j + lane / 4] + static_cast<std::uint32_t>(4 * (lane % 4) + 2 * half));
  return r;
}
/// Eight rows of 16 bytes are moved at once; in different banks, or they queue.
void expect_no_conflict(Addresses const& addresses) {
  for (std::size_t j = 0; j < 4; ++j) {
    std::set<std::uint32_t> banks;
    for (std::size_t i = 0; i < 8; ++i) banks.insert(addresses[8 * j + i] / 16 % 8);
    EXPECT_EQ(banks.size(), 8U);
  }
}

/// What tiled.cu does with one tile.
void multiply_tile(Shape const& s, Matrix& a, Matrix& b, Matrix& c, Matrix& writes, Place place) {
  using Tile = MmaTile;
  std::vector<std::array<int, 128>> d(Tile::threads); // [i][j][4] of a thread
  for (int step = 0; step < blocks(s.k, Tile::k); ++step) {
    Shared shared(Tile::stage_bytes);
    for (int row = 0; row < Tile::m; ++row)
      for (int k = 0; k < Tile::k; ++k) {
        auto const to = Tile::address(row, k / 8) + static_cast<std::uint32_t>(k % 8 * 2);
        int const from = step * Tile::k + k, i = place.row * Tile::m + row, j = place.column * Tile::n + row;
        shared.put(to, a.has(i, from) ? a.at(i, from) : std::int16_t{0});
        shared.put(Tile::a_bytes + to, b.has(j, from) ? b.at(j, from) : std::int16_t{0});
      }
    for (int warp = 0; warp < 4; ++warp)
      for (int half = 0; half < 2; ++half)
        for (int i = 0; i < 4; ++i)
          for (int j = 0; j < 4; ++j) {
            Addresses left, right;
            for (int lane = 0; lane < 32; ++lane) {
              auto const p = block_place(lane), q = columns_place(lane);
              left[static_cast<std::size_t>(lane)] =
                  Tile::address(warp / Tile::warps_n * Tile::warp_m + 16 * i + p.row, 2 * half + p.column);
              right[static_cast<std::size_t>(lane)] =
                  Tile::a_bytes +
                  Tile::address(warp % Tile::warps_n * Tile::warp_n + 16 * j + q.row, 2 * half + q.column);
            }
            expect_no_conflict(left);
            expect_no_conflict(right);
            auto const x = ldmatrix(shared, left), y = ldmatrix(shared, right);
            // m16n8k16: A's register 2·(k ≥ 8) + (row ≥ 8), B's register (k ≥ 8); each two neighbours along k.
            int ma[16][16], mb[16][16];
            for (std::size_t lane = 0; lane < 32; ++lane)
              for (std::size_t r = 0; r < 4; ++r)
                for (std::size_t h = 0; h < 2; ++h) {
                  ma[lane / 4 + 8 * (r % 2)][lane % 4 * 2 + h + 8 * (r / 2)] = x[lane][r][h];
                  mb[lane / 4 + 8 * (r / 2)][lane % 4 * 2 + h + 8 * (r % 2)] = y[lane][r][h];
                }
            for (std::size_t lane = 0; lane < 32; ++lane)
              for (std::size_t v = 0; v < 8; ++v) {
                int sum = 0;
                for (int k = 0; k < 16; ++k)
                  sum += ma[lane / 4 + 8 * (v % 4 / 2)][k] * mb[8 * (v / 4) + lane % 4 * 2 + v % 2][k];
                d[static_cast<std::size_t>(warp) * 32 + lane]
                 [static_cast<std::size_t>(i) * 32 + static_cast<std::size_t>(j) * 8 + v] += sum;
              }
          }
  }
  for (int thread = 0; thread < Tile::threads; ++thread)
    for (int v = 0; v < 128; ++v) {
      int const warp = thread / 32;
      auto const p = accumulator_place(thread % 32, v % 4);
      int const row = place.row * Tile::m + warp / Tile::warps_n * Tile::warp_m + v / 32 * 16 + p.row;
      int const column = place.column * Tile::n + warp % Tile::warps_n * Tile::warp_n + v % 32 / 4 * 8 + p.column;
      if (!c.has(row, column)) continue;
      c.at(row, column) = static_cast<std::int16_t>(d[static_cast<std::size_t>(thread)][static_cast<std::size_t>(v)]);
      ++writes.at(row, column);
    }
}

class MmaLayout : public testing::TestWithParam<Shape> {};
TEST_P(MmaLayout, EmulatedProductIsRight) {
  auto const s = GetParam();
  Matrix a(s.m, s.k, 1), b(s.n, s.k, 2), c(s.m, s.n), writes(s.m, s.n);
  auto const rows = static_cast<std::uint32_t>(blocks(s.m, MmaTile::m));
  auto const columns = static_cast<std::uint32_t>(blocks(s.n, MmaTile::n));
  for (std::uint32_t i = 0; i < rows * columns; ++i)
    multiply_tile(s, a, b, c, writes, tile_at(i, rows, columns, MmaTile::band));
  expect_product(a, b, c, writes);
}
INSTANTIATE_TEST_SUITE_P(Shapes, MmaLayout, testing::Values(Shape{128, 128, 32}, Shape{1, 1, 1}, Shape{131, 257, 77}));

TEST(TensorTiles, EachComesOnceAndBandsStayTogether) {
  for (std::uint32_t rows : {1U, 2U, 7U, 8U, 9U, 17U})
    for (std::uint32_t columns : {1U, 3U, 8U, 33U}) {
      std::set<std::pair<int, int>> seen;
      for (std::uint32_t i = 0; i < rows * columns; ++i) {
        auto const place = tile_at(i, rows, columns, 8);
        EXPECT_TRUE(place.row >= 0 && place.row < static_cast<int>(rows));
        EXPECT_TRUE(place.column >= 0 && place.column < static_cast<int>(columns));
        EXPECT_EQ(place.row / 8, static_cast<int>(i / (8 * columns)));
        seen.emplace(place.row, place.column);
      }
      EXPECT_EQ(seen.size(), rows * columns);
    }
}

TEST(TensorIssueStages, FollowTheEnginesSwizzle) {
  for (int row = 0; row < WgmmaIssue::n; ++row)
    for (int k = 0; k < WgmmaIssue::row_bytes / 2; k += 8) // in values of 16 bits
      EXPECT_EQ(WgmmaIssue::address(row, k / 8),
                static_cast<std::uint32_t>(k / 64) * WgmmaIssue::stage_bytes + boxed(0, row, k % 64));
}

/// The PTX ISA's tables "Matrix Fragments for mma.…": groupID = lane / 4, threadID_in_group = lane % 4.
TEST(TensorFragments, AreThoseOfThePtxIsa) {
  for (int lane = 0; lane < 32; ++lane) {
    int const group = lane / 4, thread = lane % 4;
    for (int i = 0; i < 8; ++i) { // m16n8k16, f16 and bf16, values two to a register
      auto const place = a_register(lane, i / 2, 16, 4);
      EXPECT_EQ(place.row, (i < 2 || (i >= 4 && i < 6)) ? group : group + 8);
      EXPECT_EQ(place.column / 2 + i % 2, thread * 2 + i % 2 + (i < 4 ? 0 : 8));
    }
    for (int i = 0; i < 16; ++i) { // m16n8k32, s8 and f8, four to a register
      auto const place = a_register(lane, i / 4, 16, 4);
      EXPECT_EQ(place.row, (i < 4 || (i >= 8 && i < 12)) ? group : group + 8);
      EXPECT_EQ(place.column + i % 4, thread * 4 + i % 4 + (i < 8 ? 0 : 16));
    }
    for (int i = 0; i < 4; ++i) { // m16n8k8, tf32
      auto const place = a_register(lane, i, 16, 4);
      EXPECT_EQ(place.row, i % 2 == 0 ? group : group + 8);
      EXPECT_EQ(place.column / 4, i < 2 ? thread : thread + 4);
    }
    for (int i = 0; i < 8; ++i) { // m16n8k16, f64
      auto const place = a_register(lane, i, 16, 8);
      EXPECT_EQ(place.row, i % 2 == 0 ? group : group + 8);
      EXPECT_EQ(place.column / 8, i % 2 == 0 ? i * 2 + thread : i * 2 - 2 + thread);
    }
    EXPECT_EQ(a_register(lane, 0, 8, 8).row, group); // m8n8k4, f64
    EXPECT_EQ(a_register(lane, 0, 8, 8).column / 8, thread);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(b_register(lane, i, 4).row, group);
      EXPECT_EQ(b_register(lane, i, 4).column / 2, thread * 2 + 8 * i); // f16
      EXPECT_EQ(b_register(lane, i, 4).column, thread * 4 + 16 * i);    // s8
      EXPECT_EQ(b_register(lane, i, 4).column / 4, thread + 4 * i);     // tf32
    }
    for (int i = 0; i < 4; ++i) EXPECT_EQ(b_register(lane, i, 8).column / 8, thread + i * 4); // f64
  }
}

} // namespace
} // namespace maru::tensor
