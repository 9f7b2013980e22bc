// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/devices.hpp"

#include "kernels/cuda/api.hpp"
#include "kernels/cuda/driver_text.hpp"

#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string_view>

namespace maru {
namespace {

/// The process computes with one device. -1: none was chosen.
std::atomic<int> device_in_use = -1;

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int runtime_version() {
  int version = 0;
  return cudaRuntimeGetVersion(&version) == cudaSuccess ? version : 0;
}

bool driver_library_loads() {
  void* const library = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library) ::dlclose(library);
  return library != nullptr;
}

std::string explain(cudaError_t status) {
  cudaGetLastError(); // or the next call would report it again
  char const* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  DriverState state;
  state.error = static_cast<int>(status);
  state.text = cudaGetErrorString(status);
  state.driver = driver_version();
  state.runtime = runtime_version();
  state.driver_found = driver_library_loads();
  if (visible) state.visible = visible;
  return why_no_device(state);
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, which, device) != cudaSuccess) cudaGetLastError();
  return value;
}

std::string driver_text() {
  int const version = driver_version();
  if (version == 0) return "no driver";
  std::ifstream file("/proc/driver/nvidia/version");
  auto const release = driver_release(std::string(std::istreambuf_iterator<char>(file), {}));
  return fmt::format("driver {}{}", cuda_version_text(version), release.empty() ? "" : fmt::format(" ({})", release));
}

/// A slice of a device has a UUID of its own kind, and "MIG" in its name.
std::string uuid_of(cudaDeviceProp const& properties) {
  bool const slice = std::string_view(properties.name).find(" MIG ") != std::string_view::npos;
  return gpu_uuid_text(slice ? "MIG" : "GPU", properties.uuid.bytes);
}

DeviceInfo describe(int device) {
  cudaDeviceProp properties{};
  MARU_CHECK(CudaApi, cudaGetDeviceProperties(&properties, device));
  char bus[32] = "";
  MARU_CHECK(CudaApi, cudaDeviceGetPCIBusId(bus, sizeof bus, device));
  return {.index = device,
          .model = properties.name,
          .uuid = uuid_of(properties),
          .bus = bus,
          .capability = fmt::format("{}.{}", properties.major, properties.minor),
          .memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem),
          .l2_bytes = properties.l2CacheSize,
          .multiprocessors = properties.multiProcessorCount,
          // CUDA 13 took the clock out of the properties.
          .max_clock = 1e3 * attribute(cudaDevAttrClockRate, device)};
}

/// None of these calls makes a context, which would stay on the device and take hundreds of MiB of its memory.
DeviceList list() try {
  DeviceList result;
  result.version = fmt::format("{}, runtime {}", driver_text(), cuda_version_text(runtime_version()));
  int count = 0;
  auto const status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    result.reason = explain(status == cudaSuccess ? cudaErrorNoDevice : status);
    return result;
  }
  for (int device = 0; device < count; ++device) result.devices.push_back(describe(device));
  return result;
} catch (std::exception const& error) {
  DeviceList result;
  result.reason = error.what();
  return result;
}

void use(std::int64_t index) {
  int count = 0;
  auto status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && (index < 0 || index >= count))
    throw Error(Exit::incomplete, fmt::format("there is no CUDA device {} among {}", index, count));
  auto const device = static_cast<int>(index);
  if (status == cudaSuccess) status = cudaSetDevice(device);
  if (status == cudaSuccess) status = cudaFree(nullptr); // until here nothing may have touched the device
  if (status != cudaSuccess)
    throw Error(Exit::incomplete, fmt::format("CUDA device {} cannot be used: {}", index, explain(status)));
  device_in_use = device;
}

} // namespace

Accelerators const cuda_accelerators{"cuda", list, use};

std::string cuda_version() {
  return fmt::format("CUDA runtime {}, {}", cuda_version_text(runtime_version()), driver_text());
}

std::string cuda_uuid_in_use() {
  int const device = device_in_use;
  if (device < 0) return {};
  cudaDeviceProp properties{};
  MARU_CHECK(CudaApi, cudaGetDeviceProperties(&properties, device));
  return uuid_of(properties);
}

int cuda_index_in_use() {
  int const device = device_in_use;
  if (device < 0) throw Error(Exit::incomplete, "no CUDA device was chosen");
  return device;
}

} // namespace maru
