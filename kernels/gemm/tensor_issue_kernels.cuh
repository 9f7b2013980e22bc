// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/gemm/mma_ptx.cuh"
#include "kernels/gemm/tensor_layout.hpp"
#include "kernels/gemm/wgmma_ptx.cuh"

#include <cstdint>
#include <type_traits>

/// Kernels that issue tensor-core instructions and do nothing else. Each block computes the same C[m,n] = rounds·A·Bᵀ,
/// `chains` times from zero, as a product's tiles begin anew: accumulators that only grow would soon ignore what is
/// added, and draw less power. C is written only where `out` is not null, block after block.
namespace maru::issue {

struct Arguments {
  unsigned char const *a = nullptr, *b = nullptr; ///< rows along k, [m,k] and [n,k]
  int rounds = 1, chains = 1;
  void* out = nullptr;
};

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
/// 16-byte pieces of a matrix into the stages.
__device__ inline void fill_stages(unsigned char* to, unsigned char const* matrix, int rows) {
  using Issue = tensor::WgmmaIssue;
  constexpr int pieces = Issue::row_bytes / 16;
  for (int i = static_cast<int>(threadIdx.x); i < rows * pieces; i += Issue::threads)
    *reinterpret_cast<uint4*>(to + Issue::address(i / pieces, i % pieces)) = reinterpret_cast<uint4 const*>(matrix)[i];
}
#endif

/// Two warpgroups, each with 64×256 of C. The next group of products is issued before the one before is over.
template <class Element> __global__ void __launch_bounds__(tensor::WgmmaIssue::threads, 1)
    wgmma_issue([[maybe_unused]] Arguments const arguments) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Issue = tensor::WgmmaIssue;
  using Instruction = ptx::Wgmma<Element>;
  using Accumulator = typename Instruction::Accumulator;
  unsigned char* const memory = dynamic_shared();
  std::uint32_t const unaligned = ptx::Sm90::shared_address(memory), shared = (unaligned + 1023U) & ~1023U;
  unsigned char* const stages = memory + (shared - unaligned);
  fill_stages(stages, arguments.a, Issue::m);
  fill_stages(stages + Issue::a_bytes, arguments.b, Issue::n);
  ptx::Sm90::async_fence();
  __syncthreads();

  int const warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32), first = warp / 4 * 64;
  auto const a = tensor::descriptor_128(shared + static_cast<std::uint32_t>(first * 128));
  auto const b = tensor::descriptor_128(shared + Issue::a_bytes);
  Accumulator d[128];
#pragma unroll 1
  for (int chain = 0; chain < arguments.chains; ++chain)
#pragma unroll 1
    for (int round = 0; round < arguments.rounds; ++round)
#pragma unroll
      for (int stage = 0; stage < Issue::stages; ++stage) {
        ptx::Sm90::wgmma_fence();
#pragma unroll
        for (int step = 0; step < 4; ++step) {
          auto const along =
              tensor::descriptor_step(static_cast<std::uint32_t>(stage) * Issue::stage_bytes + 32U * step);
          Instruction::multiply(d, a + along, b + along, round + stage + step > 0);
        }
        ptx::Sm90::wgmma_commit();
        ptx::Sm90::wgmma_wait<1>();
      }
  ptx::Sm90::wgmma_wait<0>();
  if (!arguments.out) return;
  Accumulator* const out = static_cast<Accumulator*>(arguments.out) + std::int64_t{blockIdx.x} * Issue::m * Issue::n;
#pragma unroll
  for (int i = 0; i < 128; ++i) {
    auto const place = tensor::accumulator_place(lane, i);
    out[(first + warp % 4 * 16 + place.row) * Issue::n + place.column] = d[i];
  }
#endif
}

/// Eight warps, four by two; each multiplies so many blocks of A's rows with four of eight columns, all in registers.
template <class Mma> struct MmaIssue {
  static constexpr int a_blocks = sizeof(typename Mma::A) > 16 ? 2 : 4, b_blocks = 4, warps_m = 4, warps_n = 2;
  static constexpr int warp_m = a_blocks * Mma::rows, warp_n = b_blocks * 8;
  static constexpr int m = warps_m * warp_m, n = warps_n * warp_n, threads = 32 * warps_m * warps_n;
  static constexpr int blocks = sizeof(typename Mma::A) > 16 ? 1 : 2; ///< that share a multiprocessor's registers
};

template <class Mma> struct MmaRegisters {
  using Issue = MmaIssue<Mma>;
  using Register = std::remove_reference_t<decltype(Mma::A::r[0])>;
  static constexpr int accumulators = Mma::rows * 8 / 32, word = static_cast<int>(sizeof(Register));
  typename Mma::Accumulator d[Issue::a_blocks][Issue::b_blocks][accumulators];
  typename Mma::A a[Issue::a_blocks];
  typename Mma::B b[Issue::b_blocks];

  __device__ static Register read(unsigned char const* matrix, int row, int byte) {
    return *reinterpret_cast<Register const*>(matrix + row * Mma::row_bytes + byte);
  }
  __device__ void load(Arguments const& arguments, int row, int column, int lane) {
#pragma unroll
    for (int block = 0; block < Issue::a_blocks; ++block)
#pragma unroll
      for (int i = 0; i < static_cast<int>(sizeof(typename Mma::A)) / word; ++i) {
        auto const place = tensor::a_register(lane, i, Mma::rows, word);
        a[block].r[i] = read(arguments.a, row + block * Mma::rows + place.row, place.column);
      }
#pragma unroll
    for (int block = 0; block < Issue::b_blocks; ++block)
#pragma unroll
      for (int i = 0; i < static_cast<int>(sizeof(typename Mma::B)) / word; ++i) {
        auto const place = tensor::b_register(lane, i, word);
        b[block].r[i] = read(arguments.b, column + block * 8 + place.row, place.column);
      }
  }
  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < Issue::a_blocks; ++i)
#pragma unroll
      for (int j = 0; j < Issue::b_blocks; ++j)
#pragma unroll
        for (int l = 0; l < accumulators; ++l) d[i][j][l] = 0;
  }
  __device__ void multiply() {
#pragma unroll
    for (int i = 0; i < Issue::a_blocks; ++i)
#pragma unroll
      for (int j = 0; j < Issue::b_blocks; ++j) Mma::multiply(d[i][j], a[i], b[j]);
  }
  __device__ void store(typename Mma::Accumulator* out, int row, int column, int lane) const {
#pragma unroll
    for (int i = 0; i < Issue::a_blocks; ++i)
#pragma unroll
      for (int j = 0; j < Issue::b_blocks; ++j)
#pragma unroll
        for (int l = 0; l < accumulators; ++l) {
          auto const place = tensor::accumulator_place(lane, l);
          out[(row + i * Mma::rows + place.row) * Issue::n + column + j * 8 + place.column] = d[i][j][l];
        }
  }
};

template <class Mma> __global__ void __launch_bounds__(MmaIssue<Mma>::threads, MmaIssue<Mma>::blocks)
    mma_issue([[maybe_unused]] Arguments const arguments) {
#if defined(__CUDA_ARCH__)
  if constexpr (__CUDA_ARCH__ >= Mma::capability * 10) {
    using Issue = MmaIssue<Mma>;
    int const warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
    int const row = warp / Issue::warps_n * Issue::warp_m, column = warp % Issue::warps_n * Issue::warp_n;
    MmaRegisters<Mma> registers;
    registers.load(arguments, row, column, lane);
#pragma unroll 1
    for (int chain = 0; chain < arguments.chains; ++chain) {
      registers.clear();
#pragma unroll 1
      for (int round = 0; round < arguments.rounds; ++round) registers.multiply();
    }
    if (!arguments.out) return;
    auto* const out = static_cast<typename Mma::Accumulator*>(arguments.out);
    registers.store(out + std::int64_t{blockIdx.x} * Issue::m * Issue::n, row, column, lane);
  }
#endif
}

} // namespace maru::issue
