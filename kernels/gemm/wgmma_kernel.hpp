// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/gemm/tensor_layout.hpp"

#include <cstdint>

#if defined(__CUDACC__)
#define MARU_DEVICE __device__
#define MARU_UNROLL _Pragma("unroll")
#else
#define MARU_DEVICE
#define MARU_UNROLL
#endif

namespace maru {

/// C in tiles of a cluster, and the blocks of k.
struct TileGrid {
  int rows = 0, columns = 0, k_blocks = 0;
};

/// C = A·Bᵀ in bf16, for clusters of two blocks of three warpgroups: one thread of the first copies tiles of A and B
/// into a ring of stages, the other two warpgroups multiply and send C away. Persistent: every cluster takes one tile
/// after another. `Ptx` is ptx::Sm90, or an emulation of it.
template <class Ptx> class WgmmaKernel {
  using Tile = tensor::WgmmaTile;
  using Ring = tensor::Ring<Tile::stages>;
  using Map = typename Ptx::Map;

public:
  /// Every thread of the cluster. `shared` is a multiple of 1024 and the same in both blocks.
  MARU_DEVICE static void run(Map const& a, Map const& b, Map const& c, TileGrid const& grid, std::uint32_t shared) {
    init(a, b, c, shared);
    int const warpgroup = Ptx::thread() / 128;
    if (warpgroup == 0) {
      Ptx::template give_registers<40>();
      if (Ptx::thread() == 0) produce(a, b, grid, shared);
    } else {
      Ptx::template take_registers<232>(); // 40 + 2·232 = 3·168, what the launch bound gives
      consume(c, grid, warpgroup - 1, shared);
    }
    Ptx::cluster_sync(); // a block must not end while another may still arrive at its barriers
  }

private:
  /// This block's next tiles, in the order that all its warps walk them.
  template <class Body> MARU_DEVICE static void for_each_tile(TileGrid const& grid, Body&& body) {
    std::uint32_t const rows = static_cast<std::uint32_t>(grid.rows),
                        columns = static_cast<std::uint32_t>(grid.columns);
    for (std::uint32_t i = Ptx::block() / Tile::cluster; i < rows * columns; i += Ptx::blocks() / Tile::cluster)
      body(tensor::tile_at(i, rows, columns, Tile::band));
  }

  /// One thread: keeps the ring full. Every block brings its own rows of A and its share of B, the latter for the whole
  /// cluster; hence a stage is free only once the consumers of all blocks have let go of it.
  MARU_DEVICE static void produce(Map const& a, Map const& b, TileGrid const& grid, std::uint32_t shared) {
    auto const block = Ptx::cluster_block();
    constexpr std::uint16_t everyone = (1U << Tile::cluster) - 1;
    Ring ring;
    for_each_tile(grid, [&](tensor::Place tile) {
      int const a_row = (tile.row * Tile::cluster + static_cast<int>(block)) * Tile::m;
      int const b_row = tile.column * Tile::n + static_cast<int>(block) * Tile::b_rows;
      for (int i = 0; i < grid.k_blocks; ++i, ring.advance()) {
        auto const full = shared + Tile::full_barrier(ring.stage);
        Ptx::barrier_wait_cluster(shared + Tile::empty_barrier(ring.stage), ring.empty_parity());
        // The peer's share may land before this: the count of bytes may run below zero, and the phase cannot end
        // without this arrival.
        Ptx::barrier_expect(full, Tile::stage_bytes);
        Ptx::load_box(shared + Tile::a_stage(ring.stage), a, i * Tile::k, a_row, full);
        Ptx::load_box(shared + Tile::b_stage(ring.stage) + block * Tile::b_rows * Tile::row_bytes, b, i * Tile::k,
                      b_row, full, everyone);
      }
    });
  }

  /// A warp lets go of a stage, in every block of the cluster.
  MARU_DEVICE static void release(std::uint32_t shared, int stage) {
    int const lane = Ptx::thread() % 32;
    if (lane < Tile::cluster)
      Ptx::barrier_arrive(shared + Tile::empty_barrier(stage), static_cast<std::uint32_t>(lane));
  }

  /// Sums over k. One group of products stays in flight while the next stage is awaited, so that the tensor cores never
  /// run dry; the stage before it is released then.
  MARU_DEVICE static void accumulate(float (&d)[128], int consumer, int k_blocks, std::uint32_t shared, Ring& ring) {
    auto const a_rows = static_cast<std::uint32_t>(consumer * 64 * Tile::row_bytes);
    int previous = 0;
    for (int i = 0; i < k_blocks; ++i, ring.advance()) {
      Ptx::barrier_wait(shared + Tile::full_barrier(ring.stage), ring.full_parity());
      auto const a = tensor::descriptor_128(shared + Tile::a_stage(ring.stage) + a_rows);
      auto const b = tensor::descriptor_128(shared + Tile::b_stage(ring.stage));
      Ptx::wgmma_fence();
      MARU_UNROLL
      for (int step = 0; step < Tile::k / Tile::instruction_k; ++step) {
        auto const along = tensor::descriptor_step(static_cast<std::uint32_t>(step * Tile::instruction_k * 2));
        Ptx::multiply_bf16(d, a + along, b + along, i + step > 0);
      }
      Ptx::wgmma_commit();
      Ptx::template wgmma_wait<1>();
      if (i > 0) release(shared, previous);
      previous = ring.stage;
    }
    Ptx::template wgmma_wait<0>();
    release(shared, previous);
  }

  /// 64×256 of C leave in chunks through two buffers; the copy engine clips what lies outside of C, and goes on while
  /// the next tile is summed.
  MARU_DEVICE static void store(float const (&d)[128], Map const& c, int consumer, int row, int column,
                                std::uint32_t shared) {
    int const thread = Ptx::thread() % 128, warp = thread / 32, lane = thread % 32;
    MARU_UNROLL
    for (int chunk = 0; chunk < Tile::chunks; ++chunk) {
      auto const buffer = shared + Tile::chunk(consumer, chunk);
      if (thread == 0) Ptx::template stores_read<Tile::chunk_buffers - 1>();
      Ptx::warpgroup_sync(1 + consumer);
      MARU_UNROLL
      for (int pair = 0; pair < Tile::chunk_columns / 16; ++pair) {
        float const* const v = d + chunk * 32 + pair * 8;
        Ptx::stmatrix(buffer + Tile::chunk_address(warp, lane, pair), Ptx::pack_bf16(v[0], v[1]),
                      Ptx::pack_bf16(v[2], v[3]), Ptx::pack_bf16(v[4], v[5]), Ptx::pack_bf16(v[6], v[7]));
      }
      Ptx::async_fence();
      Ptx::warpgroup_sync(1 + consumer);
      if (thread == 0) Ptx::store_box(c, column + chunk * Tile::chunk_columns, row, buffer);
    }
  }

  MARU_DEVICE static void consume(Map const& c, TileGrid const& grid, int consumer, std::uint32_t shared) {
    int const block = static_cast<int>(Ptx::cluster_block());
    float d[128];
    Ring ring;
    for_each_tile(grid, [&](tensor::Place tile) {
      accumulate(d, consumer, grid.k_blocks, shared, ring);
      store(d, c, consumer, (tile.row * Tile::cluster + block) * Tile::m + consumer * 64, tile.column * Tile::n,
            shared);
    });
    if (Ptx::thread() % 128 == 0) Ptx::stores_done();
  }

  MARU_DEVICE static void init(Map const& a, Map const& b, Map const& c, std::uint32_t shared) {
    if (Ptx::thread() == 0) {
      Ptx::prefetch_map(a);
      Ptx::prefetch_map(b);
      Ptx::prefetch_map(c);
      for (int stage = 0; stage < Tile::stages; ++stage) {
        Ptx::barrier_init(shared + Tile::full_barrier(stage), Tile::full_arrivals);
        Ptx::barrier_init(shared + Tile::empty_barrier(stage), Tile::empty_arrivals);
      }
      Ptx::barrier_init_fence();
    }
    Ptx::cluster_sync();
  }
};

} // namespace maru
