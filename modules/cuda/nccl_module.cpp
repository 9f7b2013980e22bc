// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

#include <iterator>

namespace maru {
extern Backend const nccl_backend;         // kernels/collective/nccl.cpp
extern Backend const overlap_cuda_backend; // kernels/overlap/cuda_nccl.cpp
std::string nccl_version();
void nccl_abandon() noexcept;
void nccl_forget() noexcept;
} // namespace maru

extern "C" maru::ModuleTable const* maru_module() {
  static maru::Backend const* const backends[] = {&maru::nccl_backend, &maru::overlap_cuda_backend};
  static maru::ModuleTable const table{.name = "cuda_nccl",
                                       .backends = backends,
                                       .backend_count = std::size(backends),
                                       .version = maru::nccl_version,
                                       .abandon = maru::nccl_abandon,
                                       .forget = maru::nccl_forget};
  return &table;
}
