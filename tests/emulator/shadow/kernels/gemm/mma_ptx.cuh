// SPDX-License-Identifier: Apache-2.0
// Stands in for the file of this name below kernels/: its functions, done by the emulator.
#pragma once

#include "tests/emulator/cuda_emulator.hpp"

namespace maru::ptx {

inline void copy_16(std::uint32_t to, void const* from, int bytes) { emulator::copy_16(to, from, bytes); }
inline void copy_commit() { emulator::copy_commit(); }
template <int pending> void copy_wait() { emulator::copy_wait(pending); }
inline void ldmatrix(std::uint32_t (&r)[4], std::uint32_t address) { emulator::ldmatrix(r, address, false); }

/// Registers of one lane, for so many rows of a matrix.
constexpr std::size_t registers(std::size_t rows, std::size_t row_bytes, std::size_t register_bytes) {
  return rows * row_bytes / register_bytes / 32;
}

#define MARU_MMA(Name, least, Accumulate, Register, a_format, b_format, m, bytes, types)                               \
  struct Name {                                                                                                        \
    using Accumulator = Accumulate;                                                                                    \
    static constexpr int capability = (least), rows = (m), row_bytes = (bytes);                                        \
    static constexpr char const* name = "mma." types;                                                                  \
    struct A {                                                                                                         \
      Register r[registers(m, bytes, sizeof(Register))];                                                               \
    };                                                                                                                 \
    struct B {                                                                                                         \
      Register r[registers(8, bytes, sizeof(Register))];                                                               \
    };                                                                                                                 \
    static void multiply(Accumulator (&d)[(m) / 4], A const& a, B const& b) {                                          \
      emulator::mma(emulator::Format::a_format, emulator::Format::b_format, rows, row_bytes, d, a.r, b.r);             \
    }                                                                                                                  \
  };
MARU_MMA(MmaBf16, 80, float, std::uint32_t, bf16, bf16, 16, 32, "m16n8k16.row.col.f32.bf16.bf16.f32")
MARU_MMA(MmaF16, 80, float, std::uint32_t, f16, f16, 16, 32, "m16n8k16.row.col.f32.f16.f16.f32")
MARU_MMA(MmaTf32, 80, float, std::uint32_t, tf32, tf32, 16, 32, "m16n8k8.row.col.f32.tf32.tf32.f32")
MARU_MMA(MmaS8, 80, std::int32_t, std::uint32_t, s8, s8, 16, 32, "m16n8k32.row.col.s32.s8.s8.s32")
MARU_MMA(MmaE4m3, 89, float, std::uint32_t, e4m3, e4m3, 16, 32, "m16n8k32.row.col.f32.e4m3.e4m3.f32")
MARU_MMA(MmaE5m2, 89, float, std::uint32_t, e5m2, e4m3, 16, 32, "m16n8k32.row.col.f32.e5m2.e4m3.f32")
MARU_MMA(MmaF64, 80, double, double, f64, f64, 8, 32, "m8n8k4.row.col.f64.f64.f64.f64")
MARU_MMA(MmaF64Deep, 90, double, double, f64, f64, 16, 128, "m16n8k16.row.col.f64.f64.f64.f64")
#undef MARU_MMA

} // namespace maru::ptx
