// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"
#include "kernels/gemm/cuda_methods.hpp"

namespace maru {
extern Backend const cublaslt_backend; // kernels/gemm/cublaslt.cpp
extern CudaGemmMethod const cublaslt_method;
std::string cublaslt_version();
} // namespace maru

extern "C" maru::ModuleTable const* maru_module() {
  static maru::Backend const* const backends[] = {&maru::cublaslt_backend};
  static maru::ModuleTable const table{
      .name = "cuda_cublaslt", .backends = backends, .backend_count = 1, .version = maru::cublaslt_version};
  maru::offer_cuda_gemm(maru::cublaslt_method);
  return &table;
}
