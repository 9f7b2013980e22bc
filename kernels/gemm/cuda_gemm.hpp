// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/lane.hpp"

#include <cuda_runtime_api.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace maru {

/// One set of matrices on the device. C[m,n] = A[m,k]·B[k,n] as everywhere; A and C are row-major, and B is stored as
/// its transpose, row-major [n,k]: both inputs run along k, which is what tensor cores want, what fp8 demands, and how
/// nn.Linear keeps its weights. With f8e5m2, A is f8e5m2 and B is f8e4m3 (b_dtype()). Everything lies on boundaries of
/// 256 bytes.
struct GemmOperands {
  void const* a = nullptr;
  void const* b = nullptr;
  void* c = nullptr;
  void const* a_scale =
      nullptr; ///< fp8: one f32; block-scaled: one ue8m0 per 32 or ue4m3 per 16 values, cuBLASLt's order
  void const* b_scale = nullptr;
};

/// A prepared product: launches onto a stream, allocates nothing.
class DeviceGemmKernel {
public:
  virtual ~DeviceGemmKernel() = default;
  virtual void launch(GemmOperands const& operands, cudaStream_t stream) = 0;
  /// What runs: the kernel's name, or what a library chose.
  virtual std::string name() const = 0;
};

/// Prepares a kernel for a shape. `operands` are real and may be used to try candidates on the stream.
using DeviceGemmMaker =
    std::function<std::unique_ptr<DeviceGemmKernel>(Gemm const&, GemmOperands const& operands, cudaStream_t stream)>;

/// A product on a stream of its own, of which one call can be judged whatever ran beside it.
class DeviceProduct : public Work {
public:
  virtual cudaStream_t stream() const = 0;
  /// New matrices for the next call, and poison where its result will be. Over when it returns.
  virtual void refresh() = 0;
  /// Judges every element that the call after refresh() has left, which must be over. See judge_device_gemm().
  virtual Verification judge() = 0;
};

/// Times a kernel on as many sets of random matrices as are together larger than twice the L2 cache, one set after
/// another, so that no call finds its inputs in the cache. For verify() see cuda_verify.hpp.
std::unique_ptr<DeviceProduct> make_device_gemm(Gemm const& shape, Site const& site, DeviceGemmMaker const& maker);

/// Nothing for a gemm of one of these types, in → out, on a device in use of at least this capability (90 for 9.0).
std::optional<Skipped> refuse_device_gemm(Operation const& operation, std::vector<std::pair<Dtype, Dtype>> const& types,
                                          int capability);

/// Capability of the device in use, 90 for 9.0; 0 without one.
int device_capability();

} // namespace maru
