// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cuda_runtime_api.h>
#include <string>

namespace maru {

/// For MARU_CHECK on calls of the CUDA runtime. Errors of kernels that ran before show up in later calls.
struct CudaApi {
  static bool ok(cudaError_t status) { return status == cudaSuccess; }
  static std::string text(cudaError_t status) {
    return std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
  }
};

} // namespace maru
