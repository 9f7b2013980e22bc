// SPDX-License-Identifier: Apache-2.0
// Runs the source of the CUDA kernels on tests/emulator, with several orders of what the hardware leaves open.
#include "core/backend.hpp"
#include "core/device.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/gemm/cuda_gemm.hpp"
#include "kernels/gemm/cuda_reference.hpp"
#include "kernels/gemm/gemm_tolerance.hpp"
#include "kernels/memory/cuda_stream.hpp"
#include "kernels/minifloat.hpp"
#include "kernels/random.hpp"
#include "tests/emulator/cuda_device.hpp"
#include "tests/emulator/cuda_kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <ostream>
#include <vector>

namespace maru {

extern Backend const tensor_issue_backend;
extern Backend const cuda_naive_backend;
extern Backend const tiled_backend;
extern Backend const wgmma_backend;
extern Backend const cuda_stream_backend;

namespace {

/// A device in use, and nothing written beyond an allocation.
class EmulatedKernels : public ::testing::TestWithParam<std::uint64_t> {
protected:
  void SetUp() override {
    emulator::device() = {};
    emulator::set_seed(0);
    cuda_accelerators.use(0);
  }
  void TearDown() override { EXPECT_EQ(emulator::damaged_allocations(), damaged_before_); }

private:
  int damaged_before_ = emulator::damaged_allocations();
};

std::vector<double> numbers(Dtype dtype, void const* values, std::size_t count) {
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = decode(dtype, values, i);
  return result;
}

struct Shape {
  std::int64_t m, n, k;
  friend std::ostream& operator<<(std::ostream& out, Shape const& s) { return out << s.m << 'x' << s.n << 'x' << s.k; }
};

/// Matrices on the device and their product by the definition.
struct Problem {
  Gemm g;
  DeviceBytes a, b, c;
  std::vector<double> expected;

  Problem(Gemm const& gemm, std::uint64_t seed, bool units)
      : g(gemm), a(bytes(g.in, g.m * g.k)), b(bytes(b_dtype(g.in), g.n * g.k)), c(bytes(g.out, g.m * g.n)) {
    auto* const fill = units ? &fill_units : static_cast<decltype(&fill_units)>(fill_random);
    fill(a.data(), g.in, static_cast<std::size_t>(g.m * g.k), random_bits(seed, 0), nullptr);
    fill(b.data(), b_dtype(g.in), static_cast<std::size_t>(g.n * g.k), random_bits(seed, 1), nullptr);
    poison_device(c.data(), c.size(), nullptr);
    auto const m = static_cast<std::size_t>(g.m), n = static_cast<std::size_t>(g.n), k = static_cast<std::size_t>(g.k);
    auto const x = numbers(g.in, a.data(), m * k), y = numbers(b_dtype(g.in), b.data(), n * k);
    expected.resize(m * n);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t l = 0; l < k; ++l) sum += x[i * k + l] * y[j * k + l];
        expected[i * n + j] = sum;
      }
  }

  GemmOperands operands() const { return {.a = a.data(), .b = b.data(), .c = c.data()}; }

  /// Of the whole of C, one line about the first wrong element; empty when there is none.
  std::string fault(bool exact) const {
    auto const tolerance = gemm_tolerance(g);
    auto const got = numbers(g.out, c.data(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      double reference = expected[i];
      if (exact && g.out == Dtype::bf16) reference = nearest_bf16(reference);
      double const allowed = exact ? 0 : tolerance.relative * std::abs(reference) + tolerance.absolute;
      if (!(std::abs(got[i] - reference) <= allowed))
        return "C[" + std::to_string(i / static_cast<std::size_t>(g.n)) + "," +
               std::to_string(i % static_cast<std::size_t>(g.n)) + "] is " + std::to_string(got[i]) + ", not " +
               std::to_string(reference);
    }
    return {};
  }

private:
  static std::size_t bytes(Dtype dtype, std::int64_t count) {
    return bytes_of(dtype, static_cast<std::uint64_t>(count));
  }
  static double nearest_bf16(double value) {
    auto const low = static_cast<double>(Bf16::truncate(static_cast<float>(value)).widen());
    if (low == value) return value;
    auto const bits = static_cast<std::uint16_t>(Bf16::truncate(static_cast<float>(value)).bits + 1);
    auto const high = static_cast<double>(Bf16{bits}.widen());
    double const below = std::abs(value - low), above = std::abs(high - value);
    return below < above || (below == above && bits % 2 == 1) ? low : high;
  }
};

using Make = std::unique_ptr<DeviceGemmKernel> (*)(Gemm const&);

void expect_right(Make make, Gemm const& g, std::uint64_t seed) {
  Shape const shape{g.m, g.n, g.k};
  SCOPED_TRACE(::testing::Message() << shape << " with seed " << seed);
  for (bool const units : {true, false}) {
    emulator::set_seed(0);
    Problem const problem(g, seed + 1, units);
    emulator::set_seed(seed);
    make(g)->launch(problem.operands(), nullptr);
    EXPECT_EQ(problem.fault(units), "") << (units ? "units" : "random values");
  }
}

template <class T> void expect_sequence(Dtype dtype, std::size_t count) {
  DeviceBytes const data(count * sizeof(T));
  fill_random(data.data(), dtype, count, 7, nullptr);
  for (std::size_t i = 0; i < count; ++i) {
    using Bytes = std::array<unsigned char, sizeof(T)>;
    auto const got = std::bit_cast<Bytes>(data.as<T>()[i]), expected = std::bit_cast<Bytes>(random_value<T>(7, i));
    ASSERT_EQ(got, expected) << name(dtype) << ' ' << i;
  }
}

TEST_F(EmulatedKernels, FillIsTheSequenceOfTheHost) {
  expect_sequence<double>(Dtype::f64, 1001);
  expect_sequence<float>(Dtype::f32, 517);
  expect_sequence<Bf16>(Dtype::bf16, 1);
  expect_sequence<Bf16>(Dtype::bf16, 70001);
  expect_sequence<std::int8_t>(Dtype::s8, 333);
  expect_sequence<std::int32_t>(Dtype::s32, 257);
}

TEST_F(EmulatedKernels, ReferenceMultipliesEveryType) {
  for (auto const& [in, out] :
       {std::pair{Dtype::f64, Dtype::f64}, std::pair{Dtype::f32, Dtype::f32}, std::pair{Dtype::f16, Dtype::f16},
        std::pair{Dtype::bf16, Dtype::f32}, std::pair{Dtype::s8, Dtype::s32}})
    for (auto const& s : {Shape{1, 1, 1}, Shape{65, 67, 131}, Shape{130, 33, 64}})
      for (bool const units : {true, false}) {
        SCOPED_TRACE(::testing::Message() << name(in) << ' ' << s << ' ' << units);
        Problem const problem({.in = in, .out = out, .m = s.m, .n = s.n, .k = s.k}, 3, units);
        emulator::set_seed(5);
        reference_gemm(problem.g, problem.operands(), 0, s.m, problem.c.data(), out, nullptr);
        EXPECT_EQ(problem.fault(units), "");
      }
}

TEST_F(EmulatedKernels, ComparisonFindsWhatIsWrong) {
  Problem const problem({.in = Dtype::bf16, .out = Dtype::f32, .m = 37, .n = 41, .k = 8}, 3, false);
  auto const count = static_cast<std::uint64_t>(37 * 41);
  DeviceBytes const reference(8 * count), result(sizeof(Comparison));
  reference_gemm(problem.g, problem.operands(), 0, 37, reference.data(), Dtype::f64, nullptr);
  reference_gemm(problem.g, problem.operands(), 0, 37, problem.c.data(), Dtype::f32, nullptr);
  problem.c.as<float>()[700] += 1;
  problem.c.as<float>()[901] = std::nanf("");
  *result.as<Comparison>() = {};
  emulator::set_seed(4);
  compare({.out = problem.c.data(), .reference = reference.as<double>(), .count = count, .absolute = 1e-3},
          result.as<Comparison>(), nullptr);
  EXPECT_EQ(result.as<Comparison>()->wrong, 2U);
  EXPECT_EQ(result.as<Comparison>()->first, 700U);
  EXPECT_NEAR(result.as<Comparison>()->largest_error, 1, 1e-3);
  EXPECT_NEAR(result.as<Comparison>()->error_squares, 1, 1e-2);
}

TEST_F(EmulatedKernels, DifferencesAreCounted) {
  std::vector<std::uint32_t> x(5003, 1), y = x;
  y[4001] = 2;
  y[5002] = 0;
  Differences result;
  count_differences(x.data(), y.data(), x.size(), 3, &result, nullptr);
  EXPECT_EQ(result.words, 2U);
  EXPECT_EQ(result.first, 3 * x.size() + 4001);
}

TEST_F(EmulatedKernels, StreamsMoveEveryElement) {
  for (auto const kind :
       {MemoryKind::copy, MemoryKind::scale, MemoryKind::add, MemoryKind::triad, MemoryKind::read, MemoryKind::write})
    for (std::uint64_t const bytes : {8U, 8008U, 40000U, 100008U}) {
      SCOPED_TRACE(::testing::Message() << name(kind) << ' ' << bytes);
      emulator::device().multiprocessors = 2;
      emulator::set_seed(bytes);
      auto const work = cuda_stream_backend.prepare(Memory{kind, bytes, MemorySpace::device}, {.seed = 5});
      auto const verified = work->verify();
      EXPECT_EQ(verified.wrong, 0U) << verified.detail;
      EXPECT_EQ(verified.elements, bytes / 8);
    }
}

/// Every block's sum of bit patterns, over several sweeps of a grid that is no divisor of the tiles.
TEST_F(EmulatedKernels, StreamsSweepAgainAndAgain) {
  constexpr std::uint64_t count = 5000, seed = 9, sweeps = 3, blocks = 4;
  DeviceBytes const x(count * sizeof(double)), sums(blocks * sizeof(std::uint64_t));
  fill_random(x.data(), Dtype::f64, count, seed, nullptr);
  StreamShape const shape{.threads = 64, .per_thread = 8, .resident = true};
  auto const grid = stream_grid(shape, count, blocks);
  ASSERT_EQ(grid.tiles, 10U);
  std::vector<std::uint64_t> expected(blocks);
  for (std::uint64_t step = 0; step < grid.tiles * sweeps; ++step)
    for (auto i = step % grid.tiles * 512; i < std::min<std::uint64_t>(count, (step % grid.tiles + 1) * 512); ++i)
      expected[step % blocks] += std::bit_cast<std::uint64_t>(random_value<double>(seed, i));
  emulator::set_seed(2);
  launch_stream({.kind = MemoryKind::read,
                 .x = x.as<double>(),
                 .sums = sums.as<std::uint64_t>(),
                 .count = count,
                 .sweeps = sweeps},
                shape, grid, nullptr);
  EXPECT_EQ(std::vector<std::uint64_t>(sums.as<std::uint64_t>(), sums.as<std::uint64_t>() + blocks), expected);
}

TEST_P(EmulatedKernels, TiledMultiplies) {
  for (auto const out : {Dtype::bf16, Dtype::f32})
    for (auto const& s : {Shape{128, 128, 32}, Shape{256, 128, 96}, Shape{130, 200, 40}, Shape{1, 1, 1},
                          Shape{129, 131, 67}, Shape{17, 255, 129}})
      expect_right(emulator::make_tiled, {.in = Dtype::bf16, .out = out, .m = s.m, .n = s.n, .k = s.k}, GetParam());
}

TEST_P(EmulatedKernels, WgmmaMultiplies) {
  for (auto const& s : {Shape{256, 256, 64}, Shape{256, 512, 256}, Shape{1, 8, 8}, Shape{130, 264, 72},
                        Shape{257, 520, 328}, Shape{700, 776, 136}})
    for (int const clusters : {1, 2}) {
      emulator::device().clusters_of_two = clusters; // fewer than tiles, and more
      expect_right(emulator::make_wgmma, {.in = Dtype::bf16, .out = Dtype::bf16, .m = s.m, .n = s.n, .k = s.k},
                   GetParam());
    }
}

TEST_P(EmulatedKernels, TensorIssueComputesProducts) {
  emulator::device().multiprocessors = 1;
  for (int const capability : {80, 89, 90})
    for (auto const in : {Dtype::bf16, Dtype::f16, Dtype::tf32, Dtype::f8e4m3, Dtype::f8e5m2, Dtype::s8, Dtype::f64}) {
      emulator::device().capability = capability;
      TensorIssue const operation{.in = in, .flops = 1};
      if (auto const refused = tensor_issue_backend.supports(operation)) {
        EXPECT_EQ(capability, 80);
        continue;
      }
      SCOPED_TRACE(::testing::Message() << name(in) << " on " << capability);
      emulator::set_seed(GetParam());
      auto const verified = tensor_issue_backend.prepare(operation, {.seed = 5})->verify();
      EXPECT_EQ(verified.wrong, 0U) << verified.detail;
      EXPECT_GT(verified.elements, 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Orders, EmulatedKernels, ::testing::Values(0, 1, 2, 3, 4, 5));

/// What a run does with a backend, small enough for a hundred repeats.
TEST_F(EmulatedKernels, BackendsVerifyThemselves) {
  Gemm const g{.in = Dtype::bf16, .out = Dtype::bf16, .m = 24, .n = 40, .k = 72};
  for (auto const* backend : {&tiled_backend, &wgmma_backend}) {
    SCOPED_TRACE(backend->name);
    ASSERT_FALSE(backend->supports(g));
    auto const verified = backend->prepare(g, {.seed = 5})->verify();
    EXPECT_EQ(verified.wrong, 0U) << verified.detail;
  }
}

/// Scaled types too: verify() holds the reference against the definition on the host.
TEST_F(EmulatedKernels, NaiveBackendVerifiesEveryType) {
  int types = 0;
  for (auto const in : {Dtype::f64, Dtype::f32, Dtype::tf32, Dtype::f16, Dtype::bf16, Dtype::f8e4m3, Dtype::f8e5m2,
                        Dtype::mxf8, Dtype::nvf4, Dtype::s8})
    for (auto const out : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::s32}) {
      Gemm const g{.in = in, .out = out, .m = 7, .n = 5, .k = 96};
      if (cuda_naive_backend.supports(g)) continue;
      SCOPED_TRACE(::testing::Message() << name(in) << " to " << name(out));
      ++types;
      auto const verified = cuda_naive_backend.prepare(g, {.seed = 5})->verify();
      EXPECT_EQ(verified.wrong, 0U) << verified.detail;
      EXPECT_GE(verified.elements, 35U);
    }
  EXPECT_GE(types, 10);
}

} // namespace
} // namespace maru
