// SPDX-License-Identifier: Apache-2.0
// What only a device can show of fills, the reference, the verification and the lanes, and every gemm of the CUDA
// modules at every type and at odd sizes.
#include "core/module.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cuda_methods.hpp"
#include "kernels/gemm/cuda_reference.hpp"
#include "kernels/gemm/cuda_verify.hpp"
#include "kernels/minifloat.hpp"
#include "kernels/random.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace maru {

extern Backend const cuda_naive_backend;

namespace {

constexpr Dtype in_types[] = {Dtype::f64,    Dtype::f32,    Dtype::tf32, Dtype::f16,  Dtype::bf16,
                              Dtype::f8e4m3, Dtype::f8e5m2, Dtype::mxf8, Dtype::nvf4, Dtype::s8};
constexpr Dtype out_types[] = {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::s32};

class CudaGemm : public testing::Test {
protected:
  void SetUp() override {
    auto const list = cuda_accelerators.list();
    if (list.devices.empty()) GTEST_SKIP() << "no GPU: " << list.reason;
    cuda_accelerators.use(0);
  }

  template <class T> std::vector<T> download(DeviceBytes const& bytes, std::size_t count) {
    std::vector<T> values(count);
    lane_->wait();
    MARU_CHECK(CudaApi, cudaMemcpy(values.data(), bytes.data(), count * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }
  StreamLane& lane() {
    if (!lane_) lane_ = std::make_unique<StreamLane>();
    return *lane_;
  }

private:
  std::unique_ptr<StreamLane> lane_;
};

template <class T> T host_random(std::uint64_t seed, std::uint64_t i) { return random_value<T>(seed, i); }

TEST_F(CudaGemm, FillsWithTheSequenceOfTheHost) {
  constexpr std::size_t count = 100003;
  auto const expect_same = [&]<class T>(Dtype dtype, T) {
    DeviceBytes const bytes(count * sizeof(T));
    fill_random(bytes.data(), dtype, count, 5, lane().stream());
    auto const values = download<T>(bytes, count);
    std::size_t different = 0;
    for (std::size_t i = 0; i < count; ++i) {
      T const expected = host_random<T>(5, i);
      different += std::memcmp(&values[i], &expected, sizeof(T)) != 0;
    }
    EXPECT_EQ(different, 0U) << name(dtype);
  };
  expect_same(Dtype::f64, double{});
  expect_same(Dtype::f32, float{});
  expect_same(Dtype::bf16, Bf16{});
  expect_same(Dtype::s8, std::int8_t{});
  expect_same(Dtype::s32, std::int32_t{});
}

TEST_F(CudaGemm, FillsSmallFloatsWithRoundedValues) {
  constexpr std::size_t count = 4099;
  for (auto const& [dtype, ulp] :
       {std::pair{Dtype::f16, 0x1p-11}, {Dtype::f8e4m3, 0x1p-4}, {Dtype::f8e5m2, 0x1p-3}, {Dtype::tf32, 0x1p-10}}) {
    DeviceBytes const bytes(bytes_of(dtype, count));
    fill_random(bytes.data(), dtype, count, 5, lane().stream());
    auto const values = download<unsigned char>(bytes, bytes.size());
    for (std::size_t i = 0; i < count; ++i) {
      auto const exact = static_cast<double>(random_value<float>(5, i));
      EXPECT_NEAR(decode(dtype, values.data(), i), exact, ulp * std::max(std::abs(exact), 0x1p-6)) << name(dtype);
    }
  }
  DeviceBytes const tf32(count * 4);
  fill_random(tf32.data(), Dtype::tf32, count, 5, lane().stream());
  for (auto const bits : download<std::uint32_t>(tf32, count)) ASSERT_EQ(bits & 0x1FFFU, 0U);
}

TEST_F(CudaGemm, FillsWithUnitsAndScales) {
  constexpr std::size_t count = 999;
  for (auto const dtype : in_types) {
    DeviceBytes const bytes(bytes_of(dtype, count));
    fill_units(bytes.data(), dtype, count, 5, lane().stream());
    auto const raw = download<unsigned char>(bytes, bytes.size());
    std::set<double> values;
    for (std::size_t i = 0; i < count; ++i) values.insert(decode(dtype, raw.data(), i));
    EXPECT_EQ(values, (std::set<double>{-1, 0, 1})) << name(dtype);
    if (scale_block(dtype) == 0) continue;
    DeviceBytes const scales(count);
    fill_scales(scales.data(), dtype, count, 5, lane().stream());
    values.clear();
    for (auto const code : download<std::uint8_t>(scales, count)) values.insert(decode_scale(dtype, code));
    EXPECT_EQ(values, (std::set<double>{0.5, 1, 2})) << name(dtype);
  }
}

/// A row of a matrix on the host, as the numbers it stands for: by the formats' definitions, with no code of the
/// device.
std::vector<double> host_rows(Dtype dtype, std::vector<unsigned char> const& raw,
                              std::vector<unsigned char> const& scales, std::int64_t rows, std::int64_t k) {
  std::vector<double> values(static_cast<std::size_t>(rows * k));
  ScaleLayout const layout(dtype, rows, k);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = decode(dtype, raw.data(), i);
    auto const row = static_cast<std::int64_t>(i) / k, l = static_cast<std::int64_t>(i) % k;
    if (layout.bytes() > 0)
      values[i] *= decode_scale(dtype, scales[static_cast<std::size_t>(layout.index(row, l / scale_block(dtype)))]);
  }
  return values;
}

TEST_F(CudaGemm, ReferenceFollowsTheDefinition) {
  for (auto const in : in_types)
    for (auto const& [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 1}, {5, 67, 33}, {131, 65, 160}}) {
      if (scale_block(in) > 0 && k % scale_block(in) != 0) continue;
      Gemm const g{.in = in, .out = Dtype::f32, .m = m, .n = n, .k = k};
      ScaleLayout const a_layout(in, m, k), b_layout(in, n, k);
      DeviceBytes const a(bytes_of(in, static_cast<std::uint64_t>(m * k)) + 8), c(static_cast<std::size_t>(m * n) * 8);
      DeviceBytes const b(bytes_of(in, static_cast<std::uint64_t>(n * k)) + 8);
      DeviceBytes const a_scale(static_cast<std::size_t>(a_layout.bytes()) + 4);
      DeviceBytes const b_scale(static_cast<std::size_t>(b_layout.bytes()) + 4);
      GemmOperands const operands{a.data(), b.data(), c.data(), a_scale.data(), b_scale.data()};
      auto const stream = lane().stream();
      fill_operands(g, operands, 3, false, stream);
      double scale = 1;
      if (scale_block(in) > 0) {
        fill_scales(a_scale.data(), in, a_scale.size(), 4, stream);
        fill_scales(b_scale.data(), in, b_scale.size(), 5, stream);
      } else if (has_tensor_scale(in)) {
        fill_random(a_scale.data(), Dtype::f32, 1, 6, stream);
        fill_random(b_scale.data(), Dtype::f32, 1, 7, stream);
        scale = static_cast<double>(random_value<float>(6, 0)) * static_cast<double>(random_value<float>(7, 0));
      }
      std::int64_t const first = m / 3; // the rows in two parts
      reference_gemm(g, operands, 0, first + 1, c.data(), Dtype::f64, stream);
      reference_gemm(g, operands, first, m - first, c.as<double>() + first * n, Dtype::f64, stream);
      auto const x =
          host_rows(in, download<unsigned char>(a, a.size()), download<unsigned char>(a_scale, a_scale.size()), m, k);
      auto const y = host_rows(b_dtype(in), download<unsigned char>(b, b.size()),
                               download<unsigned char>(b_scale, b_scale.size()), n, k);
      auto const got = download<double>(c, static_cast<std::size_t>(m * n));
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          double expected = 0;
          for (std::int64_t l = 0; l < k; ++l)
            expected += x[static_cast<std::size_t>(i * k + l)] * y[static_cast<std::size_t>(j * k + l)];
          double const size = std::sqrt(static_cast<double>(k) * mean_square(in) * mean_square(b_dtype(in)));
          ASSERT_NEAR(got[static_cast<std::size_t>(i * n + j)], scale * expected, 64 * 0x1p-24 * size)
              << name(in) << " " << m << "x" << n << "x" << k << " at " << i << "," << j;
        }
    }
}

/// The reference itself as a kernel, with a fault behind it.
class FaultyKernel final : public DeviceGemmKernel {
public:
  using Fault = std::function<void(Gemm const&, GemmOperands const&, cudaStream_t, int call)>;
  FaultyKernel(Gemm const& g, Fault fault) : g_(g), fault_(std::move(fault)) {}
  void launch(GemmOperands const& operands, cudaStream_t stream) override {
    reference_gemm(g_, operands, 0, g_.m, operands.c, g_.out, stream);
    fault_(g_, operands, stream, calls_++);
  }
  std::string name() const override { return "faulty"; }

private:
  Gemm g_;
  Fault fault_;
  int calls_ = 0;
};

Verification verify_with(Gemm const& g, FaultyKernel::Fault fault) {
  DeviceGemmMaker const maker = [&](Gemm const& shape, GemmOperands const&, cudaStream_t) {
    return std::make_unique<FaultyKernel>(shape, fault);
  };
  return make_device_gemm(g, {.seed = 3}, maker)->verify();
}

char* element(Gemm const& g, GemmOperands const& operands, std::int64_t i, std::int64_t j) {
  return static_cast<char*>(operands.c) + bytes_of(g.out, static_cast<std::uint64_t>(i * g.n + j));
}

void copy(void* to, void const* from, std::size_t count, cudaStream_t stream) {
  MARU_CHECK(CudaApi, cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToDevice, stream));
}

struct Planted {
  char const* name;
  FaultyKernel::Fault fault;
};

std::vector<Planted> planted_faults() {
  return {
      {"an element of its neighbour",
       [](auto const& g, auto const& o, auto stream, int) {
         copy(element(g, o, g.m / 2, 5), element(g, o, g.m / 2, 4), size_of(g.out), stream);
       }},
      {"the last element not written",
       [](auto const& g, auto const& o, auto stream, int) {
         poison_device(element(g, o, g.m - 1, g.n - 1), size_of(g.out), stream);
       }},
      {"a row of another",
       [](auto const& g, auto const& o, auto stream, int) {
         copy(element(g, o, 1, 0), element(g, o, 0, 0), size_of(g.out) * static_cast<std::size_t>(g.n), stream);
       }},
      {"the lowest bit that repeats show",
       [](auto const& g, auto const& o, auto stream, int call) {
         if (call == 50) MARU_CHECK(CudaApi, cudaMemsetAsync(element(g, o, 2, 3), 1, 1, stream));
       }},
  };
}

TEST_F(CudaGemm, VerificationFindsWhatIsPlanted) {
  for (auto const in : in_types)
    for (auto const out : out_types) {
      if (!has_reference(in, out)) continue;
      Gemm const g{.in = in, .out = out, .m = 70, .n = 90, .k = 96};
      auto const good = verify_with(g, [](auto&&...) {});
      EXPECT_EQ(good.wrong, 0U) << name(in) << " to " << name(out) << ": " << good.detail;
      EXPECT_LE(good.max_error, 1);
      EXPECT_EQ(good.elements, 6300U);
      for (auto const& planted : planted_faults()) {
        auto const bad = verify_with(g, planted.fault);
        EXPECT_GT(bad.wrong, 0U) << planted.name << ", " << name(in) << " to " << name(out);
        EXPECT_GE(bad.max_error, 1);
        EXPECT_NE(bad.detail.find(cuda_uuid_in_use()), std::string::npos) << bad.detail;
      }
    }
}

/// What a work that multiplies beside something else does.
TEST_F(CudaGemm, JudgesACallOfAProductThatWasNotMadeAlone) {
  Gemm const g{.in = Dtype::bf16, .out = Dtype::bf16, .m = 300, .n = 136, .k = 520};
  std::string reasons;
  auto const* const method = find_cuda_gemm(g, reasons);
  ASSERT_TRUE(method) << reasons;
  auto const product = make_device_gemm(g, {.seed = 3}, method->make);
  for (int repeat = 0; repeat < 3; ++repeat) {
    product->refresh();
    EXPECT_GT(product->judge().wrong, 0U) << "poison";
    product->call();
    MARU_CHECK(CudaApi, cudaStreamSynchronize(product->stream()));
    auto const verification = product->judge();
    EXPECT_EQ(verification.wrong, 0U) << verification.detail;
    EXPECT_EQ(verification.elements, 300U * 136U);
    product->call(); // on another set
  }
}

TEST_F(CudaGemm, VerificationFindsALostPieceOfK) {
  Gemm const g{.in = Dtype::bf16, .out = Dtype::bf16, .m = 128, .n = 128, .k = 4096};
  std::size_t const row = 2 * 4096;
  DeviceBytes const copied(128 * row);
  auto const bad = verify_with(g, [&](Gemm const& shape, GemmOperands operands, cudaStream_t stream, int) {
    copy(copied.data(), operands.a, copied.size(), stream);
    MARU_CHECK(CudaApi, cudaMemset2DAsync(copied.data(), row, 0, 32, 128, stream)); // 16 of 4096
    operands.a = copied.data();
    reference_gemm(shape, operands, 0, shape.m, operands.c, shape.out, stream);
  });
  EXPECT_GT(bad.wrong, 0U);
}

/// Adds 1 on the device with every call.
class Counting final : public Work {
public:
  explicit Counting(StreamLane::Mode mode) : lane_(mode), words_(8), counter_(sizeof(Differences)) {
    MARU_CHECK(CudaApi, cudaMemset(words_.data(), 0, 4));
    MARU_CHECK(CudaApi, cudaMemset(words_.as<char>() + 4, 1, 4));
    MARU_CHECK(CudaApi, cudaMemset(counter_.data(), 0, counter_.size()));
  }
  void call() override {
    count_differences(words_.data(), words_.as<char>() + 4, 1, 0, counter_.as<Differences>(), lane_.stream());
  }
  Verification verify() override { return {}; }
  Lane& lane() override { return lane_; }
  std::uint64_t count() {
    Differences result;
    lane_.wait();
    MARU_CHECK(CudaApi, cudaMemcpy(&result, counter_.data(), sizeof result, cudaMemcpyDeviceToHost));
    return result.words;
  }

private:
  StreamLane lane_;
  DeviceBytes words_, counter_;
};

TEST_F(CudaGemm, LanesRunAsManyCallsAsAreAsked) {
  for (auto const mode : {StreamLane::Mode::launches, StreamLane::Mode::graphs}) {
    Counting work(mode);
    for (std::uint64_t const calls : {1U, 3U, 3U, 255U, 256U, 1000U}) {
      auto const before = work.count();
      double const seconds = work.lane().time(work, calls);
      auto const after = work.count();
      // A capture is preceded by one call.
      EXPECT_GE(after - before, calls);
      EXPECT_LE(after - before, calls + (mode == StreamLane::Mode::graphs ? 1 : 0));
      EXPECT_GT(seconds, 0);
      EXPECT_LT(seconds, 1e-3 * static_cast<double>(calls)) << "the host's gate is in the time";
    }
  }
}

TEST_F(CudaGemm, LanesGiveTheTimeOfTheDevice) {
  // Twice the calls take about twice the time, if neither holds what the host does around them.
  Gemm const g{.in = Dtype::f32, .out = Dtype::f32, .m = 1024, .n = 1024, .k = 1024};
  auto const work = cuda_naive_backend.prepare(g, {});
  work->lane().time(*work, 20);
  double const ten = work->lane().time(*work, 10), twenty = work->lane().time(*work, 20);
  EXPECT_NEAR(twenty / ten, 2, 0.3);
}

std::vector<Gemm> shapes_of(Dtype in, Dtype out) {
  std::vector<Gemm> shapes;
  for (auto const& [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 1},
                                {1, 7, 129},
                                {7, 1, 64},
                                {129, 129, 129},
                                {257, 511, 127},
                                {64, 64, 64},
                                {16, 16, 32},
                                {144, 272, 96},
                                {256, 128, 512},
                                {1024, 1040, 4096}})
    shapes.push_back({.in = in, .out = out, .m = m, .n = n, .k = k});
  return shapes;
}

TEST_F(CudaGemm, EveryBackendIsRightOrSaysWhyNot) {
  auto const modules = load_modules(ModuleChoice::all); // in MARU_MODULE_PATH; they outlive what they make
  std::vector<Backend const*> backends{&cuda_naive_backend};
  for (auto const& module : modules)
    for (std::size_t i = 0; module.table && i < module.table->backend_count; ++i) {
      auto const* const backend = module.table->backends[i];
      if (std::string_view(backend->device) == "cuda" && std::string_view(backend->family) == "gemm" &&
          std::string_view(backend->name) != cuda_naive_backend.name)
        backends.push_back(backend);
    }
  for (auto const* const backend : backends) {
    int right = 0;
    for (auto const in : in_types)
      for (auto const out : out_types)
        for (auto const& g : shapes_of(in, out)) {
          if (auto const skipped = backend->supports(g)) {
            EXPECT_FALSE(skipped->reason.empty());
            continue;
          }
          auto const work = backend->prepare(g, {.seed = 7});
          work->call();
          auto const result = work->verify();
          auto const what = std::string(backend->name) + " " + std::string(name(in)) + " to " + std::string(name(out)) +
                            " " + std::to_string(g.m) + "x" + std::to_string(g.n) + "x" + std::to_string(g.k) + " (" +
                            work->implementation() + "): " + result.detail;
          EXPECT_EQ(result.wrong, 0U) << what;
          EXPECT_LE(result.max_error, 1) << what;
          EXPECT_EQ(result.elements, static_cast<std::uint64_t>(g.m * g.n)) << what;
          EXPECT_GT(work->lane().time(*work, 2), 0) << what;
          ++right;
        }
    EXPECT_GT(right, 0) << backend->name;
  }
}

} // namespace
} // namespace maru
