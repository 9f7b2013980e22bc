// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace maru {

/// Rows and columns, or width and height; 0 × 0 when not known.
using Extent = std::pair<int, int>;

inline std::string extent_text(Extent const& extent) {
  return extent.first == 0 ? "?" : std::to_string(extent.first) + "x" + std::to_string(extent.second);
}

/// What a number of cublasLtMatmulTile_t stands for. 1 to 35 are listed; up to 311 follow all multiples of 8 × 64 that
/// are not among them, up to 630 all multiples of 64 × 8, then four large ones. Read off the header of cuBLAS 13.1; the
/// library gives no text.
constexpr Extent tile_extent(int id) {
  constexpr Extent listed[] = {{8, 8},     {8, 16},    {16, 8},    {8, 32},    {16, 16},  {32, 8},    {8, 64},
                               {16, 32},   {32, 16},   {64, 8},    {32, 32},   {32, 64},  {64, 32},   {32, 128},
                               {64, 64},   {128, 32},  {64, 128},  {128, 64},  {64, 256}, {128, 128}, {256, 64},
                               {64, 512},  {128, 256}, {256, 128}, {512, 64},  {64, 96},  {96, 64},   {96, 128},
                               {128, 160}, {160, 128}, {192, 128}, {128, 192}, {128, 96}, {32, 256},  {256, 32}};
  constexpr Extent last[] = {{256, 512}, {256, 1024}, {512, 512}, {512, 1024}};
  constexpr int last_listed = 35, last_wide = 311, last_fine = 630, widest = 768;
  auto const is_listed = [&](Extent const& extent) {
    for (auto const& known : listed)
      if (known == extent) return true;
    return false;
  };
  if (id < 1 || id > last_fine + 4) return {};
  if (id <= last_listed) return listed[id - 1];
  if (id > last_fine) return last[id - last_fine - 1];
  bool const wide = id <= last_wide;
  int const rows = wide ? 8 : 64, columns = wide ? 64 : 8, most = wide ? 49152 : 65536;
  int next = wide ? last_listed : last_wide;
  for (int r = rows; r <= widest; r += rows)
    for (int c = columns; c <= widest && r * c <= most; c += columns) {
      bool const in_the_wide = !wide && c % 64 == 0 && r * c <= 49152;
      if (!is_listed({r, c}) && !in_the_wide && ++next == id) return {r, c};
    }
  return {};
}

/// What a number of cublasLtClusterShape_t stands for; its third side is always 1. 0 leaves the choice to the library.
constexpr Extent cluster_extent(int id) {
  constexpr Extent known[] = {{1, 1},  {2, 1},  {4, 1},  {1, 2},  {2, 2},  {4, 2},  {1, 4},  {2, 4},  {4, 4},  {8, 1},
                              {1, 8},  {8, 2},  {2, 8},  {16, 1}, {1, 16}, {3, 1},  {5, 1},  {6, 1},  {7, 1},  {9, 1},
                              {10, 1}, {11, 1}, {12, 1}, {13, 1}, {14, 1}, {15, 1}, {3, 2},  {5, 2},  {6, 2},  {7, 2},
                              {1, 3},  {2, 3},  {3, 3},  {4, 3},  {5, 3},  {3, 4},  {1, 5},  {2, 5},  {3, 5},  {1, 6},
                              {2, 6},  {1, 7},  {2, 7},  {1, 9},  {1, 10}, {1, 11}, {1, 12}, {1, 13}, {1, 14}, {1, 15}};
  constexpr int count = sizeof known / sizeof *known;
  return id >= 2 && id < 2 + count ? known[id - 2] : Extent{};
}

/// What a number of cublasLtMatmulStages_t stands for: "64x4" is four stages of 64 terms each.
inline std::string stages_text(int id) {
  constexpr int sizes[] = {16, 32, 64, 128}, automatic[] = {8, 16, 32, 64, 128, 256, 768};
  if (id >= 1 && id <= 24) return extent_text({sizes[(id - 1) / 6], (id - 1) % 6 + 1});
  if (id >= 32 && id <= 38) return std::to_string(automatic[id - 32]) + "xauto";
  switch (id) {
  case 0: return "auto";
  case 25: return "32x10";
  case 26: return "8x4";
  case 27: return "16x10";
  case 28: return "8x5";
  case 31: return "8x3";
  default: return "?";
  }
}

} // namespace maru
