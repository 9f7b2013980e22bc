// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/buffer.hpp"

#include "kernels/cuda/api.hpp"

#include <fmt/format.h>
#include <string>

namespace maru {
namespace {

/// A refusal stays behind as the "last error" and would be blamed on the next kernel.
[[noreturn]] void refuse(std::string const& what, std::size_t size, cudaError_t status) {
  cudaGetLastError();
  double const gib = static_cast<double>(size) / 0x1p30;
  if (status != cudaErrorMemoryAllocation)
    throw Error(Exit::incomplete, fmt::format("no {:.3f} GiB of {}: {}", gib, what, CudaApi::text(status)));
  throw Error(Exit::incomplete, fmt::format("not enough {} for {:.3f} GiB", what, gib));
}

std::string device_memory() {
  std::size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) {
    cudaGetLastError();
    return "device memory";
  }
  return fmt::format("device memory ({:.3f} of {:.3f} GiB are free)", static_cast<double>(free) / 0x1p30,
                     static_cast<double>(total) / 0x1p30);
}

} // namespace

void* DeviceMemory::take(std::size_t size) {
  void* data = nullptr;
  auto const status = cudaMalloc(&data, size);
  if (status != cudaSuccess) refuse(device_memory(), size, status);
  return data;
}

// With unified addresses the runtime knows the device from the pointer. A failure here was reported by an earlier call.
void DeviceMemory::give_back(void* data) noexcept { cudaFree(data); }

void* PinnedMemory::take(std::size_t size) {
  void* data = nullptr;
  auto const status = cudaMallocHost(&data, size);
  if (status != cudaSuccess) refuse("page-locked host memory", size, status);
  return data;
}

void PinnedMemory::give_back(void* data) noexcept { cudaFreeHost(data); }

void poison_device(void* data, std::size_t bytes, cudaStream_t stream) {
  MARU_CHECK(CudaApi, cudaMemsetAsync(data, 0xff, bytes, stream));
}

} // namespace maru
