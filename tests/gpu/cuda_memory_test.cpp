// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/memory/cuda_stream.hpp"
#include "kernels/random.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace maru {

extern Backend const cuda_stream_backend;
extern Backend const cuda_transfer_backend;

namespace {

constexpr std::uint64_t x_seed = 7, y_seed = 8;
constexpr MemoryKind kinds[] = {MemoryKind::copy,  MemoryKind::scale, MemoryKind::add,
                                MemoryKind::triad, MemoryKind::read,  MemoryKind::write};
/// Around a vector, a tile of each shape, and a grid of resident blocks.
constexpr std::uint64_t counts[] = {1, 2, 3, 31, 2047, 2048, 2049, 8191, 8192, 8193, 1234567, 5000001};

class CudaMemory : public ::testing::Test {
protected:
  void SetUp() override {
    auto const list = cuda_accelerators.list();
    if (list.devices.empty()) GTEST_SKIP() << "no GPU: " << list.reason;
    cuda_accelerators.use(0);
  }
};

std::vector<StreamShape> every_shape() {
  std::vector<StreamShape> result;
  for (int const threads : {256, 512})
    for (int const per_thread : {8, 16})
      for (bool const resident : {false, true})
        for (bool const streaming : {false, true}) result.push_back({threads, per_thread, resident, streaming});
  return result;
}

bool reads(MemoryKind kind) { return kind == MemoryKind::read; }

/// Arrays with some elements behind their end, which nothing may touch.
struct Arrays {
  static constexpr std::uint64_t behind = 64;

  Arrays(MemoryKind kind, std::uint64_t count)
      : x((count + behind) * sizeof(double)), y(x.size()), out(x.size()), sums(x.size()) {
    fill_random(x.data(), Dtype::f64, count + behind, x_seed, nullptr);
    fill_random(y.data(), Dtype::f64, count + behind, y_seed, nullptr);
    poison_device(out.data(), out.size(), nullptr);
    poison_device(sums.data(), sums.size(), nullptr);
    call = {kind, x.as<double>(), y.as<double>(), out.as<double>(), sums.as<std::uint64_t>(), count, 1, 99};
  }
  StreamGrid run(StreamShape const& shape) const {
    auto const grid = stream_grid(shape, call.count, shape.resident ? resident_stream_blocks(call.kind, shape) : 0);
    launch_stream(call, shape, grid, nullptr);
    return grid;
  }
  StreamMismatch check() const {
    StreamMismatch result;
    DeviceBytes const there(sizeof result);
    MARU_CHECK(CudaApi, cudaMemcpy(there.data(), &result, sizeof result, cudaMemcpyHostToDevice));
    check_stream(call, x_seed, y_seed, there.as<StreamMismatch>(), nullptr);
    MARU_CHECK(CudaApi, cudaMemcpy(&result, there.data(), sizeof result, cudaMemcpyDeviceToHost));
    return result;
  }
  template <class T> std::vector<T> fetch(DeviceBytes const& bytes, std::uint64_t from, std::uint64_t count) const {
    std::vector<T> result(count);
    MARU_CHECK(CudaApi, cudaMemcpy(result.data(), bytes.as<T>() + from, count * sizeof(T), cudaMemcpyDeviceToHost));
    return result;
  }

  DeviceBytes x, y, out, sums;
  StreamCall call;
};

std::string text(StreamShape const& s, MemoryKind kind, std::uint64_t count) {
  return std::string(name(kind)) + " of " + std::to_string(count) + " by " + std::to_string(s.threads) + " x " +
         std::to_string(s.per_thread) + (s.resident ? " resident" : "") + (s.streaming ? " streaming" : "");
}

TEST_F(CudaMemory, every_shape_writes_every_element_and_nothing_behind) {
  for (auto const kind : kinds)
    for (auto const count : counts)
      for (auto const& shape : every_shape()) {
        if (reads(kind)) continue;
        SCOPED_TRACE(text(shape, kind, count));
        Arrays const arrays(kind, count);
        arrays.run(shape);
        ASSERT_EQ(arrays.check().wrong, 0U);
        for (auto const word : arrays.fetch<std::uint64_t>(arrays.out, count, Arrays::behind))
          ASSERT_EQ(word, ~std::uint64_t{0});
      }
}

TEST_F(CudaMemory, every_shape_reads_every_element_once) {
  for (auto const count : counts)
    for (auto const& shape : every_shape())
      for (std::uint64_t const sweeps : {1, 3}) {
        SCOPED_TRACE(text(shape, MemoryKind::read, count));
        Arrays arrays(MemoryKind::read, count);
        arrays.call.sweeps = sweeps;
        auto const grid = arrays.run(shape);
        std::uint64_t expected = 0, got = 0;
        for (std::uint64_t i = 0; i < count; ++i)
          expected += std::bit_cast<std::uint64_t>(random_value<double>(x_seed, i));
        for (auto const sum : arrays.fetch<std::uint64_t>(arrays.sums, 0, grid.blocks)) got += sum;
        ASSERT_EQ(got, expected * sweeps);
        ASSERT_EQ(arrays.fetch<std::uint64_t>(arrays.sums, grid.blocks, 1)[0], ~std::uint64_t{0});
      }
}

TEST_F(CudaMemory, the_check_finds_one_flipped_bit) {
  for (auto const kind : kinds) {
    if (reads(kind)) continue;
    constexpr std::uint64_t count = 100003, victim = 77777;
    Arrays const arrays(kind, count);
    arrays.run({});
    auto word = arrays.fetch<std::uint64_t>(arrays.out, victim, 1)[0] ^ 1;
    MARU_CHECK(CudaApi, cudaMemcpy(arrays.out.as<double>() + victim, &word, sizeof word, cudaMemcpyHostToDevice));
    auto const result = arrays.check();
    EXPECT_EQ(result.wrong, 1U) << name(kind);
    EXPECT_EQ(result.first, victim) << name(kind);
  }
}

TEST_F(CudaMemory, a_block_left_out_is_found_with_its_first_element) {
  constexpr std::uint64_t count = 10 * 2048 + 1;
  Arrays const arrays(MemoryKind::triad, count);
  launch_stream(arrays.call, {}, {11, 10}, nullptr); // ten blocks go round and do the eleventh tile too
  EXPECT_EQ(arrays.check().wrong, 0U);
  poison_device(arrays.out.data(), arrays.out.size(), nullptr);
  launch_stream(arrays.call, {}, {10, 10}, nullptr);
  EXPECT_EQ(arrays.check().wrong, 1U);
  EXPECT_EQ(arrays.check().first, count - 1);
}

void expect_right(Work& work, std::uint64_t elements, std::string const& what) {
  auto const result = work.verify();
  EXPECT_TRUE(result.checked) << what;
  EXPECT_EQ(result.wrong, 0U) << what << ": " << result.detail;
  EXPECT_EQ(result.elements, elements) << what;
  EXPECT_LE(result.max_error, 1) << what;
}

void expect_right_before_and_after(Backend const& backend, Operation const& operation, std::uint64_t elements) {
  auto const what = std::string(name(operation)) + " of " + std::to_string(elements);
  auto const refusal = backend.supports(operation);
  ASSERT_FALSE(refusal) << what << ": " << refusal->reason;
  auto const work = backend.prepare(operation, Site{.seed = 3});
  expect_right(*work, elements, what);
  EXPECT_GT(work->lane().time(*work, 3), 0) << what;
  expect_right(*work, elements, what + " after timing");
  EXPECT_FALSE(work->implementation().empty());
}

TEST_F(CudaMemory, the_backend_is_right_in_device_memory_and_in_l2) {
  for (auto const space : {MemorySpace::device, MemorySpace::l2})
    for (auto const kind : kinds)
      for (std::uint64_t const count : {1U, 2049U, 123457U}) {
        // Seven bytes more hold no further element.
        Operation const operation = Memory{.kind = kind, .bytes = 8 * count + 7, .space = space};
        expect_right_before_and_after(cuda_stream_backend, operation, count);
      }
}

TEST_F(CudaMemory, sweeps_in_l2_are_in_the_cost) {
  Memory const memory{.kind = MemoryKind::triad, .bytes = 1 << 20, .space = MemorySpace::l2};
  auto const work = cuda_stream_backend.prepare(memory, Site{});
  EXPECT_DOUBLE_EQ(work->own_cost().value().bytes, 683 * 3 * 0x1p20); // the fewest that make 2 GiB
  auto const once = cuda_stream_backend.prepare(
      Memory{.kind = MemoryKind::triad, .bytes = 1 << 20, .space = MemorySpace::device}, Site{});
  EXPECT_DOUBLE_EQ(once->own_cost().value().bytes, 3 * 0x1p20);
}

TEST_F(CudaMemory, transfers_are_right) {
  for (auto const kind : {TransferKind::host_to_device, TransferKind::device_to_host, TransferKind::both_ways})
    for (std::uint64_t const bytes :
         {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{4097}, (std::uint64_t{8} << 20) + 3})
      expect_right_before_and_after(cuda_transfer_backend, Transfer{.kind = kind, .bytes = bytes},
                                    kind == TransferKind::both_ways ? 2 * bytes : bytes);
}

TEST_F(CudaMemory, peers_get_what_was_sent) {
  auto const devices = static_cast<int>(cuda_accelerators.list().devices.size());
  if (devices < 2) {
    auto const refusal = cuda_transfer_backend.supports(Transfer{.kind = TransferKind::peer, .bytes = 8, .offset = 1});
    ASSERT_TRUE(refusal);
    EXPECT_NE(refusal->reason.find("CUDA_VISIBLE_DEVICES"), std::string::npos);
    GTEST_SKIP() << "one GPU only";
  }
  for (int offset = 1; offset < devices; ++offset)
    expect_right_before_and_after(cuda_transfer_backend,
                                  Transfer{.kind = TransferKind::peer, .bytes = 1000003, .offset = offset}, 1000003);
  int after = -1;
  MARU_CHECK(CudaApi, cudaGetDevice(&after));
  EXPECT_EQ(after, 0);
}

// What needs no GPU.

TEST(CudaMemoryGrid, covers_every_element) {
  for (auto const count : counts)
    for (auto const& shape : every_shape()) {
      auto const tile = static_cast<std::uint64_t>(shape.threads * shape.per_thread);
      auto const grid = stream_grid(shape, count, 100);
      EXPECT_GE(grid.tiles * tile, count);
      EXPECT_LT((grid.tiles - 1) * tile, count);
      EXPECT_EQ(grid.blocks, shape.resident ? std::min<std::uint64_t>(grid.tiles, 100) : grid.tiles);
    }
}

TEST(CudaMemoryGrid, the_pattern_is_a_number_and_differs_between_neighbours) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_GE(stream_pattern(5, i), 1);
    EXPECT_LT(stream_pattern(5, i), 2);
    EXPECT_NE(stream_pattern(5, i), stream_pattern(5, i + 1));
    EXPECT_NE(stream_pattern(5, i), stream_pattern(6, i));
  }
}

TEST(CudaMemoryRefusals, say_why) {
  auto const why = [](Backend const& backend, Operation const& operation) {
    auto const refusal = backend.supports(operation);
    return refusal ? refusal->reason : std::string();
  };
  EXPECT_NE(why(cuda_stream_backend, Memory{.kind = MemoryKind::copy, .bytes = 64}), "");
  EXPECT_NE(why(cuda_stream_backend, Memory{.kind = MemoryKind::copy, .bytes = 7, .space = MemorySpace::device}), "");
  EXPECT_NE(why(cuda_stream_backend, Gemm{.m = 1, .n = 1, .k = 1}), "");
  EXPECT_NE(why(cuda_stream_backend, Memory{.kind = MemoryKind::copy, .bytes = 1ULL << 40, .space = MemorySpace::l2}),
            "");
  EXPECT_NE(why(cuda_transfer_backend, Transfer{.bytes = 0}), "");
  EXPECT_NE(why(cuda_transfer_backend, Spin{}), "");
  EXPECT_NE(why(cuda_transfer_backend, Transfer{.kind = TransferKind::peer, .bytes = 8, .offset = 0}), "");
}

} // namespace
} // namespace maru
