// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_api.hpp"

#include <array>
#include <cuda_runtime_api.h>
#include <cupti_version.h>
#include <fmt/format.h>
#include <utility>

namespace maru {
namespace {

char const* hint(CUptiResult status) {
  switch (status) {
  case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
    return ": performance counters need CAP_SYS_ADMIN or the driver's NVreg_RestrictProfilingToAdminUsers=0";
  case CUPTI_ERROR_HARDWARE_BUSY: return ": another profiler holds the counters (DCGM, Nsight …)";
  case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
    return ": another profiler or debugger is attached to this process (Nsight, cuda-gdb …)";
  case CUPTI_ERROR_NOT_COMPATIBLE: return ": another user of CUPTI in this process stands in the way";
  default: return "";
  }
}

/// CUDA's releases by the numbers that CUPTI used before it took to xxyyzz (cupti_version.h).
constexpr std::array<std::pair<std::uint32_t, char const*>, 6> releases{
    {{22, "12.4"}, {23, "12.5"}, {24, "12.6"}, {26, "12.8"}, {27, "12.9"}, {28, "12.9"}}};

} // namespace

std::string CuptiApi::text(CUptiResult status) {
  char const* name = nullptr;
  if (cuptiGetResultString(status, &name) != CUPTI_SUCCESS || !name)
    return fmt::format("CUPTI's error {}", static_cast<int>(status));
  return std::string(name) + hint(status);
}

std::string why_no_cuda_device() {
  int count = 0;
  auto const status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError(); // or the next call of somebody else reports it
    return fmt::format("no CUDA device: {}: {}", cudaGetErrorName(status), cudaGetErrorString(status));
  }
  return count > 0 ? "" : "no CUDA device";
}

std::uint32_t cupti_api_version() {
  std::uint32_t version = 0;
  MARU_CHECK(CuptiApi, cuptiGetVersion(&version));
  return version;
}

std::string cupti_version_text(std::uint32_t api) {
  if (api >= cupti_api_13_0_ga) return fmt::format("CUPTI {}.{} (API {})", api / 10'000, api / 100 % 100, api);
  for (auto const& [number, release] : releases)
    if (number == api) return fmt::format("CUPTI {} (API {})", release, api);
  return fmt::format("CUPTI (API {})", api);
}

} // namespace maru
