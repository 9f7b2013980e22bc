// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/random.hpp"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <ostream>
#include <vector>

/// Matrices and shared memory for tests that emulate tensor cores on the host.
namespace maru::tensor {

struct Shape {
  int m, n, k;
  friend std::ostream& operator<<(std::ostream& out, Shape const& s) { return out << s.m << 'x' << s.n << 'x' << s.k; }
};

/// A row-major matrix of 16-bit integers, which stand for bf16 here.
struct Matrix {
  int rows, columns;
  std::vector<std::int16_t> values;
  Matrix(int r, int c) : rows(r), columns(c), values(static_cast<std::size_t>(r) * static_cast<std::size_t>(c)) {}
  Matrix(int r, int c, std::uint64_t seed) : Matrix(r, c) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<std::int16_t>(static_cast<int>(random_bits(seed, i) % 7) - 3);
  }
  bool has(int r, int c) const { return r >= 0 && c >= 0 && r < rows && c < columns; }
  std::int16_t& at(int r, int c) {
    return values[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)];
  }
};

class Shared {
public:
  explicit Shared(std::size_t size) : bytes_(size, 0x5A) {}
  std::int16_t get(std::uint32_t address) const {
    std::int16_t value = 0;
    std::memcpy(&value, &bytes_.at(address + 1) - 1, sizeof value);
    return value;
  }
  void put(std::uint32_t address, std::int16_t value) {
    std::memcpy(&bytes_.at(address + 1) - 1, &value, sizeof value);
  }

private:
  std::vector<unsigned char> bytes_;
};

/// The engine's 128-byte swizzle, as the CUDA Programming Guide draws it: in a box whose rows are 128 bytes, the
/// 16-byte piece c of row r lies at place c XOR (r mod 8).
inline std::uint32_t boxed(std::uint32_t base, int row, int column) {
  EXPECT_EQ(base % 1024, 0U);
  auto const r = static_cast<std::uint32_t>(row), c = static_cast<std::uint32_t>(column);
  return base + r * 128 + ((c / 8) ^ (r % 8)) * 16 + c % 8 * 2;
}

/// Value (row, k) of a matrix of rows along k that a descriptor with 128-byte swizzle names: groups of eight rows lie
/// the stride apart, rows 128 bytes, and bits 4 to 6 of the address that results are XORed with bits 7 to 9.
inline std::int16_t described(Shared const& shared, std::uint64_t descriptor, int row, int k) {
  auto const start = static_cast<std::uint32_t>(descriptor & 0x3FFF) << 4;
  auto const stride = static_cast<std::uint32_t>((descriptor >> 32) & 0x3FFF) << 4;
  auto const r = static_cast<std::uint32_t>(row);
  std::uint32_t const address = start + r / 8 * stride + r % 8 * 128 + static_cast<std::uint32_t>(k) * 2;
  return shared.get(address ^ (((address >> 7) & 7) << 4));
}

/// Every element right, and written once.
inline void expect_product(Matrix& a, Matrix& b, Matrix& c, Matrix& writes) {
  for (int i = 0; i < c.rows; ++i)
    for (int j = 0; j < c.columns; ++j) {
      int sum = 0;
      for (int l = 0; l < a.columns; ++l) sum += a.at(i, l) * b.at(j, l);
      ASSERT_EQ(c.at(i, j), sum) << i << ", " << j;
      ASSERT_EQ(writes.at(i, j), 1) << i << ", " << j;
    }
}

} // namespace maru::tensor
