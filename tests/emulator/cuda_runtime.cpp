// SPDX-License-Identifier: Apache-2.0
// As much of the CUDA runtime and driver as the emulated kernels and their launchers call. Memory is the host's,
// streams do everything at once.
#include "tests/emulator/copies.hpp"
#include "tests/emulator/cuda_device.hpp"
#include "tests/emulator/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <cuda.h>
#include <cuda_runtime.h>
#include <map>
#include <sys/mman.h>
#include <type_traits>
#include <utility>
#include <vector>

uint3 threadIdx, blockIdx; // NOLINT(readability-identifier-naming): CUDA's names
dim3 blockDim, gridDim;    // NOLINT(readability-identifier-naming)

namespace maru::emulator {
namespace {

constexpr std::size_t memory_bytes = std::size_t{1} << 30U;
constexpr std::size_t shared_without_asking = std::size_t{48} << 10U;
constexpr std::size_t page = 4096;
constexpr std::size_t boundary = 256; // of an allocation
constexpr int guard = 0x5C;

/// Ends, rounded up to the boundary, where memory ends, and begins behind such a place: whoever goes beyond breaks off.
/// In between lie bytes that nobody may change.
struct Allocation {
  unsigned char* begin = nullptr; ///< of the pages
  std::size_t pages = 0;          ///< readable, in bytes
  unsigned char* data = nullptr;
  std::size_t size = 0;

  explicit Allocation(std::size_t bytes) : size(bytes) {
    auto const padded = (bytes + boundary - 1) / boundary * boundary;
    pages = (padded + page - 1) / page * page;
    auto* const all = ::mmap(nullptr, pages + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return;
    begin = static_cast<unsigned char*>(all) + page;
    ::mprotect(begin, pages, PROT_READ | PROT_WRITE);
    std::memset(begin, guard, pages);
    data = begin + pages - padded;
    std::memset(data, 0xFF, size); // NaN
  }
  bool intact() const {
    auto const untouched = [](unsigned char byte) { return byte == guard; };
    return std::all_of(begin, data, untouched) && std::all_of(data + size, begin + pages, untouched);
  }
  void release() const { ::munmap(begin - page, pages + 2 * page); }
};

struct Runtime {
  std::map<void*, Allocation> allocations;
  std::map<void const*, std::size_t> shared_limits;  ///< of kernels
  std::vector<std::function<void()>> host_functions; ///< until somebody waits: they may wait for what comes after them
  int damaged = 0;
};
Runtime& runtime() {
  static Runtime the_runtime;
  return the_runtime;
}

cudaError_t finish() {
  for (auto const& function : std::exchange(runtime().host_functions, {})) function();
  return cudaSuccess;
}

bool aligned(std::uint64_t value, std::uint64_t to) { return value % to == 0; }

/// The driver's conditions, as the documentation of cuTensorMapEncodeTiled states them, for the maps in use here.
CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* base, cuuint64_t const* sizes,
                      cuuint64_t const* strides, cuuint32_t const* box, cuuint32_t const* element_strides,
                      CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                      CUtensorMapFloatOOBfill fill) {
  if (rank != 2 || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE || fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE ||
      (type != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 && type != CU_TENSOR_MAP_DATA_TYPE_FLOAT16 &&
       type != CU_TENSOR_MAP_DATA_TYPE_UINT8 && type != CU_TENSOR_MAP_DATA_TYPE_FLOAT32))
    return CUDA_ERROR_NOT_SUPPORTED; // by the emulator
  std::uint32_t const bytes = type == CU_TENSOR_MAP_DATA_TYPE_UINT8     ? 1
                              : type == CU_TENSOR_MAP_DATA_TYPE_FLOAT32 ? 4
                                                                        : 2;
  std::uint32_t const spans[] = {0, 32, 64, 128};
  auto const span = swizzle <= CU_TENSOR_MAP_SWIZZLE_128B ? spans[swizzle] : 0;
  bool const good =
      aligned(reinterpret_cast<std::uintptr_t>(map), 64) && aligned(reinterpret_cast<std::uintptr_t>(base), 16) &&
      aligned(strides[0], 16) && strides[0] < (std::uint64_t{1} << 40U) && strides[0] >= sizes[0] * bytes &&
      std::all_of(sizes, sizes + 2, [](auto size) { return size > 0 && size <= (std::uint64_t{1} << 32U); }) &&
      std::all_of(box, box + 2, [](auto side) { return side > 0 && side <= 256; }) &&
      std::all_of(element_strides, element_strides + 2, [](auto stride) { return stride == 1; }) &&
      aligned(std::uint64_t{box[0]} * bytes, 16) && (span == 0 || box[0] * bytes <= span);
  if (!good) return CUDA_ERROR_INVALID_VALUE;
  TensorMap result;
  result.base = static_cast<unsigned char*>(base);
  result.columns = sizes[0];
  result.rows = sizes[1];
  result.row_stride = strides[0];
  result.box_columns = box[0];
  result.box_rows = box[1];
  result.element_bytes = bytes;
  result.swizzle_mask = span == 0 ? 0 : span - 16;
  static_assert(sizeof result <= sizeof *map && std::is_trivially_copyable_v<TensorMap>);
  *map = {};
  std::memcpy(map, &result, sizeof result);
  return CUDA_SUCCESS;
}
static_assert(std::is_same_v<decltype(&encode_tiled), decltype(&cuTensorMapEncodeTiled)>);

} // namespace

Device& device() {
  static Device the_device;
  return the_device;
}

int damaged_allocations() { return runtime().damaged; }

void launch(void const* kernel, Shape const& shape, std::function<void()> const& run) {
  auto const found = runtime().shared_limits.find(kernel);
  auto const limit = found == runtime().shared_limits.end() ? shared_without_asking : found->second;
  if (shape.shared_bytes > limit) throw Failure("a launch asks for more shared memory than the kernel was allowed");
  blockDim = {shape.block.x, shape.block.y, shape.block.z};
  gridDim = {shape.grid.x, shape.grid.y, shape.grid.z};
  run_grid(shape, run);
}

void set_builtins(Thread const& thread) {
  auto const& block = thread.block->index;
  threadIdx = {thread.index.x, thread.index.y, thread.index.z};
  blockIdx = {block.x, block.y, block.z};
}

} // namespace maru::emulator

using namespace maru::emulator;

// What the header declares and does not define.
struct CUstream_st {};
struct CUevent_st {
  std::chrono::steady_clock::time_point time;
};

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulated");
  properties->uuid.bytes[0] = 0x45;
  properties->totalGlobalMem = memory_bytes;
  properties->major = device().capability / 10;
  properties->minor = device().capability % 10;
  properties->multiProcessorCount = device().multiprocessors;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
  switch (which) {
  case cudaDevAttrComputeCapabilityMajor: *value = device().capability / 10; break;
  case cudaDevAttrComputeCapabilityMinor: *value = device().capability % 10; break;
  case cudaDevAttrMultiProcessorCount: *value = device().multiprocessors; break;
  default: *value = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int) {
  std::strncpy(text, "0000:00:00.0", static_cast<std::size_t>(length));
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDevice(int* index) {
  *index = 0;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }
cudaError_t cudaGetLastError() { return cudaSuccess; }
char const* cudaGetErrorName(cudaError_t) { return "an error"; }
char const* cudaGetErrorString(cudaError_t) { return "of the emulated CUDA runtime"; }

cudaError_t cudaMalloc(void** data, std::size_t size) {
  Allocation const allocation(size);
  if (!allocation.data) return cudaErrorMemoryAllocation;
  *data = allocation.data;
  runtime().allocations.emplace(*data, allocation);
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  if (!data) return cudaSuccess;
  auto const found = runtime().allocations.find(data);
  if (found == runtime().allocations.end()) return cudaErrorInvalidValue;
  if (!found->second.intact()) ++runtime().damaged;
  found->second.release();
  runtime().allocations.erase(found);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** data, std::size_t size) { return cudaMalloc(data, size); }
cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = *total = memory_bytes;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, void const* from, std::size_t size, cudaMemcpyKind) {
  std::memmove(to, from, size);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t size, cudaMemcpyKind kind, cudaStream_t) {
  return cudaMemcpy(to, from, size, kind);
}
cudaError_t cudaMemcpyFromSymbol(void* to, void const* symbol, std::size_t size, std::size_t offset, cudaMemcpyKind k) {
  return cudaMemcpy(to, static_cast<char const*>(symbol) + offset, size, k);
}
cudaError_t cudaMemset(void* data, int value, std::size_t size) {
  std::memset(data, value, size);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t size, cudaStream_t) {
  return cudaMemset(data, value, size);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  *lowest = 0;
  *highest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return finish(); }
cudaError_t cudaLaunchHostFunc(cudaStream_t, cudaHostFn_t function, void* data) {
  runtime().host_functions.emplace_back([=] { function(data); });
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->time = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return finish(); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) { return cudaErrorNotSupported; }
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*) { return cudaErrorNotSupported; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long) { return cudaErrorNotSupported; }
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaErrorNotSupported; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return cudaErrorNotSupported; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }

cudaError_t cudaFuncSetAttribute(void const* kernel, cudaFuncAttribute which, int value) {
  if (which == cudaFuncAttributeMaxDynamicSharedMemorySize)
    runtime().shared_limits[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void const*) {
  *attributes = {};
  attributes->ptxVersion = attributes->binaryVersion = device().capability;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void const*, int, std::size_t) {
  *blocks = 1;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, void const*, cudaLaunchConfig_t const*) {
  *clusters = device().clusters_of_two;
  return cudaSuccess;
}

#if CUDART_VERSION >= 12050
cudaError_t cudaGetDriverEntryPointByVersion(char const* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
#else
cudaError_t cudaGetDriverEntryPoint(char const* name, void** function, unsigned long long,
                                    cudaDriverEntryPointQueryResult* found) {
#endif
  bool const known = std::strcmp(name, "cuTensorMapEncodeTiled") == 0;
  *function = known ? reinterpret_cast<void*>(&encode_tiled) : nullptr;
  *found = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

} // extern "C"
