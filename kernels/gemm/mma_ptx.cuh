// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// The instructions of sm_80 and later that CUDA C++ has no name for, one function each, as the PTX ISA defines them.
namespace maru::ptx {

/// 16 bytes from global to shared memory, of which `bytes` are read and the others become zero.
__device__ inline void copy_16(std::uint32_t to, void const* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(__cvta_generic_to_global(from)),
               "r"(bytes)
               : "memory");
}
__device__ inline void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until all but the last `pending` groups of this thread have arrived.
template <int pending> __device__ inline void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

__device__ inline void ldmatrix(std::uint32_t (&r)[4], std::uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// One warp-wide product D = A·Bᵀ + D, both rows along k. Registers as the PTX ISA lays them out: for all but f64, a
/// row is 32 bytes, and a register holds four neighbouring bytes of it. From the compute capability named on. f8e5m2
/// meets f8e4m3, as in b_dtype() of gemm_tolerance.hpp.
#define MARU_MMA(Name, least, Accumulate, constraint, types)                                                           \
  struct Name {                                                                                                        \
    using Accumulator = Accumulate;                                                                                    \
    static constexpr int capability = least, rows = 16, row_bytes = 32;                                                \
    static constexpr char const* name = "mma.m16n8" types;                                                             \
    struct A {                                                                                                         \
      std::uint32_t r[4];                                                                                              \
    };                                                                                                                 \
    struct B {                                                                                                         \
      std::uint32_t r[2];                                                                                              \
    };                                                                                                                 \
    __device__ static void multiply(Accumulator (&d)[4], A const& a, B const& b) {                                     \
      asm volatile("mma.sync.aligned.m16n8" types " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"   \
                   : constraint(d[0]), constraint(d[1]), constraint(d[2]), constraint(d[3])                            \
                   : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));                    \
    }                                                                                                                  \
  };

MARU_MMA(MmaBf16, 80, float, "+f", "k16.row.col.f32.bf16.bf16.f32")
MARU_MMA(MmaF16, 80, float, "+f", "k16.row.col.f32.f16.f16.f32")
MARU_MMA(MmaTf32, 80, float, "+f", "k8.row.col.f32.tf32.tf32.f32")
MARU_MMA(MmaS8, 80, std::int32_t, "+r", "k32.row.col.s32.s8.s8.s32")
MARU_MMA(MmaE4m3, 89, float, "+f", "k32.row.col.f32.e4m3.e4m3.f32")
MARU_MMA(MmaE5m2, 89, float, "+f", "k32.row.col.f32.e5m2.e4m3.f32")
#undef MARU_MMA

struct MmaF64 {
  using Accumulator = double;
  static constexpr int capability = 80, rows = 8, row_bytes = 32;
  static constexpr char const* name = "mma.m8n8k4.row.col.f64.f64.f64.f64";
  struct A {
    double r[1];
  };
  using B = A;
  __device__ static void multiply(double (&d)[2], A const& a, B const& b) {
    asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+d"(d[0]), "+d"(d[1])
                 : "d"(a.r[0]), "d"(b.r[0]));
  }
};

struct MmaF64Deep {
  using Accumulator = double;
  static constexpr int capability = 90, rows = 16, row_bytes = 128;
  static constexpr char const* name = "mma.m16n8k16.row.col.f64.f64.f64.f64";
  struct A {
    double r[8];
  };
  struct B {
    double r[4];
  };
  __device__ static void multiply(double (&d)[4], A const& a, B const& b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7, %8, %9, %10, %11}, {%12, %13, %14, %15}, {%0, %1, %2, %3};"
                 : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3])
                 : "d"(a.r[0]), "d"(a.r[1]), "d"(a.r[2]), "d"(a.r[3]), "d"(a.r[4]), "d"(a.r[5]), "d"(a.r[6]),
                   "d"(a.r[7]), "d"(b.r[0]), "d"(b.r[1]), "d"(b.r[2]), "d"(b.r[3]));
  }
};

} // namespace maru::ptx
