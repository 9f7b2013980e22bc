// SPDX-License-Identifier: Apache-2.0
// Stands in for the file of this name below kernels/: its functions in plain C++.
#pragma once

#include "tests/emulator/cuda_emulator.hpp"

#include <cstring>

namespace maru {

struct alignas(16) Vector {
  static constexpr int width = 2;
  double v[width];
};

inline void require_whole_vector(void const* at) {
  if (reinterpret_cast<std::uintptr_t>(at) % sizeof(Vector) != 0)
    emulator::fail("uses a vector on no boundary of its size");
}

template <bool streaming> Vector load(double const* from) {
  require_whole_vector(from);
  Vector r;
  std::memcpy(&r, from, sizeof r);
  return r;
}

template <bool streaming> void store(double* to, Vector const& r) {
  require_whole_vector(to);
  std::memcpy(to, &r, sizeof r);
}

} // namespace maru
