// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cuda_runtime_api.h>

namespace maru {

/// How a device goes through the arrays. A tile is threads × per_thread neighbouring elements and is one block's at a
/// time.
struct StreamShape {
  int threads = 256;      ///< of a block
  int per_thread = 8;     ///< elements of a tile that a thread has in flight at once: 8 or 16
  bool resident = false;  ///< as many blocks as fit the device, each taking tile after tile; otherwise a block a tile
  bool streaming = false; ///< asks the L2 cache to let go of the data first
};

/// One call: `sweeps` times over the arrays. Absent arrays are null.
struct StreamCall {
  MemoryKind kind = MemoryKind::copy;
  double const* x = nullptr;
  double const* y = nullptr;
  double* out = nullptr;
  std::uint64_t* sums = nullptr; ///< read: one per block
  std::uint64_t count = 0;       ///< elements of an array
  std::uint64_t sweeps = 1;
  std::uint64_t salt = 0; ///< write: of the pattern
};

/// Block b takes the steps b, b + blocks, b + 2·blocks …; step s is tile s mod tiles.
struct StreamGrid {
  std::uint64_t tiles = 0;
  std::uint64_t blocks = 0; ///< never more than tiles
};

constexpr StreamGrid stream_grid(StreamShape const& shape, std::uint64_t count, std::uint64_t resident_blocks) {
  auto const tile = static_cast<std::uint64_t>(shape.threads) * static_cast<std::uint64_t>(shape.per_thread);
  auto const tiles = (count + tile - 1) / tile;
  return {tiles, shape.resident ? std::min(tiles, resident_blocks) : tiles};
}

constexpr double stream_scalar = 3.0;

/// What `write` writes: in [1, 2), another value in every element, for constant data costs a memory less power.
constexpr double stream_pattern(std::uint64_t salt, std::uint64_t i) {
  return std::bit_cast<double>(((i + salt) * 0x9E3779B97F4A7C15U) >> 12 | 0x3FF0000000000000U);
}

/// Blocks of this shape that the device in use holds at once.
std::uint64_t resident_stream_blocks(MemoryKind kind, StreamShape const& shape);

/// Asynchronous on the stream.
void launch_stream(StreamCall const& call, StreamShape const& shape, StreamGrid const& grid, cudaStream_t stream);

/// Elements that are not, bit for bit, what the formula makes of random_value(x_seed, i) and random_value(y_seed, i).
struct StreamMismatch {
  unsigned long long wrong = 0;
  unsigned long long first = ~0ULL; ///< smallest index of a wrong element
};
/// Asynchronous; `*result` is on the device and was set to StreamMismatch{}.
void check_stream(StreamCall const& call, std::uint64_t x_seed, std::uint64_t y_seed, StreamMismatch* result,
                  cudaStream_t stream);

/// Writes what the bit patterns of x's elements add up to modulo 2^64, for each tile of `tile` elements, from
/// random_value(x_seed, i) and not from the memory that is checked. Asynchronous.
void expected_tile_sums(std::uint64_t* sums, std::uint64_t tile, std::uint64_t count, std::uint64_t x_seed,
                        cudaStream_t stream);

} // namespace maru
