// SPDX-License-Identifier: Apache-2.0
// What tests/emulator promises of threads, blocks and clusters: kernels that are right pass with every seed, and each
// kind of mistake is found.
#include "tests/cuda/emulator_test.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <set>
#include <vector>

namespace maru::emulator {
namespace {

/// Seeds with which the kernel fails or `right` is false afterwards.
template <class Right>
std::set<std::uint64_t> bad_seeds(Shape const& shape, std::function<void()> const& kernel, Right const& right) {
  std::set<std::uint64_t> bad;
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    if (!failure(shape, seed, kernel).empty() || !right()) bad.insert(seed);
  return bad;
}

TEST(Emulator, RunsEveryThreadOfEveryBlock) {
  std::vector<int> count(5040); // 2·3·4 blocks of 5·6·7
  EXPECT_EQ(failure({{2, 3, 4}, {5, 6, 7}}, 1,
                    [&] {
                      auto const block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
                      auto const thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
                      ++count[block * 210 + thread];
                    }),
            "");
  EXPECT_EQ(count, std::vector<int>(count.size(), 1));
}

TEST(Emulator, RefusesShapesThatNoDeviceTakes) {
  for (auto const& shape : {Shape{{0}, {32}}, Shape{{1}, {1025}}, Shape{{3}, {32}, 0, 2}})
    EXPECT_TRUE(says(failure(shape, 0, [] {}), "no device"));
  EXPECT_TRUE(says(failure({{1}, {32}, 228 << 10}, 0, [] {}), "more shared memory"));
}

int shifted[2][96];

template <bool synchronised> void shift() {
  __shared__ int values[96];
  values[threadIdx.x] = static_cast<int>(threadIdx.x + 100 * blockIdx.x);
  if (synchronised) __syncthreads();
  shifted[blockIdx.x][threadIdx.x] = values[(threadIdx.x + 33) % 96];
}
bool all_shifted() {
  for (int block = 0; block < 2; ++block)
    for (int i = 0; i < 96; ++i)
      if (shifted[block][i] != (i + 33) % 96 + 100 * block) return false;
  return true;
}

TEST(Emulator, BarrierMakesNeighboursVisible) {
  EXPECT_TRUE(bad_seeds({{2}, {96}}, shift<true>, all_shifted).empty());
  EXPECT_EQ(bad_seeds({{2}, {96}}, shift<false>, all_shifted).size(), seeds); // a missing one is found
}

TEST(Emulator, SharedMemoryIsPoisonAtFirst) {
  bool poisoned = true;
  auto const kernel = [&] {
    __shared__ float variable[4];
    auto const* const asked = reinterpret_cast<float const*>(dynamic_memory());
    poisoned = poisoned && std::isnan(variable[threadIdx.x % 4]) && std::isnan(asked[threadIdx.x]);
    __syncthreads();
    variable[threadIdx.x % 4] = 0;
  };
  EXPECT_TRUE(bad_seeds({{3}, {32}, 128}, kernel, [&] { return poisoned; }).empty());
}

TEST(Emulator, ShufflesAndVotes) {
  std::vector<int> down(48), exchanged(48), from(48), votes(48);
  auto const kernel = [&] {
    int const i = static_cast<int>(threadIdx.x);
    auto const mask = i < 32 ? ~0U : 0xFFFFU;
    auto const at = static_cast<std::size_t>(i);
    down[at] = __shfl_down_sync(mask, i, 3, 16);
    exchanged[at] = __shfl_xor_sync(mask, i, 5);
    from[at] = __shfl_sync(mask, i, 7);
    votes[at] = static_cast<int>(__ballot_sync(mask, i % 8 == 0));
  };
  auto const right = [&] {
    for (int i = 0; i < 48; ++i) {
      auto const at = static_cast<std::size_t>(i);
      if (down[at] != (i % 16 < 13 ? i + 3 : i) || exchanged[at] != (i ^ 5) || from[at] != (i < 32 ? 7 : 39) ||
          votes[at] != (i < 32 ? 0x01010101 : 0x0101))
        return false;
    }
    return true;
  };
  EXPECT_TRUE(bad_seeds({{1}, {48}}, kernel, right).empty());
}

TEST(Emulator, AtomicsAddUp) {
  unsigned long long sum = 0, least = ~0ULL;
  EXPECT_EQ(failure({{4}, {64}}, 3,
                    [&] {
                      atomicAdd(&sum, threadIdx.x);
                      atomicMin(&least, 100 + threadIdx.x);
                    }),
            "");
  EXPECT_EQ(sum, 4U * 63 * 32);
  EXPECT_EQ(least, 100U);
}

TEST(Emulator, DeadlockSaysWhoWaitsWhere) {
  auto const text = failure({{1}, {128}}, 0, [] {
    if (threadIdx.x < 64) __syncthreads();
    if (threadIdx.x >= 96) sync_block(3, 64);
  });
  EXPECT_TRUE(says(text, "deadlock")) << text;
  EXPECT_TRUE(says(text, "threads 0-63: waits at barrier")) << text;
  EXPECT_TRUE(says(text, "threads 64-95: ended")) << text;
  EXPECT_TRUE(says(text, "threads 96-127: waits at barrier 3")) << text;
  EXPECT_EQ(failure({{1}, {128}}, 0, [] { __syncthreads(); }), ""); // and nothing is left behind
}

TEST(Emulator, NamedBarriersAreApart) {
  std::vector<int> order;
  EXPECT_EQ(failure({{1}, {256}}, 0,
                    [&] {
                      sync_block(1 + threadIdx.x / 128, 128);
                      if (threadIdx.x % 128 == 0) order.push_back(static_cast<int>(threadIdx.x));
                      __syncthreads();
                    }),
            "");
  EXPECT_EQ(order.size(), 2U);
  EXPECT_TRUE(says(failure({{1}, {256}}, 0, [] { sync_block(1, 128 + threadIdx.x / 64 * 64); }), "counts other"));
}

TEST(Emulator, WarpMustMeetAtOneInstruction) {
  int const zero = 0;
  EXPECT_TRUE(says(failure({{1}, {32}}, 0,
                           [&] {
                             if (threadIdx.x < 16)
                               __syncwarp();
                             else
                               __shfl_sync(~0U, zero, 0);
                           }),
                   "where others of its warp wait"));
  EXPECT_TRUE(says(failure({{1}, {32}}, 0,
                           [&] {
                             if (threadIdx.x < 16) __syncwarp();
                           }),
                   "deadlock"));
  EXPECT_TRUE(says(failure({{1}, {32}}, 0, [] { __syncwarp(0xFFFF); }), "own mask"));
}

TEST(Emulator, AddressesOutsideOfSharedMemoryAreFound) {
  auto const copy = [](std::uint32_t offset) {
    return [=] { copy_16(shared_address(dynamic_memory()) + offset, nullptr, 0); };
  };
  EXPECT_EQ(failure({{1}, {1}, 64}, 0, copy(48)), "");
  EXPECT_TRUE(says(failure({{1}, {1}, 64}, 0, copy(64)), "outside"));
  EXPECT_TRUE(says(failure({{1}, {1}, 64}, 0, copy(8)), "no multiple of 16"));
  int elsewhere = 0;
  EXPECT_TRUE(says(failure({{1}, {1}, 64}, 0, [&] { shared_address(&elsewhere); }), "not in its shared memory"));
}

/// Two stages, of which one is filled while the other is read.
template <bool waits, bool synchronises> void pipeline(int const* from, long* sum) {
  auto* const stages = reinterpret_cast<int*>(dynamic_memory());
  auto const i = std::size_t{threadIdx.x};
  auto const bring = [&](std::size_t step) {
    if (step < 8) copy_16(shared_address(stages + step % 2 * 256 + 4 * i), from + step * 256 + 4 * i, 16);
    copy_commit();
  };
  bring(0);
  for (std::size_t step = 0; step < 8; ++step) {
    bring(step + 1);
    copy_wait(waits ? 1 : 2);
    __syncthreads();
    for (std::size_t j = 0; j < 4; ++j) atomicAdd(sum, stages[step % 2 * 256 + (4 * i + j + 77) % 256]);
    if (synchronises) __syncthreads();
  }
}

TEST(Emulator, LateCopiesShowAMissingWaitAndEarlyOnesAMissingBarrier) {
  std::vector<int> values(2048);
  std::iota(values.begin(), values.end(), 0);
  alignas(16) static int source[2048];
  std::copy(values.begin(), values.end(), source);
  long sum = 0;
  auto const right = [&] { return std::exchange(sum, 0) == 2048L * 2047 / 2; };
  Shape const shape{{1}, {64}, 2048};
  EXPECT_TRUE(bad_seeds(
                  shape, [&] { pipeline<true, true>(source, &sum); }, right)
                  .empty());
  EXPECT_TRUE(bad_seeds(
                  shape, [&] { pipeline<false, true>(source, &sum); }, right)
                  .contains(0));
  EXPECT_TRUE(bad_seeds(
                  shape, [&] { pipeline<true, false>(source, &sum); }, right)
                  .contains(1));
}

TEST(Emulator, CopiesReadSoManyBytesAndClearTheRest) {
  alignas(16) static unsigned char const source[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  std::vector<unsigned char> got(16);
  EXPECT_EQ(failure({{1}, {1}, 16}, 0,
                    [&] {
                      copy_16(shared_address(dynamic_memory()), source, 3);
                      copy_commit();
                      copy_wait(0);
                      std::copy_n(dynamic_memory(), 16, got.begin());
                    }),
            "");
  EXPECT_EQ(got, (std::vector<unsigned char>{1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Emulator, ClustersRunAtOnce) {
  int before = 0, after = 0;
  auto const kernel = [&] {
    ++before;
    sync_cluster();
    if (before % 192 != 0) ++after; // somebody went on too early
  };
  EXPECT_TRUE(bad_seeds({{8}, {48}, 0, 4}, kernel, [&] { return after == 0; }).empty());
  EXPECT_TRUE(says(failure({{2}, {32}, 0, 2}, 0,
                           [] {
                             __shared__ int volatile variable;
                             variable = 1;
                             if (variable != 1) fail("");
                           }),
                   "not emulated"));
}

TEST(Emulator, RegistersComeFromThePool) {
  auto const kernel = [](int producer, int consumer) {
    return [=] {
      if (threadIdx.x < 128)
        set_registers(producer, false);
      else
        set_registers(consumer, true);
    };
  };
  for (std::uint64_t seed = 0; seed < seeds; ++seed) EXPECT_EQ(failure({{1}, {384}}, seed, kernel(40, 232)), "");
  EXPECT_TRUE(says(failure({{1}, {384}}, 0, kernel(40, 240)), "waits for registers"));
  EXPECT_TRUE(says(failure({{1}, {384}}, 0,
                           [] {
                             if (threadIdx.x < 64) set_registers(40, false);
                           }),
                   "differ in their setmaxnreg"));
  EXPECT_TRUE(says(failure({{1}, {384}}, 0, kernel(41, 232)), "impossible"));
}

void empty_kernel() {}

TEST(Emulator, MuchSharedMemoryMustBeAskedFor) {
  auto const* const kernel = reinterpret_cast<void const*>(&empty_kernel);
  Shape const shape{{1}, {32}, 50 << 10};
  EXPECT_THROW(launch(kernel, shape, empty_kernel), Failure);
  cudaFuncSetAttribute(empty_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 50 << 10);
  EXPECT_NO_THROW(launch(kernel, shape, empty_kernel));
}

TEST(Emulator, FindsWhatIsWrittenBeyondAnAllocation) {
  int const before = damaged_allocations();
  void* data = nullptr;
  cudaMalloc(&data, 100);
  cudaFree(data);
  EXPECT_EQ(damaged_allocations(), before);
  cudaMalloc(&data, 100);
  static_cast<char*>(data)[100] = 0;
  cudaFree(data);
  EXPECT_EQ(damaged_allocations(), before + 1);
  cudaMalloc(&data, 100);
  static_cast<char*>(data)[-1] = 0;
  cudaFree(data);
  EXPECT_EQ(damaged_allocations(), before + 2);
  cudaMalloc(&data, 512);
  EXPECT_DEATH(std::exit(static_cast<char volatile*>(data)[512]), ""); // even reading
  cudaFree(data);
}

} // namespace
} // namespace maru::emulator
