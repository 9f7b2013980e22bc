// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "core/error.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/cuda/lane.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/gemm/cuda_reference.hpp"
#include "kernels/gemm/cuda_verify.hpp"
#include "kernels/gemm/tensor_issue_kernels.cuh"
#include "kernels/tally.hpp"

#include <algorithm>
#include <cmath>
#include <cuda_runtime.h>
#include <string>
#include <vector>

namespace maru {
namespace {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
__constant__ int built_for_90a = 1;
#else
__constant__ int built_for_90a = 0;
#endif

/// A kernel and what a block of it does: rounds·chains times 2·m·n·k.
struct Kernel {
  void (*run)(issue::Arguments) = nullptr;
  char const* instruction = "";
  int capability = 0; ///< the least
  int m = 0, n = 0, row_bytes = 0, threads = 0, shared_bytes = 0;
  int rounds = 1; ///< of a chain: as deep as a product of common size
};

template <class Element> Kernel wgmma() {
  using Issue = tensor::WgmmaIssue;
  return {.run = issue::wgmma_issue<Element>,
          .instruction = ptx::Wgmma<Element>::name,
          .capability = 90,
          .m = Issue::m,
          .n = Issue::n,
          .row_bytes = Issue::row_bytes,
          .threads = Issue::threads,
          .shared_bytes = static_cast<int>(Issue::shared_bytes) + 1023,
          .rounds = 32};
}

template <class Mma> Kernel mma() {
  using Issue = issue::MmaIssue<Mma>;
  return {.run = issue::mma_issue<Mma>,
          .instruction = Mma::name,
          .capability = Mma::capability,
          .m = Issue::m,
          .n = Issue::n,
          .row_bytes = Mma::row_bytes,
          .threads = Issue::threads,
          .rounds = 16384 / Mma::row_bytes};
}

/// The fastest instruction for these factors; without `run` when there is none here.
Kernel kernel_for(Dtype in, int capability) {
  bool const hopper = capability == 90;
  switch (in) {
  case Dtype::bf16: return hopper ? wgmma<ptx::Bf16>() : mma<ptx::MmaBf16>();
  case Dtype::f16: return hopper ? wgmma<ptx::F16>() : mma<ptx::MmaF16>();
  case Dtype::tf32: return hopper ? wgmma<ptx::Tf32>() : mma<ptx::MmaTf32>();
  case Dtype::f8e4m3: return hopper ? wgmma<ptx::E4m3>() : mma<ptx::MmaE4m3>();
  case Dtype::f8e5m2: return hopper ? wgmma<ptx::E5m2>() : mma<ptx::MmaE5m2>();
  case Dtype::s8: return hopper ? wgmma<ptx::S8>() : mma<ptx::MmaS8>();
  case Dtype::f64: return hopper ? mma<ptx::MmaF64Deep>() : mma<ptx::MmaF64>();
  default: return {};
  }
}

Dtype accumulator_of(Dtype in) { return in == Dtype::f64 ? Dtype::f64 : in == Dtype::s8 ? Dtype::s32 : Dtype::f32; }

int attribute(cudaDeviceAttr which) {
  int value = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&value, which, cuda_index_in_use()));
  return value;
}

class TensorIssueWork final : public Work {
public:
  TensorIssueWork(TensorIssue const& operation, Site const& site)
      : kernel_(kernel_for(operation.in, device_capability())),
        seed_(site.seed), shape_{operation.in, accumulator_of(operation.in), kernel_.m, kernel_.n,
                                 kernel_.row_bytes / static_cast<std::int64_t>(size_of(operation.in))},
        a_(static_cast<std::size_t>(kernel_.m * kernel_.row_bytes)),
        b_(static_cast<std::size_t>(kernel_.n * kernel_.row_bytes)) {
    blocks_ = blocks_at_once();
    chains_ = static_cast<int>(std::clamp(std::round(operation.flops / flops(1)), 1.0, 1e9));
    fill_operands(shape_, operands(), seed_, false, lane_.stream());
    lane_.wait();
  }

  void call() override { launch(kernel_.rounds, chains_, nullptr); }
  Lane& lane() override { return lane_; }
  std::optional<Cost> own_cost() const override { return Cost{.flops = flops(chains_)}; }
  std::string implementation() const override {
    return std::string(kernel_.instruction) + ", " + std::to_string(blocks_) + " blocks of " +
           std::to_string(kernel_.threads / 32) + " warps";
  }

  /// On values of -1, 0 and 1, whose sums are exact in every accumulator. Two rounds show that products are added up,
  /// two chains that they begin from zero; random values show what a call computes with, but not exactly.
  Verification verify() override {
    constexpr int rounds = 2, chains = 2;
    std::size_t const elements = static_cast<std::size_t>(shape_.m * shape_.n);
    std::size_t const bytes = elements * size_of(shape_.out);
    DeviceBytes out(bytes * static_cast<std::size_t>(blocks_)), reference(elements * sizeof(double));
    fill_operands(shape_, operands(), ++seed_, true, lane_.stream());
    poison_device(out.data(), out.size(), lane_.stream());
    launch(rounds, chains, out.data());
    reference_gemm(shape_, operands(), 0, shape_.m, reference.data(), Dtype::f64, lane_.stream());
    std::vector<double> expected(elements);
    MARU_CHECK(CudaApi, cudaMemcpyAsync(expected.data(), reference.data(), reference.size(), cudaMemcpyDeviceToHost,
                                        lane_.stream()));
    lane_.wait();
    for (auto& value : expected) value *= rounds;
    Tally tally("exact");
    for (int block = 0; block < blocks_; ++block)
      check(out.as<char>() + static_cast<std::size_t>(block) * bytes, bytes, block, expected, tally);
    fill_operands(shape_, operands(), seed_, false, lane_.stream());
    lane_.wait();
    return std::move(tally).result();
  }

private:
  int blocks_at_once() const {
    if (kernel_.shared_bytes > 0)
      MARU_CHECK(CudaApi,
                 cudaFuncSetAttribute(kernel_.run, cudaFuncAttributeMaxDynamicSharedMemorySize, kernel_.shared_bytes));
    int fitting = 0;
    MARU_CHECK(CudaApi, cudaOccupancyMaxActiveBlocksPerMultiprocessor(&fitting, kernel_.run, kernel_.threads,
                                                                      static_cast<std::size_t>(kernel_.shared_bytes)));
    if (fitting < 1) throw Error(Exit::incomplete, "no block of the tensor issue kernel fits this device");
    return fitting * attribute(cudaDevAttrMultiProcessorCount);
  }

  double flops(int chains) const {
    return 2.0 * static_cast<double>(shape_.m) * static_cast<double>(shape_.n) * static_cast<double>(shape_.k) *
           kernel_.rounds * chains * blocks_;
  }
  GemmOperands operands() const { return {.a = a_.data(), .b = b_.data()}; }

  void launch(int rounds, int chains, void* out) {
    issue::Arguments const arguments{a_.as<unsigned char>(), b_.as<unsigned char>(), rounds, chains, out};
    maru::launch(kernel_.run,
                 {.grid = static_cast<unsigned>(blocks_),
                  .block = static_cast<unsigned>(kernel_.threads),
                  .shared_bytes = static_cast<std::size_t>(kernel_.shared_bytes)},
                 lane_.stream(), arguments);
  }

  void check(void const* block_out, std::size_t bytes, int block, std::vector<double> const& expected,
             Tally& tally) const {
    std::vector<char> raw(bytes);
    MARU_CHECK(CudaApi, cudaMemcpy(raw.data(), block_out, bytes, cudaMemcpyDeviceToHost));
    tally.compared(expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double got = 0;
      if (shape_.out == Dtype::f64)
        got = reinterpret_cast<double const*>(raw.data())[i];
      else if (shape_.out == Dtype::s32)
        got = reinterpret_cast<std::int32_t const*>(raw.data())[i];
      else
        got = static_cast<double>(reinterpret_cast<float const*>(raw.data())[i]);
      if (!tally.tolerates(std::abs(got - expected[i]), 0))
        tally.wrong([&] {
          return "accumulator " + std::to_string(i) + " of block " + std::to_string(block) + " is " +
                 std::to_string(got) + ", not " + std::to_string(expected[i]) + ", on " + cuda_uuid_in_use();
        });
    }
  }

  Kernel kernel_;
  std::uint64_t seed_;
  Gemm shape_;
  DeviceBytes a_, b_;
  int blocks_ = 1, chains_ = 1;
  StreamLane lane_;
};

std::string version_text(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

/// Whether this build holds real code of the kernel: where the architecture was too old it compiled to nothing, and
/// PTX of such an architecture runs on any newer device.
std::optional<Skipped> refuse_build(Kernel const& kernel) {
  bool const wgmma = kernel.shared_bytes > 0;
  int built = 0;
  if (wgmma && (cudaMemcpyFromSymbol(&built, built_for_90a, sizeof built) != cudaSuccess || built == 0))
    return Skipped{"this build has no code for sm_90a"};
  cudaFuncAttributes attributes{};
  if (cudaFuncGetAttributes(&attributes, kernel.run) != cudaSuccess || attributes.ptxVersion < kernel.capability)
    return Skipped{"this build has no code for sm_" + std::to_string(kernel.capability) + " that fits this device"};
  return std::nullopt;
}

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const what = std::get_if<TensorIssue>(&operation);
  if (!what) return Skipped{"issues tensor-core instructions only, not " + std::string(name(operation))};
  int const capability = device_capability();
  if (capability == 0) return Skipped{"no CUDA device is in use"};
  if (capability >= 100 && capability < 120)
    return Skipped{"on devices of capability " + version_text(capability) +
                   " the peak is tcgen05's, which this build does not issue; mma.sync would give too low a ceiling"};
  auto const kernel = kernel_for(what->in, capability);
  if (!kernel.run) return Skipped{"has no tensor-core instruction for " + std::string(name(what->in))};
  if (capability < kernel.capability)
    return Skipped{"tensor cores multiply " + std::string(name(what->in)) + " from capability " +
                   version_text(kernel.capability) + " on, this device has " + version_text(capability)};
  return refuse_build(kernel);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return std::make_unique<TensorIssueWork>(std::get<TensorIssue>(operation), site);
}

} // namespace

extern Backend const tensor_issue_backend;
Backend const tensor_issue_backend{
    "tensor_issue",
    "cuda",
    "tensor-core instructions without memory traffic: the ceiling at the clocks of the moment",
    false,
    supports,
    prepare,
    "tensor_issue"};

} // namespace maru
