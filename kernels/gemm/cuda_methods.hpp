// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/gemm/cuda_gemm.hpp"

#include <memory>
#include <optional>
#include <string>

namespace maru {

/// A way to multiply, for works that multiply beside something else. Modules do not link one another, so a library's
/// way comes here when its module is loaded, and is absent where the library is.
struct CudaGemmMethod {
  char const* name; ///< its backend's
  std::optional<Skipped> (*supports)(Operation const&);
  std::unique_ptr<DeviceGemmKernel> (*make)(Gemm const&, GemmOperands const& operands, cudaStream_t stream);
};

/// Puts it before our own kernels. It must live until the process ends; a second one of a name takes the first's place.
void offer_cuda_gemm(CudaGemmMethod const& method);

/// The first that can do the product; null, with each one's reason in `reasons`, where none can.
CudaGemmMethod const* find_cuda_gemm(Gemm const& gemm, std::string& reasons);

} // namespace maru
