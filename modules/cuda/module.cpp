// SPDX-License-Identifier: Apache-2.0
// The module for every machine with an NVIDIA driver, and the library that the other CUDA modules share.
#include "core/module.hpp"
#include "kernels/cuda/devices.hpp"

namespace maru {

// Written by maru_register.
std::span<Backend const* const> cuda_backends();
std::span<Collector const* const> cuda_collectors();

} // namespace maru

extern "C" maru::ModuleTable const* maru_module() {
  static maru::ModuleTable const table{.name = "cuda",
                                       .backends = maru::cuda_backends().data(),
                                       .backend_count = maru::cuda_backends().size(),
                                       .collectors = maru::cuda_collectors().data(),
                                       .collector_count = maru::cuda_collectors().size(),
                                       .accelerators = &maru::cuda_accelerators,
                                       .version = maru::cuda_version};
  return &table;
}
