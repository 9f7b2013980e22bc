// SPDX-License-Identifier: Apache-2.0
// A CUDA runtime without a GPU: MARU_FAKE_GPUS devices like an H200, whose memory is the host's and whose streams do
// everything at once. Copies, events and graphs do what they should; kernels fail loudly. Whatever is not used by the
// modules is not here, so that the loader names what is missing.
#include "tests/fakes/cuda_fake.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using Action = std::function<void()>;

// What the header declares and does not define.
struct CUgraph_st {
  std::vector<Action> actions;
};
struct CUgraphExec_st {
  std::vector<Action> actions;
};
struct CUstream_st {
  CUgraph_st* capture = nullptr;
  std::vector<Action> later; // host functions
};
struct CUevent_st {
  double seconds = -1;
};

namespace {

constexpr std::size_t total_memory = std::size_t{141} << 30U;

std::mutex mutex;                                  // guards the two below
std::map<std::uintptr_t, std::size_t> allocations; // of devices and of page-locked memory
std::size_t used = 0;
std::atomic<std::atomic<bool> const*> hanging{nullptr};
thread_local cudaError_t last = cudaSuccess;
thread_local int current = 0;

cudaError_t result(cudaError_t status) {
  if (status != cudaSuccess && status != cudaErrorNotReady) last = status;
  return status;
}

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// -1: there is no driver.
int device_count() {
  char const* const text = std::getenv("MARU_FAKE_GPUS");
  return text ? std::atoi(text) : -1;
}
bool is_device(int device) { return device >= 0 && device < device_count(); }

void finish(cudaStream_t stream) {
  if (stream)
    for (auto const& action : std::exchange(stream->later, {})) action();
  if (auto const* const until = hanging.load())
    while (!until->load()) std::this_thread::yield();
}

cudaError_t run(cudaStream_t stream, Action action) {
  if (stream && stream->capture)
    stream->capture->actions.push_back(std::move(action));
  else
    action();
  return cudaSuccess;
}

cudaError_t allocate(void** data, std::size_t size) {
  std::scoped_lock const lock(mutex);
  *data = nullptr;
  if (size > total_memory - used) return result(cudaErrorMemoryAllocation);
  std::size_t const rounded = (size + 255) / 256 * 256;
  *data = std::aligned_alloc(256, rounded ? rounded : 256);
  if (!*data) return result(cudaErrorMemoryAllocation);
  std::memset(*data, 0xa5, size);
  allocations[reinterpret_cast<std::uintptr_t>(*data)] = size;
  used += size;
  return cudaSuccess;
}

cudaError_t release(void* data) {
  if (!data) return cudaSuccess;
  std::scoped_lock const lock(mutex);
  auto const found = allocations.find(reinterpret_cast<std::uintptr_t>(data));
  if (found == allocations.end()) return result(cudaErrorInvalidValue);
  used -= found->second;
  allocations.erase(found);
  std::free(data);
  return cudaSuccess;
}

/// What begins in an allocation must end in it. Anything else passes as the host's memory.
bool fits(void const* data, std::size_t size) {
  auto const begin = reinterpret_cast<std::uintptr_t>(data);
  std::scoped_lock const lock(mutex);
  auto const after = allocations.upper_bound(begin);
  if (after == allocations.begin()) return true;
  auto const end = std::prev(after)->first + std::prev(after)->second;
  return begin >= end || begin + size <= end;
}

cudaError_t copy(void* to, void const* from, std::size_t size, cudaStream_t stream) {
  if (!fits(to, size) || !fits(from, size)) return result(cudaErrorInvalidValue);
  return run(stream, [=] { std::memmove(to, from, size); });
}

} // namespace

extern "C" {
cudaError_t maru_fake_result(cudaError_t status) { return result(status); }

cudaError_t maru_fake_run(cudaStream_t stream, std::function<void()> const* action) { return run(stream, *action); }
bool maru_fake_owns(void const* data, std::size_t size) {
  auto const begin = reinterpret_cast<std::uintptr_t>(data);
  std::scoped_lock const lock(mutex);
  auto const after = allocations.upper_bound(begin);
  if (after == allocations.begin()) return false;
  auto const before = std::prev(after);
  return begin + size <= before->first + before->second;
}
void maru_fake_hang(std::atomic<bool> const* until) { hanging = until; }

// Devices.
cudaError_t cudaGetDeviceCount(int* count) {
  int const devices = device_count();
  if (devices < 0) return result(cudaErrorInsufficientDriver); // leaves *count alone, as the real one does
  *count = devices;
  return result(devices == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "Fake H200");
  for (int i = 0; i < 16; ++i) properties->uuid.bytes[i] = static_cast<char>(i == 15 ? device + 1 : 0xfa);
  properties->totalGlobalMem = total_memory;
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = 132;
  properties->l2CacheSize = 50 << 20;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->sharedMemPerBlockOptin = 227 << 10;
  properties->pciBusID = 0x10 + device;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  switch (attribute) {
  case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
  case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
  case cudaDevAttrMultiProcessorCount: *value = 132; break;
  case cudaDevAttrL2CacheSize: *value = 50 << 20; break;
  case cudaDevAttrClockRate: *value = 1980000; break; // kHz
  case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 << 10; break;
  default: *value = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  std::snprintf(text, static_cast<std::size_t>(length), "0000:%02X:00.0", 0x10 + device);
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  current = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  finish(nullptr);
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!is_device(device) || !is_device(peer)) return result(cudaErrorInvalidDevice);
  *can = device != peer;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return result(is_device(peer) ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return result(is_device(peer) ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = device_count() < 0 ? 0 : CUDART_VERSION;
  return cudaSuccess;
}

// Errors.
cudaError_t cudaGetLastError() { return std::exchange(last, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last; }
char const* cudaGetErrorName(cudaError_t status) {
  switch (status) {
  case cudaSuccess: return "cudaSuccess";
  case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
  case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
  case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
  case cudaErrorNoDevice: return "cudaErrorNoDevice";
  case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
  case cudaErrorNotReady: return "cudaErrorNotReady";
  case cudaErrorNotSupported: return "cudaErrorNotSupported";
  default: return "cudaErrorUnknown";
  }
}
char const* cudaGetErrorString(cudaError_t status) {
  return status == cudaSuccess ? "no error" : "an error of the fake CUDA runtime";
}

// Memory.
cudaError_t cudaMalloc(void** data, size_t size) { return allocate(data, size); }
cudaError_t cudaFree(void* data) { return release(data); }
cudaError_t cudaMallocHost(void** data, size_t size) { return allocate(data, size); }
cudaError_t cudaHostAlloc(void** data, size_t size, unsigned) { return allocate(data, size); }
cudaError_t cudaFreeHost(void* data) { return release(data); }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  std::scoped_lock const lock(mutex);
  *free = total_memory - used;
  *total = total_memory;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, void const* from, size_t size, cudaMemcpyKind) {
  return copy(to, from, size, nullptr);
}
cudaError_t cudaMemcpyAsync(void* to, void const* from, size_t size, cudaMemcpyKind, cudaStream_t stream) {
  return copy(to, from, size, stream);
}
cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, void const* from, int from_device, size_t size,
                                cudaStream_t stream) {
  if (!is_device(to_device) || !is_device(from_device)) return result(cudaErrorInvalidDevice);
  return copy(to, from, size, stream);
}
cudaError_t cudaMemset(void* data, int value, size_t size) { return cudaMemsetAsync(data, value, size, nullptr); }
cudaError_t cudaMemsetAsync(void* data, int value, size_t size, cudaStream_t stream) {
  if (size > 0 && !maru_fake_owns(data, size)) return result(cudaErrorInvalidValue);
  return run(stream, [=] { std::memset(data, value, size); });
}

// Streams and events.
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (!is_device(current)) return result(device_count() < 0 ? cudaErrorInsufficientDriver : cudaErrorNoDevice);
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
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  finish(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
/// At the next wait: a function that waits for something that the caller does after this call would wait for ever.
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  if (stream && !stream->capture)
    stream->later.emplace_back([=] { function(data); });
  else
    run(stream, [=] { function(data); });
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return run(stream, [=] { event->seconds = now(); });
}
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  finish(nullptr);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (begin->seconds < 0 || end->seconds < 0) return result(cudaErrorInvalidResourceHandle);
  *milliseconds = static_cast<float>(1e3 * (end->seconds - begin->seconds));
  return cudaSuccess;
}

// Graphs.
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capture) return result(cudaErrorIllegalState);
  stream->capture = new CUgraph_st;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (!stream->capture) return result(cudaErrorIllegalState);
  *graph = std::exchange(stream->capture, nullptr);
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = stream && stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->actions};
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return run(stream, [=] {
    for (auto const& action : executable->actions) action();
  });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

} // extern "C"
