// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/emulator/tensor.hpp"

#include <bit>
#include <cstring>

namespace maru::emulator {

constexpr std::size_t bytes_of(Format format) {
  switch (format) {
  case Format::f64: return 8;
  case Format::tf32: return 4;
  case Format::bf16:
  case Format::f16: return 2;
  default: return 1;
  }
}

template <class T> T read(unsigned char const* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Value of a code of f16, e4m3 or e5m2.
float small_float(Format format, std::uint32_t bits);

/// As a tensor core reads it: tf32 without the bits that it leaves out.
template <class Number> Number value_at(Format format, unsigned char const* at) {
  switch (format) {
  case Format::f64: return static_cast<Number>(read<double>(at));
  case Format::tf32: return static_cast<Number>(std::bit_cast<float>(read<std::uint32_t>(at) & 0xFFFFE000U));
  case Format::bf16: return static_cast<Number>(std::bit_cast<float>(std::uint32_t{read<std::uint16_t>(at)} << 16U));
  case Format::f16: return static_cast<Number>(small_float(format, read<std::uint16_t>(at)));
  case Format::e4m3:
  case Format::e5m2: return static_cast<Number>(small_float(format, *at));
  case Format::s8: break;
  }
  return static_cast<Number>(static_cast<std::int8_t>(*at));
}

/// sum[r][c] += Σ a[r][l]·b[l][c]
template <class Number> void add_product(Number* sum, std::size_t rows, std::size_t columns, std::size_t depth,
                                         Number const* a, Number const* b) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t l = 0; l < depth; ++l) {
      Number const factor = a[r * depth + l];
      for (std::size_t c = 0; c < columns; ++c) sum[r * columns + c] += factor * b[l * columns + c];
    }
}

/// Where accumulator `i` of a lane lies in its warp's rows of D, 8 columns after another.
constexpr std::size_t accumulator_row(std::size_t lane, std::size_t i) { return lane / 4 + (i % 4 >= 2 ? 8 : 0); }
constexpr std::size_t accumulator_column(std::size_t lane, std::size_t i) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }

} // namespace maru::emulator
