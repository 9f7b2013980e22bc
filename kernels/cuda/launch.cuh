// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/api.hpp"

#include <cstddef>
#include <cuda_runtime.h>
#include <utility>

namespace maru {

struct LaunchShape {
  dim3 grid, block;
  std::size_t shared_bytes = 0; ///< that dynamic_shared() points to
  unsigned cluster = 1;         ///< blocks along x that run at once and reach each other's shared memory
};

/// The one way to launch a kernel: a function and no new syntax, so that the emulator of tests/emulator, which plain
/// C++ compilers build, can stand in for it.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), LaunchShape const& shape, cudaStream_t stream, Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  cudaLaunchAttribute cluster{};
  if (shape.cluster > 1) {
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {shape.cluster, 1, 1};
    config.attrs = &cluster;
    config.numAttrs = 1;
  }
  // By value: the runtime wants the address of each argument as the kernel's own type.
  [&](Parameters... values) {
    void* addresses[] = {const_cast<void*>(static_cast<void const*>(&values))..., nullptr};
    MARU_CHECK(CudaApi, cudaLaunchKernelExC(&config, reinterpret_cast<void const*>(kernel), addresses));
  }(std::forward<Arguments>(arguments)...);
}

/// Shared memory that the launch asked for, on a boundary of 16 bytes at least.
__device__ inline unsigned char* dynamic_shared() {
  extern __shared__ __align__(1024) unsigned char memory[];
  return memory;
}

} // namespace maru
