// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/gemm/cuda_methods.hpp"
#include "kernels/gemm/mma_ptx.cuh"
#include "kernels/gemm/tensor_layout.hpp"

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <type_traits>

namespace maru {
namespace {

using Tile = tensor::MmaTile;

struct Problem {
  __nv_bfloat16 const *a = nullptr, *b = nullptr;
  void* c = nullptr;
  int m = 0, n = 0, k = 0;
};

/// A warp's 64×64 of C, in blocks of 16×8, and what it multiplies at a time.
struct Fragments {
  float d[4][8][4] = {};
  ptx::MmaBf16::A a[4];
  ptx::MmaBf16::B b[8];
};

/// 16 bytes of a row along k, zero outside of the matrix, by ordinary loads: rows that do not start on a boundary of 16
/// bytes cannot be copied otherwise.
__device__ void copy_unaligned(unsigned char* to, __nv_bfloat16 const* matrix, std::int64_t row, int column, int rows,
                               int columns) {
  union {
    std::uint16_t values[8];
    uint4 all;
  } piece;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    piece.values[i] = row < rows && column + i < columns
                          ? reinterpret_cast<std::uint16_t const*>(matrix)[row * columns + column + i]
                          : std::uint16_t{0};
  *reinterpret_cast<uint4*>(to) = piece.all;
}

/// One matrix's part of a stage. Only with `aligned` does it happen in the background.
template <bool aligned> __device__ void copy_part(unsigned char* to, __nv_bfloat16 const* matrix, int first_row,
                                                  int first_column, int rows, int columns) {
  constexpr int pieces = Tile::row_bytes / 16;
  static_assert(Tile::m == Tile::n && Tile::m * pieces % Tile::threads == 0);
#pragma unroll
  for (int i = 0; i < Tile::m * pieces / Tile::threads; ++i) {
    int const index = i * Tile::threads + static_cast<int>(threadIdx.x);
    int const row = index / pieces, piece = index % pieces, column = first_column + piece * 8;
    std::int64_t const from_row = first_row + row;
    unsigned char* const place = to + Tile::address(row, piece);
    if constexpr (aligned) {
      bool const inside = from_row < rows && column < columns;
      auto const* const from = inside ? matrix + from_row * columns + column : matrix;
      ptx::copy_16(static_cast<std::uint32_t>(__cvta_generic_to_shared(place)), from, inside ? 16 : 0);
    } else {
      copy_unaligned(place, matrix, from_row, column, rows, columns);
    }
  }
}

template <bool aligned>
__device__ void copy_stage(unsigned char* stage, Problem const& p, int row, int column, int step) {
  copy_part<aligned>(stage, p.a, row, step * Tile::k, p.m, p.k);
  copy_part<aligned>(stage + Tile::a_bytes, p.b, column, step * Tile::k, p.n, p.k);
}

/// 16 of the stage's k.
__device__ void load(Fragments& f, std::uint32_t stage, int warp, int lane, int half) {
  int const row = warp / Tile::warps_n * Tile::warp_m, column = warp % Tile::warps_n * Tile::warp_n;
  auto const a = tensor::block_place(lane), b = tensor::columns_place(lane);
#pragma unroll
  for (int i = 0; i < 4; ++i) ptx::ldmatrix(f.a[i].r, stage + Tile::address(row + 16 * i + a.row, 2 * half + a.column));
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    std::uint32_t r[4];
    ptx::ldmatrix(r, stage + Tile::a_bytes + Tile::address(column + 16 * j + b.row, 2 * half + b.column));
    f.b[2 * j] = {r[0], r[1]};
    f.b[2 * j + 1] = {r[2], r[3]};
  }
}

__device__ void multiply(Fragments& f) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int j = 0; j < 8; ++j) ptx::MmaBf16::multiply(f.d[i][j], f.a[i], f.b[j]);
}

template <class Out> __device__ Out rounded(float value) {
  if constexpr (std::is_same_v<Out, float>)
    return value;
  else
    return __float2bfloat16_rn(value);
}

/// Two neighbours at once where both exist and lie on a boundary of their size.
template <class Out> __device__ void store_pair(Problem const& p, std::int64_t row, int column, float low, float high) {
  if (row >= p.m || column >= p.n) return;
  struct alignas(2 * sizeof(Out)) Pair {
    Out low, high;
  };
  Out* const to = static_cast<Out*>(p.c) + row * p.n + column;
  if (p.n % 2 == 0) {
    *reinterpret_cast<Pair*>(to) = {rounded<Out>(low), rounded<Out>(high)};
  } else {
    to[0] = rounded<Out>(low);
    if (column + 1 < p.n) to[1] = rounded<Out>(high);
  }
}

template <class Out> __device__ void store(Fragments const& f, Problem const& p, int row, int column, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int j = 0; j < 8; ++j)
#pragma unroll
      for (int pair = 0; pair < 2; ++pair) {
        auto const place = tensor::accumulator_place(lane, 2 * pair);
        store_pair<Out>(p, row + 16 * i + place.row, column + 8 * j + place.column, f.d[i][j][2 * pair],
                        f.d[i][j][2 * pair + 1]);
      }
}

/// One 128×128 tile of C per block. Stages − 1 copies are in flight while a stage is multiplied; the barrier of each
/// step says both that the stage is there for all and that all have left the one which is overwritten next.
template <class Out, bool aligned> __global__ void __launch_bounds__(Tile::threads, 2) tiled_kernel(Problem const p) {
  unsigned char* const memory = dynamic_shared();
  auto const tile = tensor::tile_at(blockIdx.x, static_cast<std::uint32_t>(tensor::blocks(p.m, Tile::m)),
                                    static_cast<std::uint32_t>(tensor::blocks(p.n, Tile::n)), Tile::band);
  int const row = tile.row * Tile::m, column = tile.column * Tile::n, steps = tensor::blocks(p.k, Tile::k);
  int const warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
  auto const shared = static_cast<std::uint32_t>(__cvta_generic_to_shared(memory));
  auto const bring = [&](int step) {
    if (step < steps) copy_stage<aligned>(memory + step % Tile::stages * Tile::stage_bytes, p, row, column, step);
    ptx::copy_commit(); // an empty group counts too, so that the number to wait for never changes
  };
  for (int step = 0; step < Tile::stages - 1; ++step) bring(step);
  Fragments f;
  for (int step = 0; step < steps; ++step) {
    ptx::copy_wait<Tile::stages - 2>();
    __syncthreads();
    bring(step + Tile::stages - 1);
    std::uint32_t const stage = shared + static_cast<std::uint32_t>(step % Tile::stages) * Tile::stage_bytes;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      load(f, stage, warp, lane, half);
      multiply(f);
    }
  }
  ptx::copy_wait<0>();
  store<Out>(f, p, row + warp / Tile::warps_n * Tile::warp_m, column + warp % Tile::warps_n * Tile::warp_n, lane);
}

class TiledGemm final : public DeviceGemmKernel {
public:
  explicit TiledGemm(Gemm const& shape) : shape_(shape) {
    bool const aligned = shape.k % 8 == 0;
    if (shape.out == Dtype::f32)
      kernel_ = aligned ? tiled_kernel<float, true> : tiled_kernel<float, false>;
    else
      kernel_ = aligned ? tiled_kernel<__nv_bfloat16, true> : tiled_kernel<__nv_bfloat16, false>;
  }

  void launch(GemmOperands const& o, cudaStream_t stream) override {
    Problem const problem{static_cast<__nv_bfloat16 const*>(o.a),
                          static_cast<__nv_bfloat16 const*>(o.b),
                          o.c,
                          static_cast<int>(shape_.m),
                          static_cast<int>(shape_.n),
                          static_cast<int>(shape_.k)};
    auto const blocks = static_cast<unsigned>(tensor::blocks(shape_.m, Tile::m)) *
                        static_cast<unsigned>(tensor::blocks(shape_.n, Tile::n));
    maru::launch(kernel_, {.grid = blocks, .block = Tile::threads, .shared_bytes = Tile::shared_bytes}, stream,
                 problem);
  }

  std::string name() const override {
    return shape_.k % 8 == 0 ? "mma.sync 128x128x32, 3 stages" : "mma.sync 128x128x32, rows copied value by value";
  }

private:
  Gemm shape_;
  void (*kernel_)(Problem) = nullptr;
};

std::optional<Skipped> supports(Operation const& operation) {
  return refuse_device_gemm(operation, {{Dtype::bf16, Dtype::bf16}, {Dtype::bf16, Dtype::f32}}, 80);
}

std::unique_ptr<DeviceGemmKernel> make(Gemm const& shape, GemmOperands const&, cudaStream_t) {
  return std::make_unique<TiledGemm>(shape);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return make_device_gemm(std::get<Gemm>(operation), site, make);
}

} // namespace

extern CudaGemmMethod const tiled_method;
CudaGemmMethod const tiled_method{"tiled", supports, make};

extern Backend const tiled_backend;
Backend const tiled_backend{"tiled", "cuda", "own kernel by mma.sync: bf16 to bf16 or f32, every shape", true, supports,
                            prepare, "gemm"};

} // namespace maru
