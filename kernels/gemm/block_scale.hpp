// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"

#include <cstdint>

namespace maru {

/// Elements along k that share one block scale: 32 for mxf8, 16 for nvf4; 0 for types without block scales.
constexpr std::int64_t scale_block(Dtype dtype) { return dtype == Dtype::mxf8 ? 32 : dtype == Dtype::nvf4 ? 16 : 0; }

/// Where cuBLASLt wants the scales of a matrix whose rows run along k ("1D Block Scaling Factors Layout" in its
/// documentation): in tiles of 128 rows and 4 blocks, 512 bytes each, the tiles row by row; within a tile the rows r,
/// r + 32, r + 64 and r + 96 lie together, each with its 4 blocks. Rows and blocks are padded to whole tiles.
struct ScaleLayout {
  std::int64_t tiles = 0; ///< in a row of tiles
  std::int64_t rows = 0;  ///< of the matrix, padded

  constexpr ScaleLayout(Dtype dtype, std::int64_t matrix_rows, std::int64_t k) {
    auto const block = scale_block(dtype);
    if (block == 0) return;
    tiles = ((k + block - 1) / block + 3) / 4;
    rows = (matrix_rows + 127) / 128 * 128;
  }
  constexpr std::int64_t bytes() const { return rows * tiles * 4; }
  constexpr std::int64_t index(std::int64_t row, std::int64_t block) const {
    auto const tile = row / 128 * tiles + block / 4;
    return tile * 512 + row % 32 * 16 + row % 128 / 32 * 4 + block % 4;
  }
};

} // namespace maru
