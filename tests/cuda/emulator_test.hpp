// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/emulator/cuda_emulator.hpp"

#include <string>

/// For the tests of the emulator itself.
namespace maru::emulator {

constexpr std::uint64_t seeds = 9;

inline std::string failure(Shape const& shape, std::uint64_t seed, std::function<void()> const& kernel) {
  auto const* const id = reinterpret_cast<void const*>(&failure);
  cudaFuncSetAttribute(id, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 << 10);
  set_seed(seed);
  try {
    launch(id, shape, kernel);
    return {};
  } catch (Failure const& why) {
    return why.what();
  }
}
inline bool says(std::string const& text, std::string const& what) { return text.find(what) != std::string::npos; }

/// Of so many bytes, on the boundary that 128-byte swizzles repeat at.
inline std::uint32_t memory(std::uint32_t offset) {
  return ((shared_address(dynamic_memory()) + 1023) & ~1023U) + offset;
}
template <class T> T* at(std::uint32_t address) {
  return reinterpret_cast<T*>(shared_pointer(*self().block, address, sizeof(T), 1));
}
inline std::uint32_t lane() { return threadIdx.x % 32; }

/// Rows of 128 bytes: the eight pieces of 16 bytes of a row are numbered anew by XOR with the row's number.
inline std::uint32_t place(int row, int column) {
  int const piece = column / 8 ^ row % 8;
  return static_cast<std::uint32_t>(row * 128 + piece * 16 + column % 8 * 2);
}

} // namespace maru::emulator
