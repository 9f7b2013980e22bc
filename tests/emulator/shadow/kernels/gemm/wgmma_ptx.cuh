// SPDX-License-Identifier: Apache-2.0
// Stands in for the file of this name below kernels/: its functions, done by the emulator.
#pragma once

#include "tests/emulator/cuda_emulator.hpp"

namespace maru::ptx {

template <class Element> struct Wgmma;

#define MARU_WGMMA(Element, Accumulate, a_format, b_format, types)                                                     \
  struct Element;                                                                                                      \
  template <> struct Wgmma<Element> {                                                                                  \
    using Accumulator = Accumulate;                                                                                    \
    static constexpr char const* name = "wgmma.m64n256" types;                                                         \
    static void multiply(Accumulator (&d)[128], std::uint64_t a, std::uint64_t b, bool add) {                          \
      emulator::wgmma(emulator::Format::a_format, emulator::Format::b_format, d, a, b, add);                           \
    }                                                                                                                  \
  };
MARU_WGMMA(Bf16, float, bf16, bf16, "k16.f32.bf16.bf16")
MARU_WGMMA(F16, float, f16, f16, "k16.f32.f16.f16")
MARU_WGMMA(Tf32, float, tf32, tf32, "k8.f32.tf32.tf32")
MARU_WGMMA(E4m3, float, e4m3, e4m3, "k32.f32.e4m3.e4m3")
MARU_WGMMA(E5m2, float, e5m2, e4m3, "k32.f32.e5m2.e4m3")
MARU_WGMMA(S8, std::int32_t, s8, s8, "k32.s32.s8.s8")
#undef MARU_WGMMA

struct Sm90 {
  using Map = CUtensorMap;

  static int thread() { return static_cast<int>(threadIdx.x); }
  static std::uint32_t block() { return blockIdx.x; }
  static std::uint32_t blocks() { return gridDim.x; }
  static std::uint32_t shared_address(void const* pointer) { return emulator::shared_address(pointer); }

  static void barrier_init(std::uint32_t barrier, int arrivals) { emulator::barrier_init(barrier, arrivals); }
  static void barrier_init_fence() { emulator::barrier_init_fence(); }
  static void barrier_expect(std::uint32_t barrier, std::uint32_t bytes) {
    emulator::barrier_arrive_expect(barrier, bytes);
  }
  static void barrier_arrive(std::uint32_t barrier, std::uint32_t block) { emulator::barrier_arrive(barrier, block); }
  static void barrier_wait(std::uint32_t barrier, std::uint32_t parity) {
    emulator::barrier_wait(barrier, parity, false);
  }
  static void barrier_wait_cluster(std::uint32_t barrier, std::uint32_t parity) {
    emulator::barrier_wait(barrier, parity, true);
  }
  static void cluster_sync() { emulator::sync_cluster(); }
  static std::uint32_t cluster_block() { return emulator::self().block->rank; }
  static void warpgroup_sync(int id) { emulator::sync_block(static_cast<unsigned>(id), 128); }

  static void prefetch_map(CUtensorMap const&) {}
  static void load_box(std::uint32_t to, CUtensorMap const& map, int column, int row, std::uint32_t barrier) {
    emulator::load_box(to, &map, column, row, barrier, 1U << cluster_block());
  }
  static void load_box(std::uint32_t to, CUtensorMap const& map, int column, int row, std::uint32_t barrier,
                       std::uint16_t mask) {
    emulator::load_box(to, &map, column, row, barrier, mask);
  }
  static void store_box(CUtensorMap const& map, int column, int row, std::uint32_t from) {
    emulator::store_box(&map, column, row, from);
    emulator::stores_commit();
  }
  template <int pending> static void stores_read() { emulator::stores_read(pending); }
  static void stores_done() { emulator::stores_done(0); }
  static void async_fence() { emulator::async_fence(); }

  template <int registers> static void give_registers() { emulator::set_registers(registers, false); }
  template <int registers> static void take_registers() { emulator::set_registers(registers, true); }
  static std::uint32_t pack_bf16(float low, float high) { return emulator::pack_bf16(low, high); }
  static void stmatrix(std::uint32_t address, std::uint32_t r0, std::uint32_t r1, std::uint32_t r2, std::uint32_t r3) {
    emulator::stmatrix(address, {r0, r1, r2, r3});
  }

  static void wgmma_fence() { emulator::wgmma_fence(); }
  static void wgmma_commit() { emulator::wgmma_commit(); }
  template <int pending> static void wgmma_wait() { emulator::wgmma_wait(pending); }
  static void multiply_bf16(float (&d)[128], std::uint64_t a, std::uint64_t b, bool add) {
    Wgmma<Bf16>::multiply(d, a, b, add);
  }
};

} // namespace maru::ptx
