// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/buffer.hpp"

#include "kernels/cuda/api.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

/// A refusal stays behind as the "last error" and would be blamed on the next kernel.
[[noreturn]] void refuse(char const* kind, std::size_t size, cudaError_t status) {
  cudaGetLastError();
  double const gib = static_cast<double>(size) / 0x1p30;
  if (status != cudaErrorMemoryAllocation)
    throw Error(Exit::incomplete, fmt::format("no {} of {:.3f} GiB: {}", kind, gib, CudaApi::text(status)));
  std::size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) cudaGetLastError();
  throw Error(Exit::incomplete,
              fmt::format("not enough {} for {:.3f} GiB (of {:.3f} GiB device memory {:.3f} are free)", kind, gib,
                          static_cast<double>(total) / 0x1p30, static_cast<double>(free) / 0x1p30));
}

} // namespace

DeviceBytes::DeviceBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  auto const status = cudaMalloc(&data_, size);
  if (status != cudaSuccess) refuse("device memory", size, status);
}

// With unified addresses the runtime knows the device from the pointer. A failure here was reported by an earlier call.
DeviceBytes::~DeviceBytes() {
  if (data_) cudaFree(data_);
}

PinnedBytes::PinnedBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  auto const status = cudaMallocHost(&data_, size);
  if (status != cudaSuccess) refuse("page-locked host memory", size, status);
}

PinnedBytes::~PinnedBytes() {
  if (data_) cudaFreeHost(data_);
}

void poison_device(void* data, std::size_t bytes, cudaStream_t stream) {
  MARU_CHECK(CudaApi, cudaMemsetAsync(data, 0xff, bytes, stream));
}

} // namespace maru
