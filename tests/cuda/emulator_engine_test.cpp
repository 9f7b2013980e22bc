// SPDX-License-Identifier: Apache-2.0
// What tests/emulator promises of mbarriers and the copy engine.
#include "tests/cuda/emulator_test.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <vector>

namespace maru::emulator {
namespace {

TEST(EmulatedBarrier, PhasesTurn) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    int produced = 0, wrong = 0;
    auto const kernel = [&] {
      auto const full = memory(0), empty = memory(8);
      if (threadIdx.x == 0) {
        barrier_init(full, 1);
        barrier_init(empty, 32);
      }
      __syncthreads();
      for (std::uint32_t i = 0; i < 5; ++i)
        if (threadIdx.x == 32) {
          barrier_wait(empty, 1 ^ (i & 1), false); // at once in the first turn
          ++produced;
          barrier_arrive(full);
        } else if (threadIdx.x < 32) {
          barrier_wait(full, i & 1, false);
          if (produced != static_cast<int>(i) + 1) ++wrong;
          barrier_arrive(empty);
        }
    };
    EXPECT_EQ(failure({{1}, {64}, 2048}, seed, kernel), "");
    EXPECT_EQ(produced, 5);
    EXPECT_EQ(wrong, 0);
  }
}

TEST(EmulatedBarrier, MistakesAreFound) {
  auto const in_one_thread = [](auto const& body) { return failure({{1}, {1}, 2048}, 0, body); };
  EXPECT_TRUE(says(in_one_thread([] { barrier_arrive(memory(0)); }), "nobody initialised"));
  EXPECT_TRUE(says(in_one_thread([] { barrier_init(memory(4), 1); }), "no multiple of 8"));
  EXPECT_TRUE(says(in_one_thread([] {
                     barrier_init(memory(0), 1);
                     barrier_init(memory(0), 1);
                   }),
                   "again"));
  EXPECT_TRUE(says(in_one_thread([] {
                     barrier_init(memory(0), 1);
                     barrier_arrive_expect(memory(0), 16); // the phase cannot end, and nobody is left to arrive
                     barrier_arrive(memory(0));
                   }),
                   "too often"));
  EXPECT_TRUE(says(in_one_thread([] {
                     barrier_init(memory(0), 1);
                     barrier_wait(memory(0), 0, false);
                   }),
                   "waits for an even phase"));
}

TEST(EmulatedBarrier, ReachesOtherBlocks) {
  auto const kernel = [](bool fence, bool cluster_scope) {
    return [=] {
      auto const barrier = memory(0);
      if (threadIdx.x == 0) {
        barrier_init(barrier, 2);
        if (fence) barrier_init_fence();
      }
      sync_cluster();
      if (threadIdx.x < 2) barrier_arrive(barrier, threadIdx.x);
      barrier_wait(barrier, 0, cluster_scope);
      sync_cluster();
    };
  };
  Shape const shape{{2}, {32}, 2048, 2};
  for (std::uint64_t seed = 0; seed < seeds; ++seed) EXPECT_EQ(failure(shape, seed, kernel(true, true)), "");
  EXPECT_TRUE(says(failure(shape, 0, kernel(false, true)), "made known"));
  EXPECT_TRUE(says(failure(shape, 0, kernel(true, false)), "without acquiring"));
  EXPECT_TRUE(says(failure(shape, 0,
                           [] {
                             if (blockIdx.x == 0) return;
                             sync_cluster();
                             barrier_arrive(memory(0), 0);
                           }),
                   "has ended"));
}

/// A matrix of 16-bit numbers, [rows, columns], and its map.
struct Matrix {
  int rows, columns;
  std::vector<std::uint16_t> values;
  CUtensorMap map{};

  Matrix(int r, int c, int box_rows, bool fill)
      : rows(r), columns(c), values(static_cast<std::size_t>(r) * static_cast<std::size_t>(c)) {
    if (fill) std::iota(values.begin(), values.end(), std::uint16_t{1});
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found{};
#if CUDART_VERSION >= 12050
    cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found);
#else
    cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &function, cudaEnableDefault, &found);
#endif
    cuuint64_t const sizes[] = {static_cast<cuuint64_t>(c), static_cast<cuuint64_t>(r)};
    cuuint64_t const strides[] = {static_cast<cuuint64_t>(c) * 2};
    cuuint32_t const box[] = {64, static_cast<cuuint32_t>(box_rows)}, every[] = {1, 1};
    auto const encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function);
    status = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, values.data(), sizes, strides, box, every,
                    CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                    CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  }
  std::uint16_t get(int r, int c) const {
    return r >= 0 && c >= 0 && r < rows && c < columns
               ? values[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)]
               : std::uint16_t{0};
  }
  CUresult status = CUDA_SUCCESS;
};

TEST(EmulatedEngine, RefusesMapsThatTheDriverRefuses) {
  EXPECT_EQ(Matrix(4, 72, 8, true).status, CUDA_SUCCESS);
  EXPECT_EQ(Matrix(4, 72, 257, true).status, CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(Matrix(4, 71, 8, true).status, CUDA_ERROR_INVALID_VALUE); // rows of no multiple of 16 bytes
}

TEST(EmulatedEngine, LoadsBoxesSwizzledToAllBlocksOfTheMask) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    for (int const row : {0, 90, -3}) {
      Matrix const matrix(100, 104, 16, true);
      int wrong = 0, early = 0;
      auto const kernel = [&] {
        auto const barrier = memory(2048);
        if (threadIdx.x == 0) {
          barrier_init(barrier, 1);
          barrier_init_fence();
        }
        sync_cluster();
        if (threadIdx.x == 0) {
          barrier_arrive_expect(barrier, 2048);
          if (blockIdx.x == 1) load_box(memory(0), &matrix.map, 64, row, barrier, 3);
          if (seed == 0 && *at<std::uint16_t>(memory(0)) != 0xFFFF) ++early; // nobody has waited
        }
        barrier_wait(barrier, 0, true);
        for (int r = 0; r < 16; ++r)
          for (int c = 0; c < 64; ++c)
            if (*at<std::uint16_t>(memory(place(r, c))) != matrix.get(row + r, 64 + c)) ++wrong;
        sync_cluster();
      };
      EXPECT_EQ(failure({{2}, {1}, 4096, 2}, seed, kernel), "");
      EXPECT_EQ(wrong, 0);
      EXPECT_EQ(early, 0);
    }
}

TEST(EmulatedEngine, LoadsNeedTheirBytesExpected) {
  Matrix const matrix(16, 64, 16, true);
  auto const kernel = [&](std::uint32_t expected, bool waits) {
    return [&, expected, waits] {
      barrier_init(memory(2048), 1);
      barrier_init_fence();
      barrier_arrive_expect(memory(2048), expected);
      load_box(memory(0), &matrix.map, 0, 0, memory(2048), 1);
      if (waits) barrier_wait(memory(2048), 0, false);
    };
  };
  EXPECT_EQ(failure({{1}, {1}, 4096}, 0, kernel(2048, true)), "");
  EXPECT_TRUE(says(failure({{1}, {1}, 4096}, 0, kernel(2047, true)), "deadlock"));
  EXPECT_TRUE(says(failure({{1}, {1}, 4096}, 0, kernel(2048, false)), "ended"));
}

/// One warp stores 16 bytes a lane, [8,64] in all, twice through the same buffer.
struct StoreKernel {
  bool fence = true, read_before = true, done = true;
  CUtensorMap const* map = nullptr;
  void operator()() const {
    for (int turn = 0; turn < 2; ++turn) {
      if (read_before && lane() == 0) stores_read(0);
      __syncwarp();
      for (int half = 0; half < 2; ++half) {
        // Lane 8·i + r names row r of an 8×8 matrix: columns from 8·i on.
        std::uint32_t const r = static_cast<std::uint32_t>(turn * 1000 + half * 100) + lane();
        stmatrix(memory(place(static_cast<int>(lane() % 8), static_cast<int>(half * 32 + lane() / 8 * 8))),
                 {r, r, r, r});
      }
      if (fence) async_fence();
      __syncwarp();
      if (lane() != 0) continue;
      store_box(map, 8, 4 + 8 * turn, memory(0));
      stores_commit();
    }
    if (done && lane() == 0) stores_done(0);
  }
};

bool stored(Matrix const& matrix) {
  for (int r = 0; r < 16; ++r)
    for (int c = 0; c < 48; c += 2) {
      bool const inside = r >= 4 && c >= 8;
      int const turn = (r - 4) / 8, half = (c - 8) / 32;
      int const expected = turn * 1000 + half * 100 + (r - 4) % 8 * 4 + (c - 8) % 8 / 2;
      if (matrix.get(r, c) != (inside ? expected : 0) || matrix.get(r, c + 1) != 0) return false;
    }
  return true;
}

TEST(EmulatedEngine, StoresBoxesAndClips) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Matrix const matrix(16, 48, 8, false);
    EXPECT_EQ(failure({{1}, {32}, 4096}, seed, StoreKernel{.map = &matrix.map}), "");
    EXPECT_TRUE(stored(matrix));
  }
}

TEST(EmulatedEngine, StoresThatAreNotWaitedForAreFound) {
  Matrix const matrix(16, 48, 8, false);
  Shape const shape{{1}, {32}, 4096};
  EXPECT_TRUE(says(failure(shape, 0, StoreKernel{.fence = false, .map = &matrix.map}), "did not fence"));
  EXPECT_TRUE(says(failure(shape, 0, StoreKernel{.done = false, .map = &matrix.map}), "still reads"));
  Matrix const overwritten(16, 48, 8, false);
  EXPECT_EQ(failure(shape, 0, StoreKernel{.read_before = false, .map = &overwritten.map}), "");
  EXPECT_FALSE(stored(overwritten));
}

} // namespace
} // namespace maru::emulator
