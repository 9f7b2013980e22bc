// SPDX-License-Identifier: Apache-2.0
// What tests/emulator promises of tensor cores.
#include "tests/cuda/emulator_test.hpp"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace maru::emulator {
namespace {

// Small integers, whose products are exact in every format.

int element(int row, int column) { return (row * 7 + column * 3) % 5 - 2; }
std::uint16_t bf16(int value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16);
}
int product(int row, int column, int depth) {
  int sum = 0;
  for (int l = 0; l < depth; ++l) sum += element(row, l) * element(100 + column, l);
  return sum;
}
/// Where c0 to c3 of m16n8 lie, as the PTX ISA's figures show: groups of four lanes.
int c_row(int i) { return static_cast<int>(lane()) / 4 + (i < 2 ? 0 : 8); }
int c_column(int i) { return static_cast<int>(lane()) % 4 * 2 + i % 2; }

TEST(EmulatedTensor, MmaOfBf16) {
  int wrong = 0;
  auto const kernel = [&] {
    int const group = static_cast<int>(lane()) / 4, in_group = static_cast<int>(lane()) % 4;
    auto const pair = [](int row, int column) {
      return bf16(element(row, column)) | std::uint32_t{bf16(element(row, column + 1))} << 16U;
    };
    std::uint32_t const a[4] = {pair(group, 2 * in_group), pair(group + 8, 2 * in_group), pair(group, 2 * in_group + 8),
                                pair(group + 8, 2 * in_group + 8)};
    std::uint32_t const b[2] = {pair(100 + group, 2 * in_group), pair(100 + group, 2 * in_group + 8)};
    float d[4] = {1, 1, 1, 1};
    mma(Format::bf16, Format::bf16, 16, 32, d, a, b);
    for (int i = 0; i < 4; ++i)
      if (d[i] != static_cast<float>(1 + product(c_row(i), c_column(i), 16))) ++wrong;
  };
  EXPECT_EQ(failure({{1}, {64}}, 2, kernel), "");
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(says(failure({{1}, {32}}, 0,
                           [] {
                             float d[4] = {};
                             std::uint32_t const a[4] = {}, b[2] = {};
                             if (lane() != 5) mma(Format::bf16, Format::bf16, 16, 32, d, a, b);
                           }),
                   "deadlock"));
}

TEST(EmulatedTensor, MmaOfDoublesAndBytes) {
  int wrong = 0;
  auto const kernel = [&] {
    int const group = static_cast<int>(lane()) / 4, in_group = static_cast<int>(lane()) % 4;
    double const a[1] = {static_cast<double>(element(group, in_group))};
    double const b[1] = {static_cast<double>(element(100 + group, in_group))};
    double d[2] = {};
    mma(Format::f64, Format::f64, 8, 32, d, a, b);
    for (int i = 0; i < 2; ++i)
      if (d[i] != product(group, c_column(i), 4)) ++wrong;
    auto const four = [](int row, int column) {
      std::uint32_t r = 0;
      for (int j = 0; j < 4; ++j) r |= (static_cast<std::uint32_t>(element(row, column + j)) & 0xFFU) << (8 * j);
      return r;
    };
    std::uint32_t const x[4] = {four(group, 4 * in_group), four(group + 8, 4 * in_group),
                                four(group, 4 * in_group + 16), four(group + 8, 4 * in_group + 16)};
    std::uint32_t const y[2] = {four(100 + group, 4 * in_group), four(100 + group, 4 * in_group + 16)};
    std::int32_t sum[4] = {};
    mma(Format::s8, Format::s8, 16, 32, sum, x, y);
    for (int i = 0; i < 4; ++i)
      if (sum[i] != product(c_row(i), c_column(i), 32)) ++wrong;
  };
  EXPECT_EQ(failure({{1}, {32}}, 0, kernel), "");
  EXPECT_EQ(wrong, 0);
}

TEST(EmulatedTensor, LdmatrixGivesPairsOfARowOrOfAColumn) {
  int wrong = 0;
  auto const kernel = [&] {
    auto* const values = at<std::array<std::uint16_t, 256>>(memory(0)); // four matrices of 8×8
    for (std::uint32_t i = 0; i < 8; ++i) (*values)[lane() * 8 + i] = static_cast<std::uint16_t>(lane() * 8 + i);
    __syncwarp();
    std::uint32_t r[4], t[4];
    ldmatrix(r, memory(16 * lane()), false);
    ldmatrix(t, memory(16 * lane()), true);
    for (std::uint32_t i = 0; i < 4; ++i) {
      std::uint32_t const row = lane() / 4, column = lane() % 4 * 2;
      std::uint32_t const first = i * 64 + row * 8 + column, across = i * 64 + column * 8 + row;
      if (r[i] != (first | (first + 1) << 16U) || t[i] != (across | (across + 8) << 16U)) ++wrong;
    }
  };
  EXPECT_EQ(failure({{1}, {32}, 4096}, 0, kernel), "");
  EXPECT_EQ(wrong, 0);
}

/// A warpgroup multiplies A [64,64] with B [256,64], whose rows are swizzled, as two groups of two steps along k.
struct WgmmaKernel {
  bool fence = true, async = true, overwrite = false, plain = false;
  int* wrong = nullptr;
  bool* readable_early = nullptr;

  std::uint32_t place_of(int row, int column) const {
    // Without swizzle: columns of 16 bytes, of which each eight rows are 128 bytes; the eight groups of a column of A
    // (32 of B) follow one another.
    if (!plain) return place(row, column);
    return static_cast<std::uint32_t>(column / 8 * 4096 + row / 8 * 128 + row % 8 * 16 + column % 8 * 2);
  }
  std::uint64_t descriptor(std::uint32_t address, int step) const {
    if (plain)
      return (address + static_cast<std::uint32_t>(step) * 8192) >> 4U | std::uint64_t{4096 >> 4} << 16U |
             std::uint64_t{128 >> 4} << 32U;
    return (address + static_cast<std::uint32_t>(step) * 32) >> 4U | std::uint64_t{1} << 16U |
           std::uint64_t{1024 >> 4} << 32U | std::uint64_t{1} << 62U;
  }
  void operator()() const {
    std::uint32_t const a = memory(0), b = memory(32768);
    for (int column = 0; column < 64; ++column)
      for (int row = static_cast<int>(threadIdx.x); row < 256; row += 128) {
        if (row < 64) *at<std::uint16_t>(a + place_of(row, column)) = bf16(element(row, column));
        *at<std::uint16_t>(b + place_of(row, column)) = bf16(element(100 + row, column));
      }
    if (async) async_fence();
    __syncthreads();
    float d[128] = {};
    if (fence) wgmma_fence();
    for (int step = 0; step < 4; ++step) {
      wgmma(Format::bf16, Format::bf16, d, descriptor(a, step), descriptor(b, step), step > 0);
      if (step % 2 == 1) wgmma_commit();
    }
    wgmma_wait(1);
    if (!std::isnan(d[0])) *readable_early = true;
    if (overwrite) { // what the second group reads
      std::memset(at<char>(b), 0, 32768);
      async_fence();
    }
    wgmma_wait(0);
    int const warp = static_cast<int>(threadIdx.x) / 32;
    for (int i = 0; i < 128; ++i)
      if (d[i] != static_cast<float>(product(16 * warp + c_row(i % 4), 8 * (i / 4) + c_column(i % 4), 64))) ++*wrong;
  }
};

TEST(EmulatedTensor, WgmmaMultiplies) {
  for (bool const plain : {false, true})
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      int wrong = 0;
      bool early = false;
      Shape const shape{{1}, {128}, 70000};
      EXPECT_EQ(failure(shape, seed, WgmmaKernel{.plain = plain, .wrong = &wrong, .readable_early = &early}), "");
      EXPECT_EQ(wrong, 0) << seed << (plain ? " plain" : " swizzled");
      EXPECT_FALSE(early);
    }
}

TEST(EmulatedTensor, WgmmaReadsLateAndWantsItsFence) {
  int wrong = 0;
  bool early = false;
  Shape const shape{{1}, {128}, 70000};
  EXPECT_EQ(failure(shape, 0, WgmmaKernel{.overwrite = true, .wrong = &wrong, .readable_early = &early}), "");
  EXPECT_GT(wrong, 0);
  EXPECT_TRUE(
      says(failure(shape, 0, WgmmaKernel{.async = false, .wrong = &wrong, .readable_early = &early}), "last fence"));
  EXPECT_TRUE(says(failure(shape, 0, WgmmaKernel{.fence = false, .wrong = &wrong, .readable_early = &early}), "fence"));
}

TEST(EmulatedTensor, WgmmaIsTheSameForAllWarps) {
  auto const kernel = [](bool all, bool same) {
    return [=] {
      float d[128] = {};
      wgmma_fence();
      bool const last = threadIdx.x >= 96;
      auto const bits = std::uint64_t{1} << 62U | std::uint64_t{64} << 32U | memory(0) >> 4U;
      auto const other = bits + (last && !same ? 2 : 0);
      if (all || !last) wgmma(Format::bf16, Format::bf16, d, other, bits, false);
      wgmma_commit();
      wgmma_wait(0);
    };
  };
  Shape const shape{{1}, {128}, 40000};
  EXPECT_EQ(failure(shape, 0, kernel(true, true)), "");
  EXPECT_TRUE(says(failure(shape, 0, kernel(false, true)), "left out"));
  EXPECT_TRUE(says(failure(shape, 0, kernel(true, false)), "another wgmma"));
}

TEST(EmulatedTensor, DescriptorsAreReadFieldByField) {
  std::uint64_t const bits = 0x1234U | std::uint64_t{0x0456} << 16U | std::uint64_t{0x2789} << 32U |
                             std::uint64_t{5} << 49U | std::uint64_t{2} << 62U;
  auto const d = decode_descriptor(bits);
  EXPECT_EQ(d.address, 0x12340U);
  EXPECT_EQ(d.leading, 0x4560U);
  EXPECT_EQ(d.stride, 0x27890U);
  EXPECT_EQ(d.base_offset, 5U);
  EXPECT_EQ(d.swizzle, 2U);
  EXPECT_THROW(decode_descriptor(bits | std::uint64_t{1} << 15U), Failure);
}

} // namespace
} // namespace maru::emulator
