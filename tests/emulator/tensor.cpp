// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/tensor.hpp"

#include "kernels/minifloat.hpp"
#include "tests/emulator/copies.hpp"
#include "tests/emulator/grid.hpp"
#include "tests/emulator/numbers.hpp"

#include <bit>

namespace maru::emulator {
namespace {

/// Every code's value.
template <class Bits> std::vector<float> table(MiniFloat format) {
  std::vector<float> values(std::size_t{1} << (8 * sizeof(Bits)));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(decode(format, static_cast<unsigned>(i)));
  return values;
}

/// One lane's part of an mma.
struct Fragment {
  void* d;
  unsigned char const *a, *b;
};

template <class Number, class Lanes>
void multiply_warp(Format a_format, Format b_format, std::size_t rows, std::size_t row_bytes, Lanes const& lanes) {
  constexpr std::size_t columns = 8;
  std::size_t const word = a_format == Format::f64 ? 8 : 4; // bytes of a register
  std::size_t const words = row_bytes / word, halves = rows / 8, depth = row_bytes / bytes_of(a_format);
  std::vector<unsigned char> a(rows * row_bytes), b(columns * row_bytes);
  for (std::size_t lane = 0; lane < 32; ++lane) {
    Fragment const& mine = lanes(static_cast<int>(lane));
    // Four lanes share a row and take a register of it in turn; A's next eight rows come before the next columns.
    for (std::size_t i = 0; i < words / 4 * halves; ++i)
      std::memcpy(&a[(lane / 4 + i % halves * 8) * row_bytes + (i / halves * 4 + lane % 4) * word], mine.a + i * word,
                  word);
    for (std::size_t i = 0; i < words / 4; ++i)
      std::memcpy(&b[lane / 4 * row_bytes + (i * 4 + lane % 4) * word], mine.b + i * word, word);
  }
  std::vector<Number> sum(rows * columns), x(rows * depth), y(columns * depth);
  for (std::size_t l = 0; l < depth; ++l) {
    for (std::size_t r = 0; r < rows; ++r)
      x[r * depth + l] = value_at<Number>(a_format, &a[r * row_bytes + l * bytes_of(a_format)]);
    for (std::size_t c = 0; c < columns; ++c)
      y[l * columns + c] = value_at<Number>(b_format, &b[c * row_bytes + l * bytes_of(b_format)]);
  }
  auto const for_each = [&](auto const& each) {
    for (std::size_t lane = 0; lane < 32; ++lane)
      for (std::size_t i = 0; i < rows / 4; ++i)
        each(static_cast<Number*>(lanes(static_cast<int>(lane)).d)[i],
             sum[accumulator_row(lane, i) * columns + accumulator_column(lane, i)]);
  };
  for_each([](Number const& d, Number& element) { element = d; });
  add_product(sum.data(), rows, columns, depth, x.data(), y.data());
  for_each([](Number& d, Number const& element) { d = element; });
}

} // namespace

float small_float(Format format, std::uint32_t bits) {
  static auto const f16 = table<std::uint16_t>(f16_format);
  static auto const e4m3 = table<std::uint8_t>(f8e4m3_format), e5m2 = table<std::uint8_t>(f8e5m2_format);
  return (format == Format::f16 ? f16 : format == Format::e4m3 ? e4m3 : e5m2)[bits];
}

void ldmatrix(std::uint32_t (&r)[4], std::uint32_t address, bool transposed) {
  struct Mine {
    std::uint32_t* r;
    unsigned char const* row;
  } mine{r, shared_pointer(*self().block, address, 16, 16)};
  meet_all(transposed ? "ldmatrix.trans" : "ldmatrix", mine, [&](auto const& lanes) {
    // Matrix i has its rows where the lanes from 8·i on say; a register holds two neighbours of a row.
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        std::uint16_t pair[2];
        for (int j = 0; j < 2; ++j) {
          int const row = transposed ? lane % 4 * 2 + j : lane / 4, column = transposed ? lane / 4 : lane % 4 * 2 + j;
          pair[j] = read<std::uint16_t>(lanes(8 * i + row).row + 2 * column);
        }
        lanes(lane).r[i] = pair[0] | std::uint32_t{pair[1]} << 16U;
      }
  });
}

void stmatrix(std::uint32_t address, std::uint32_t const (&r)[4]) {
  struct Mine {
    std::uint32_t const* r;
    unsigned char* row;
  } mine{r, shared_pointer(*self().block, address, 16, 16)};
  note_store(address, 16);
  meet_all("stmatrix", mine, [](auto const& lanes) {
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) std::memcpy(lanes(8 * i + lane / 4).row + lane % 4 * 4, lanes(lane).r + i, 4);
  });
}

void mma(Format a_format, Format b_format, std::size_t rows, std::size_t row_bytes, void* d, void const* a,
         void const* b) {
  Fragment mine{d, static_cast<unsigned char const*>(a), static_cast<unsigned char const*>(b)};
  meet_all("mma.sync", mine, [&](auto const& lanes) {
    if (a_format == Format::f64)
      multiply_warp<double>(a_format, b_format, rows, row_bytes, lanes);
    else if (a_format == Format::s8)
      multiply_warp<std::int32_t>(a_format, b_format, rows, row_bytes, lanes);
    else
      multiply_warp<float>(a_format, b_format, rows, row_bytes, lanes);
  });
}

std::uint32_t pack_bf16(float low, float high) {
  auto const rounded = [](float value) {
    auto const bits = std::bit_cast<std::uint32_t>(value);
    if (value != value) return 0x7FFFU;
    return (bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U;
  };
  return rounded(low) | rounded(high) << 16U;
}

void set_registers(int count, bool more) {
  if (count < 24 || count > 256 || count % 8 != 0) fail("sets an impossible number of registers");
  struct Mine {
  } mine;
  Block& block = *self().block;
  meet_all("setmaxnreg", mine, [&](auto const&) {
    auto& counts = self().warp->register_counts;
    int const before = counts.empty() ? block.launch_registers : counts.back();
    counts.push_back(count);
    if (more ? count < before : count > before) fail("sets the registers in the wrong direction");
    if (!more) block.free_registers += 32 * (before - count);
  });
  if (!more) return;
  // Once for a warp.
  if (self().lane() == 0) {
    auto const& counts = self().warp->register_counts;
    int const wanted = 32 * (count - (counts.size() > 1 ? counts[counts.size() - 2] : block.launch_registers));
    wait_until("waits for registers:", static_cast<std::uint32_t>(wanted),
               [&] { return block.free_registers >= wanted; });
    block.free_registers -= wanted;
  }
  sync_warp(all_lanes);
}

} // namespace maru::emulator
