// SPDX-License-Identifier: Apache-2.0
// Stands in for the file of this name below kernels/ where the emulator runs the grids.
#pragma once

#include "tests/emulator/cuda_emulator.hpp"

#include "kernels/cuda/api.hpp"

#include <tuple>
#include <utility>

namespace maru {

struct LaunchShape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  unsigned cluster = 1;
};

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), LaunchShape const& shape, cudaStream_t, Arguments&&... arguments) {
  std::tuple<Parameters...> const values(std::forward<Arguments>(arguments)...);
  emulator::Shape const emulated{{shape.grid.x, shape.grid.y, shape.grid.z},
                                 {shape.block.x, shape.block.y, shape.block.z},
                                 shape.shared_bytes,
                                 shape.cluster};
  emulator::launch(reinterpret_cast<void const*>(kernel), emulated, [&] { std::apply(kernel, values); });
}

inline unsigned char* dynamic_shared() { return emulator::dynamic_memory(); }

} // namespace maru
