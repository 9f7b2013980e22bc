// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cuda.h>

/// The instructions of sm_90a that CUDA C++ has no name for, one function each, as the PTX ISA defines them. Addresses
/// of shared memory are 32-bit ones of the window shared::cta. To be used in sm_90a code only.
namespace maru::ptx {

// clang-format off
#define MARU_WGMMA_REGISTERS \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define MARU_WGMMA_8(c, i) c(d[i]), c(d[i + 1]), c(d[i + 2]), c(d[i + 3]), c(d[i + 4]), c(d[i + 5]), c(d[i + 6]), c(d[i + 7])
#define MARU_WGMMA_32(c, i) MARU_WGMMA_8(c, i), MARU_WGMMA_8(c, i + 8), MARU_WGMMA_8(c, i + 16), MARU_WGMMA_8(c, i + 24)
#define MARU_WGMMA_128(c) MARU_WGMMA_32(c, 0), MARU_WGMMA_32(c, 32), MARU_WGMMA_32(c, 64), MARU_WGMMA_32(c, 96)
// clang-format on

/// One m64n256 instruction, 32 bytes deep: D = A·Bᵀ, plus D when `add`. Both matrices are rows along k in shared
/// memory. `Element` names the type; the specialisations follow.
template <class Element> struct Wgmma;

#define MARU_WGMMA(Element, Accumulate, constraint, types, tail)                                                       \
  template <> struct Wgmma<Element> {                                                                                  \
    using Accumulator = Accumulate;                                                                                    \
    static constexpr char const* name = "wgmma.m64n256" types;                                                         \
    __device__ static void multiply(Accumulator (&d)[128], std::uint64_t a, std::uint64_t b, bool add) {               \
      asm volatile("{\n"                                                                                               \
                   ".reg .pred add;\n"                                                                                 \
                   "setp.ne.b32 add, %130, 0;\n"                                                                       \
                   "wgmma.mma_async.sync.aligned.m64n256" types " {" MARU_WGMMA_REGISTERS "}, %128, %129, add" tail    \
                   ";\n"                                                                                               \
                   "}\n"                                                                                               \
                   : MARU_WGMMA_128(constraint)                                                                        \
                   : "l"(a), "l"(b), "r"(static_cast<int>(add)));                                                      \
    }                                                                                                                  \
  };

struct Bf16;
struct F16;
struct Tf32;
struct E4m3;
struct E5m2;
struct S8;
// f8e5m2 meets f8e4m3, as in b_dtype() of gemm_tolerance.hpp. Behind the predicate: factors of 1 for A and B; for
// 16-bit types also that neither is transposed.
MARU_WGMMA(Bf16, float, "+f", "k16.f32.bf16.bf16", ", 1, 1, 0, 0")
MARU_WGMMA(F16, float, "+f", "k16.f32.f16.f16", ", 1, 1, 0, 0")
MARU_WGMMA(Tf32, float, "+f", "k8.f32.tf32.tf32", ", 1, 1")
MARU_WGMMA(E4m3, float, "+f", "k32.f32.e4m3.e4m3", ", 1, 1")
MARU_WGMMA(E5m2, float, "+f", "k32.f32.e5m2.e4m3", ", 1, 1")
MARU_WGMMA(S8, std::int32_t, "+r", "k32.s32.s8.s8", "")

/// What a kernel written for sm_90a does beyond C++: the kernel takes it as a type, so that a test on the host can put
/// an emulation in its place.
struct Sm90 {
  using Map = CUtensorMap;

  __device__ static int thread() { return static_cast<int>(threadIdx.x); }
  __device__ static std::uint32_t block() { return blockIdx.x; }
  __device__ static std::uint32_t blocks() { return gridDim.x; }

  __device__ static std::uint32_t shared_address(void const* pointer) {
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
  }

  // mbarrier

  __device__ static void barrier_init(std::uint32_t barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
  }
  /// Makes new barriers known to the other blocks of the cluster and to the copy engine, before a cluster_sync().
  __device__ static void barrier_init_fence() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

  __device__ static void barrier_expect(std::uint32_t barrier, std::uint32_t bytes) {
    asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
  }
  /// Arrives at the barrier of the same offset in a block of the cluster.
  __device__ static void barrier_arrive(std::uint32_t barrier, std::uint32_t block) {
    asm volatile("{\n"
                 ".reg .b32 remote;\n"
                 "mapa.shared::cluster.u32 remote, %0, %1;\n"
                 "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote];\n"
                 "}\n" ::"r"(barrier),
                 "r"(block)
                 : "memory");
  }
#define MARU_BARRIER_WAIT(name, order)                                                                                 \
  __device__ static void name(std::uint32_t barrier, std::uint32_t parity) {                                           \
    int done = 0;                                                                                                      \
    while (!done)                                                                                                      \
      asm volatile("{\n"                                                                                               \
                   ".reg .pred done;\n"                                                                                \
                   "mbarrier.try_wait.parity" order ".shared::cta.b64 done, [%1], %2;\n"                               \
                   "selp.b32 %0, 1, 0, done;\n"                                                                        \
                   "}\n"                                                                                               \
                   : "=r"(done)                                                                                        \
                   : "r"(barrier), "r"(parity)                                                                         \
                   : "memory");                                                                                        \
  }
  /// Waits until the phase of this parity has ended; for what this block and the copy engine did.
  MARU_BARRIER_WAIT(barrier_wait, ".acquire.cta")
  /// Likewise for what other blocks of the cluster did; dearer, it drops the L1 cache.
  MARU_BARRIER_WAIT(barrier_wait_cluster, ".acquire.cluster")
#undef MARU_BARRIER_WAIT

  /// All threads of all blocks of the cluster.
  __device__ static void cluster_sync() {
    asm volatile("barrier.cluster.arrive.release;\n"
                 "barrier.cluster.wait.acquire;" ::
                     : "memory");
  }
  __device__ static std::uint32_t cluster_block() {
    std::uint32_t rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
  }
  /// 128 threads; id 0 is __syncthreads'.
  __device__ static void warpgroup_sync(int id) { asm volatile("barrier.sync %0, 128;" ::"r"(id) : "memory"); }

  // Copies by the engine

  __device__ static void prefetch_map(CUtensorMap const& map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
  }
  __device__ static void load_box(std::uint32_t to, CUtensorMap const& map, int column, int row,
                                  std::uint32_t barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3}], [%4];" ::"r"(to),
                 "l"(&map), "r"(column), "r"(row), "r"(barrier)
                 : "memory");
  }
  /// To the same offset in every block of the mask, and completing on the barrier of the same offset there.
  __device__ static void load_box(std::uint32_t to, CUtensorMap const& map, int column, int row, std::uint32_t barrier,
                                  std::uint16_t mask) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
                 "[%0], [%1, {%2, %3}], [%4], %5;" ::"r"(to),
                 "l"(&map), "r"(column), "r"(row), "r"(barrier), "h"(mask)
                 : "memory");
  }
  /// A group of its own.
  __device__ static void store_box(CUtensorMap const& map, int column, int row, std::uint32_t from) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];\n"
                 "cp.async.bulk.commit_group;" ::"l"(&map),
                 "r"(column), "r"(row), "r"(from)
                 : "memory");
  }
  /// Waits until all but the last `pending` groups of this thread have read their shared memory.
  template <int pending> __device__ static void stores_read() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(pending) : "memory");
  }
  __device__ static void stores_done() { asm volatile("cp.async.bulk.wait_group 0;" ::: "memory"); }
  /// Ordinary stores to shared memory become visible to wgmma and the copy engine.
  __device__ static void async_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

  // Registers

  template <int registers> __device__ static void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
  }
  template <int registers> __device__ static void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
  }
  __device__ static std::uint32_t pack_bf16(float low, float high) {
    std::uint32_t packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
  }
  __device__ static void stmatrix(std::uint32_t address, std::uint32_t r0, std::uint32_t r1, std::uint32_t r2,
                                  std::uint32_t r3) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(r0), "r"(r1),
                 "r"(r2), "r"(r3)
                 : "memory");
  }

  // wgmma

  /// Before the first product, and after other instructions wrote its registers.
  __device__ static void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
  __device__ static void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
  template <int pending> __device__ static void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
  }
  __device__ static void multiply_bf16(float (&d)[128], std::uint64_t a, std::uint64_t b, bool add) {
    Wgmma<Bf16>::multiply(d, a, b, add);
  }
};

#undef MARU_WGMMA
#undef MARU_WGMMA_128
#undef MARU_WGMMA_32
#undef MARU_WGMMA_8
#undef MARU_WGMMA_REGISTERS

} // namespace maru::ptx
