// SPDX-License-Identifier: Apache-2.0
// Apart from the other files of the collectors, so that those build and are tested without the toolkit.
#include "collectors/nvml.hpp"
#include "core/error.hpp"

#include <array>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

namespace maru {
namespace {

struct RuntimeApi {
  static bool ok(cudaError_t status) { return status == cudaSuccess; }
  static std::string text(cudaError_t status) {
    return fmt::format("{}: {}", cudaGetErrorName(status), cudaGetErrorString(status));
  }
};

/// As NVML and nvidia-smi write it: groups of 4, 2, 2, 2 and 6 bytes.
std::string written(cudaUUID_t const& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

} // namespace

DeviceAddress cuda_device_in_use() {
  int device = 0;
  MARU_CHECK(RuntimeApi, cudaGetDevice(&device));
  cudaDeviceProp properties{};
  MARU_CHECK(RuntimeApi, cudaGetDeviceProperties(&properties, device));
  std::array<char, 32> bus{};
  MARU_CHECK(RuntimeApi, cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), device));
  return {.uuid = written(properties.uuid), .bus = bus.data()};
}

} // namespace maru
