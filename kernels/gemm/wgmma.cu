// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/gemm/cuda_methods.hpp"
#include "kernels/gemm/wgmma_kernel.hpp"
#include "kernels/gemm/wgmma_ptx.cuh"

#include <algorithm>
#include <cstdint>
#include <cuda.h>
#include <cuda_runtime.h>
#include <string>
#include <utility>

namespace maru {
namespace {

using Tile = tensor::WgmmaTile;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
__constant__ int built_for_90a = 1;
#else
__constant__ int built_for_90a = 0;
#endif

/// Persistent: as many clusters as fit, each taking one tile after another. The first warpgroup copies, the others
/// multiply.
__global__ void __launch_bounds__(Tile::threads, 1)
    wgmma_kernel([[maybe_unused]] __grid_constant__ CUtensorMap const a,
                 [[maybe_unused]] __grid_constant__ CUtensorMap const b,
                 [[maybe_unused]] __grid_constant__ CUtensorMap const c, [[maybe_unused]] TileGrid const grid) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  auto const shared = (ptx::Sm90::shared_address(dynamic_shared()) + 1023U) & ~1023U;
  WgmmaKernel<ptx::Sm90>::run(a, b, c, grid, shared);
#endif
}

using Encode = decltype(&cuTensorMapEncodeTiled);

/// A function of the driver, which the module must not be linked to. Null when there is none.
Encode encoder() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
  auto const status =
      cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found);
#else
  auto const status = cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &function, cudaEnableDefault, &found);
#endif
  if (status != cudaSuccess || found != cudaDriverEntryPointSuccess) return nullptr;
  return reinterpret_cast<Encode>(function);
}

/// Row-major bf16, cut into boxes of 64 columns and so many rows; what lies outside reads as zero and is not written.
CUtensorMap map_of(Encode encode, void const* data, std::int64_t rows, std::int64_t columns, int box_rows) {
  CUtensorMap map;
  cuuint64_t const sizes[] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
  cuuint64_t const strides[] = {static_cast<cuuint64_t>(columns) * 2};
  cuuint32_t const box[] = {Tile::row_bytes / 2, static_cast<cuuint32_t>(box_rows)};
  cuuint32_t const every[] = {1, 1};
  auto const status = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void*>(data), sizes, strides, box,
                             every, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS)
    throw Error(Exit::incomplete,
                "cuTensorMapEncodeTiled failed with CUresult " + std::to_string(static_cast<int>(status)));
  return map;
}

class WgmmaGemm final : public DeviceGemmKernel {
public:
  explicit WgmmaGemm(Gemm const& shape)
      : shape_(shape), encode_(encoder()), grid_{tensor::blocks(shape.m, Tile::m * Tile::cluster),
                                                 tensor::blocks(shape.n, Tile::n), tensor::blocks(shape.k, Tile::k)} {
    if (!encode_) throw Error(Exit::incomplete, "the driver has no cuTensorMapEncodeTiled");
    MARU_CHECK(CudaApi, cudaFuncSetAttribute(wgmma_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
    int const fitting = clusters_at_once();
    if (fitting < 1) throw Error(Exit::incomplete, "no cluster of two blocks of the wgmma kernel fits this device");
    clusters_ =
        static_cast<int>(std::min<std::int64_t>(fitting, static_cast<std::int64_t>(grid_.rows) * grid_.columns));
  }

  void launch(GemmOperands const& operands, cudaStream_t stream) override {
    auto const a = map_of(encode_, operands.a, shape_.m, shape_.k, Tile::m);
    auto const b = map_of(encode_, operands.b, shape_.n, shape_.k, Tile::b_rows);
    auto const c = map_of(encode_, operands.c, shape_.m, shape_.n, 64);
    maru::launch(wgmma_kernel,
                 {.grid = static_cast<unsigned>(clusters_ * Tile::cluster),
                  .block = Tile::threads,
                  .shared_bytes = shared_bytes,
                  .cluster = Tile::cluster},
                 stream, a, b, c, grid_);
  }

  std::string name() const override {
    return "wgmma 128x256x64, 4 stages, clusters of 2, " + std::to_string(clusters_ * Tile::cluster) + " blocks";
  }

private:
  static constexpr int shared_bytes = static_cast<int>(Tile::shared_bytes) + 1023;

  static int clusters_at_once() {
    cudaLaunchAttribute cluster{};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {Tile::cluster, 1, 1};
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(Tile::cluster);
    config.blockDim = dim3(Tile::threads);
    config.dynamicSmemBytes = shared_bytes;
    config.attrs = &cluster;
    config.numAttrs = 1;
    int fitting = 0;
    MARU_CHECK(CudaApi, cudaOccupancyMaxActiveClusters(&fitting, wgmma_kernel, &config));
    return fitting;
  }

  Gemm shape_;
  Encode encode_;
  TileGrid grid_;
  int clusters_ = 1;
};

std::optional<Skipped> supports(Operation const& operation) {
  int const capability = device_capability();
  if (auto refusal = refuse_device_gemm(operation, {{Dtype::bf16, Dtype::bf16}}, 90)) return refusal;
  if (capability != 90)
    return Skipped{"wgmma exists on devices of capability 9.0 only, this one has " + std::to_string(capability / 10) +
                   "." + std::to_string(capability % 10) + "; tiled runs here"};
  auto const& g = std::get<Gemm>(operation);
  if (g.n % 8 != 0 || g.k % 8 != 0)
    return Skipped{
        "the copy engine needs rows of a multiple of 16 bytes, so n and k divisible by 8; tiled has no such limit"};
  int built = 0;
  if (cudaMemcpyFromSymbol(&built, built_for_90a, sizeof built) != cudaSuccess || built == 0) {
    cudaGetLastError(); // or whatever is launched next would be blamed for it
    return Skipped{"this build has no code for sm_90a"};
  }
  return std::nullopt;
}

std::unique_ptr<DeviceGemmKernel> make(Gemm const& shape, GemmOperands const&, cudaStream_t) {
  return std::make_unique<WgmmaGemm>(shape);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return make_device_gemm(std::get<Gemm>(operation), site, make);
}

} // namespace

extern CudaGemmMethod const wgmma_method;
CudaGemmMethod const wgmma_method{"wgmma", supports, make};

extern Backend const wgmma_backend;
Backend const wgmma_backend{"wgmma", "cuda",   "own kernel for Hopper: bf16 to bf16 by wgmma and the copy engine",
                            true,    supports, prepare,
                            "gemm"};

} // namespace maru
