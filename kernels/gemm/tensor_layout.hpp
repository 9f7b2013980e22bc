// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// Where tensor cores and the copy engine expect things, as plain arithmetic: the kernels use it on the device, and a
/// test on the host emulates the hardware with it. All facts from NVIDIA's PTX ISA, sections on mma, ldmatrix, wgmma,
/// cp.async.bulk.tensor and mbarrier.
namespace maru::tensor {

/// Shared memory is swizzled so that eight rows of 16 bytes never meet in a bank: bits 4 to 6 of the address are XORed
/// with bits 7 to 9. For rows of 128 bytes whose first lies on a boundary of 1024.
constexpr std::uint32_t swizzle_128(std::uint32_t address) { return address ^ ((address >> 3) & 0x70U); }
/// Likewise for rows of 64 bytes, on a boundary of 512: bits 4 and 5 with bits 7 and 8.
constexpr std::uint32_t swizzle_64(std::uint32_t address) { return address ^ ((address >> 3) & 0x30U); }

/// Descriptor of a matrix for wgmma: rows of 128 bytes along k, swizzled by 128 bytes; eight rows make 1024 bytes. To
/// move along k inside a row, move the address; the hardware swizzles what results, so the address must be unswizzled.
constexpr std::uint64_t descriptor_128(std::uint32_t address) {
  constexpr std::uint64_t swizzle = 1, stride = 1024, leading_unused = 1;
  return (swizzle << 62) | ((stride >> 4) << 32) | (leading_unused << 16) | ((address & 0x3FFFFU) >> 4);
}
/// What to add to a descriptor to move its matrix by so many bytes.
constexpr std::uint64_t descriptor_step(std::uint32_t bytes) { return bytes >> 4; }

struct Place {
  int row = 0, column = 0;
};

/// Where accumulator `i` of a lane lies in a warp's 16 rows: of mma.sync's m16n8 (i < 4) and, with 16 rows for each
/// warp of the warpgroup, of wgmma's m64n256 (i < 128).
constexpr Place accumulator_place(int lane, int i) {
  return {lane / 4 + 8 * ((i / 2) % 2), 8 * (i / 4) + 2 * (lane % 4) + i % 2};
}

/// Which row of A, and which byte of it, begins register `i` of a lane in mma.sync with `rows` (8 or 16) rows of A and
/// registers of `word` bytes (4, or 8 for f64).
constexpr Place a_register(int lane, int i, int rows, int word) {
  int const halves = rows / 8;
  return {lane / 4 + 8 * (i % halves), word * (lane % 4 + 4 * (i / halves))};
}
/// Likewise of B, whose eight columns are rows here.
constexpr Place b_register(int lane, int i, int word) { return {lane / 4, word * (lane % 4 + 4 * i)}; }

/// Which row, and which 16-byte column, a lane names to ldmatrix.x4 or stmatrix.x4 for a 16×16 block of 16-bit values:
/// the four 8×8 matrices are upper left, lower left, upper right, lower right. That is the order of A's registers in
/// m16n8k16, and of two neighbouring column blocks of accumulators.
constexpr Place block_place(int lane) { return {lane % 16, lane / 16}; }
/// Likewise for two blocks of B, eight columns each, which lie in memory as rows along k: first block's lower and upper
/// half of k, then the second block's.
constexpr Place columns_place(int lane) { return {lane % 8 + 8 * (lane / 16), (lane / 8) % 2}; }

/// Tiles in an order that keeps those in flight together near a square: bands of `band` rows, each walked column by
/// column, so that L2 serves most of what neighbours read.
constexpr Place tile_at(std::uint32_t index, std::uint32_t rows, std::uint32_t columns, std::uint32_t band) {
  std::uint32_t const first = index / (band * columns) * band, inside = index - first * columns;
  std::uint32_t const height = rows - first < band ? rows - first : band;
  return {static_cast<int>(first + inside % height), static_cast<int>(inside / height)};
}

constexpr int blocks(std::int64_t count, int size) { return static_cast<int>((count + size - 1) / size); }

/// A place in a ring of stages, each with an mbarrier for "full" and one for "empty". The parity to wait for on "full"
/// is that of the turn; on "empty" the other one, which a new barrier passes at once.
template <int stages> struct Ring {
  int stage = 0;
  std::uint32_t turn = 0;
  constexpr void advance() {
    if (++stage == stages) {
      stage = 0;
      turn ^= 1;
    }
  }
  constexpr std::uint32_t full_parity() const { return turn; }
  constexpr std::uint32_t empty_parity() const { return turn ^ 1; }
};

/// The warp-specialised kernel: sizes, and shared memory as byte offsets from a boundary of 1024.
struct WgmmaTile {
  static constexpr int m = 128, n = 256, k = 64; ///< of C per block; k per stage, 128 bytes of bf16
  static constexpr int stages = 4, cluster = 2;  ///< the blocks of a cluster lie below one another and share B
  static constexpr int consumers = 2;            ///< warpgroups, with 64 rows each
  static constexpr int instruction_k = 16, row_bytes = 128;
  static constexpr int threads = 128 * (1 + consumers);
  static constexpr int band = 8;             ///< of tile_at, in clusters
  static constexpr int b_rows = n / cluster; ///< that one block loads, for all
  static constexpr std::uint32_t a_bytes = m * row_bytes, b_bytes = n * row_bytes, stage_bytes = a_bytes + b_bytes;
  static constexpr int chunk_columns = 64, chunks = n / chunk_columns, chunk_buffers = 2; ///< C leaves in chunks
  static constexpr std::uint32_t chunk_bytes = 64 * row_bytes;
  static constexpr std::uint32_t c_offset = stages * stage_bytes;
  static constexpr std::uint32_t barrier_offset = c_offset + consumers * chunk_buffers * chunk_bytes;
  static constexpr std::uint32_t shared_bytes = barrier_offset + 2 * stages * 8;
  static constexpr int full_arrivals = 1;                        ///< the block's producer
  static constexpr int empty_arrivals = cluster * consumers * 4; ///< every consuming warp of every block

  static constexpr std::uint32_t a_stage(int stage) { return static_cast<std::uint32_t>(stage) * stage_bytes; }
  static constexpr std::uint32_t b_stage(int stage) { return a_stage(stage) + a_bytes; }
  static constexpr std::uint32_t full_barrier(int stage) {
    return barrier_offset + static_cast<std::uint32_t>(stage) * 8;
  }
  static constexpr std::uint32_t empty_barrier(int stage) { return full_barrier(stages + stage); }
  static constexpr std::uint32_t chunk(int consumer, int chunk) {
    return c_offset + static_cast<std::uint32_t>(consumer * chunk_buffers + chunk % chunk_buffers) * chunk_bytes;
  }
  /// Where a lane stores its row of accumulators 8·pair to 8·pair+7 of a chunk, within the chunk's buffer.
  static constexpr std::uint32_t chunk_address(int warp, int lane, int pair) {
    auto const place = block_place(lane);
    return swizzle_128(
        static_cast<std::uint32_t>((16 * warp + place.row) * row_bytes + (2 * pair + place.column) * 16));
  }
};
// 227 KB is what a block can have on compute capability 9.0 (CUDA C++ Programming Guide, table of technical
// specifications); up to 1023 bytes go into reaching the boundary.
static_assert(WgmmaTile::shared_bytes + 1023 <= 227 * 1024);
static_assert(WgmmaTile::stage_bytes % 1024 == 0 && WgmmaTile::a_bytes % 1024 == 0 &&
              WgmmaTile::chunk_bytes % 1024 == 0);

/// The kernel that only issues wgmma: the same stages, all filled once, so that operands change from one instruction to
/// the next as they do in a real product. A and B have k of all stages in a row.
struct WgmmaIssue {
  static constexpr int m = 128, n = 256, stages = 4, threads = 256, row_bytes = stages * 128;
  static constexpr std::uint32_t a_bytes = m * 128, stage_bytes = a_bytes + n * 128;
  static constexpr std::uint32_t shared_bytes = stages * stage_bytes;
  /// Where a 16-byte piece of a matrix's row goes, from the beginning of A's or B's part of stage 0.
  static constexpr std::uint32_t address(int row, int piece) {
    return static_cast<std::uint32_t>(piece / 8) * stage_bytes +
           swizzle_128(static_cast<std::uint32_t>(row * 128 + piece % 8 * 16));
  }
};

/// The mma.sync kernel: four warps with 64×64 each, fed by cp.async.
struct MmaTile {
  static constexpr int m = 128, n = 128, k = 32, stages = 3;
  static constexpr int threads = 128, warp_m = 64, warp_n = 64, warps_n = n / warp_n;
  static constexpr int row_bytes = k * 2, band = 8;
  static constexpr std::uint32_t a_bytes = m * row_bytes, stage_bytes = (m + n) * row_bytes;
  static constexpr std::uint32_t shared_bytes = stages * stage_bytes;

  /// Of a 16-byte piece, within the part of a stage that holds its matrix.
  static constexpr std::uint32_t address(int row, int piece) {
    return swizzle_64(static_cast<std::uint32_t>(row * row_bytes + piece * 16));
  }
};
// What every device gives without asking, and two blocks fit into the 100 KB of the smaller ones.
static_assert(MmaTile::shared_bytes <= 48 * 1024);

} // namespace maru::tensor
