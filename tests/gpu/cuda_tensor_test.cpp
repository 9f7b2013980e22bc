// SPDX-License-Identifier: Apache-2.0
// Own tensor-core kernels on a GPU, every element of every shape. A wrong element, a changed bit of 100 repeats or a
// value that was never written is a failure; what cannot run here is skipped with the backend's own reason.
#include "core/backend.hpp"
#include "core/device.hpp"
#include "kernels/cuda/devices.hpp"

#include <algorithm>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

namespace maru {

extern Backend const tiled_backend;
extern Backend const wgmma_backend;
extern Backend const tensor_issue_backend;

namespace {

/// Why not, or empty after the first device was taken.
std::string take_device() {
  int count = 0;
  auto const status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return cudaGetErrorString(status);
  if (count == 0) return "no CUDA device";
  cuda_accelerators.use(0);
  return {};
}

class TensorGpu : public testing::Test {
protected:
  void SetUp() override {
    if (auto const reason = take_device(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

void expect_right(Backend const& backend, Operation const& operation, std::string const& what) {
  SCOPED_TRACE(what);
  if (auto const refusal = backend.supports(operation)) GTEST_SKIP() << refusal->reason;
  auto const work = backend.prepare(operation, Site{});
  auto const verification = work->verify();
  EXPECT_TRUE(verification.checked);
  EXPECT_GT(verification.elements, 0U);
  EXPECT_EQ(verification.wrong, 0U) << verification.detail;
  EXPECT_LE(verification.max_error, 1) << verification.detail;
  EXPECT_FALSE(work->implementation().empty());
  // A call after a verification, more than once, as the measuring loop does it.
  EXPECT_GT(work->lane().time(*work, 3), 0);
}

Gemm gemm(Dtype out, std::int64_t m, std::int64_t n, std::int64_t k) { return {Dtype::bf16, out, m, n, k}; }
std::string text(Gemm const& g) { return std::to_string(g.m) + "x" + std::to_string(g.n) + "x" + std::to_string(g.k); }

struct Shape {
  std::int64_t m, n, k;
};

/// One and many tiles, whole and with tails; fewer steps of k than stages, as many, and more; odd dimensions, with rows
/// that begin on no boundary.
TEST_F(TensorGpu, TiledIsRightAtEveryShape) {
  constexpr Shape shapes[] = {{1, 1, 1},       {16, 8, 16},     {128, 128, 32},    {128, 128, 64},   {128, 128, 96},
                              {128, 128, 128}, {129, 127, 130}, {1, 4096, 8},      {4096, 1, 8},     {257, 385, 77},
                              {1000, 1001, 8}, {77, 78, 1023},  {1024, 1024, 512}, {2048, 1536, 904}};
  for (auto const& s : shapes)
    for (auto const out : {Dtype::bf16, Dtype::f32}) {
      auto const g = gemm(out, s.m, s.n, s.k);
      expect_right(tiled_backend, g, text(g));
      if (IsSkipped()) return;
    }
}

/// One block, one cluster, an odd number of tile rows (the second block of a cluster lies outside of C), fewer tiles
/// than multiprocessors, several tiles for each, tails in every dimension; k from one step to many times the ring.
TEST_F(TensorGpu, WgmmaIsRightAtEveryShape) {
  constexpr Shape shapes[] = {{1, 8, 8},        {64, 64, 64},      {128, 256, 64},   {256, 256, 256},  {256, 256, 320},
                              {384, 256, 64},   {129, 264, 72},    {127, 248, 1000}, {1, 4096, 128},   {4096, 8, 128},
                              {333, 776, 2056}, {2304, 2560, 192}, {3840, 4352, 64}, {4097, 4104, 520}};
  for (auto const& s : shapes) {
    auto const g = gemm(Dtype::bf16, s.m, s.n, s.k);
    expect_right(wgmma_backend, g, text(g));
    if (IsSkipped()) return;
  }
}

TEST_F(TensorGpu, WgmmaRefusesRowsThatTheCopyEngineCannotTake) {
  for (auto const& g : {gemm(Dtype::bf16, 64, 12, 64), gemm(Dtype::bf16, 64, 64, 12)}) {
    auto const refusal = wgmma_backend.supports(g);
    ASSERT_TRUE(refusal) << text(g);
    EXPECT_NE(refusal->reason.find("tiled"), std::string::npos) << refusal->reason;
  }
  EXPECT_TRUE(wgmma_backend.supports(gemm(Dtype::f32, 64, 64, 64)));
}

class TensorIssueGpu : public TensorGpu, public testing::WithParamInterface<Dtype> {};

TEST_P(TensorIssueGpu, AccumulatorsHoldTheProducts) {
  expect_right(tensor_issue_backend, TensorIssue{GetParam(), 1e9}, std::string(name(GetParam())));
}

/// The time must follow the work, or the compiler has taken some of it away; and the cost must follow what was asked.
TEST_P(TensorIssueGpu, TwiceTheWorkTakesTwiceTheTime) {
  Operation const operation = TensorIssue{GetParam(), 0};
  if (auto const refusal = tensor_issue_backend.supports(operation)) GTEST_SKIP() << refusal->reason;
  auto const once = tensor_issue_backend.prepare(operation, Site{})->own_cost();
  ASSERT_TRUE(once);
  auto const best = [&](double chains) {
    auto const work = tensor_issue_backend.prepare(TensorIssue{GetParam(), chains * once->flops}, Site{});
    EXPECT_DOUBLE_EQ(work->own_cost()->flops, chains * once->flops);
    double seconds = 1e9;
    for (int i = 0; i < 5; ++i) seconds = std::min(seconds, work->lane().time(*work, 4));
    return seconds;
  };
  EXPECT_NEAR(best(400) / best(200), 2, 0.3);
}

INSTANTIATE_TEST_SUITE_P(Types, TensorIssueGpu,
                         testing::Values(Dtype::bf16, Dtype::f16, Dtype::tf32, Dtype::f8e4m3, Dtype::f8e5m2, Dtype::s8,
                                         Dtype::f64),
                         [](auto const& suite) { return std::string(name(suite.param)); });

} // namespace
} // namespace maru
