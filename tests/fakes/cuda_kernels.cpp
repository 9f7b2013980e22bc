// SPDX-License-Identifier: Apache-2.0
// The part of the fake CUDA runtime (cuda_runtime.cpp) that deals with kernels: the loader may make them known, and
// whoever launches one is told that it cannot be.
#include "tests/fakes/cuda_fake.hpp"

#include <cuda_runtime_api.h>

namespace {
cudaError_t refused() { return maru_fake_result(cudaErrorNotSupported); }
} // namespace

extern "C" {

// Kernels: known to the loader, and refused.
cudaError_t cudaLaunchKernel(void const*, dim3, dim3, void**, size_t, cudaStream_t) { return refused(); }
cudaError_t cudaLaunchKernelExC(cudaLaunchConfig_t const*, void const*, void**) { return refused(); }
cudaError_t cudaFuncSetAttribute(void const*, cudaFuncAttribute, int) { return cudaSuccess; }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void const*) {
  *attributes = {};
  return cudaSuccess;
}
cudaError_t cudaMemcpyFromSymbol(void*, void const*, size_t, size_t, cudaMemcpyKind) { return refused(); }
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, void const*, cudaLaunchConfig_t const*) {
  *clusters = 1;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void const*, int, size_t) {
  *blocks = 1;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void const*, int, size_t, unsigned) {
  *blocks = 1;
  return cudaSuccess;
}
#if CUDART_VERSION >= 12050
cudaError_t cudaGetDriverEntryPointByVersion(char const*, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  *function = nullptr;
  if (found) *found = cudaDriverEntryPointSymbolNotFound;
  return refused();
}
#endif
#if CUDART_VERSION < 13000
cudaError_t cudaGetDriverEntryPoint(char const*, void** function, unsigned long long,
                                    cudaDriverEntryPointQueryResult* found) {
  *function = nullptr;
  if (found) *found = cudaDriverEntryPointSymbolNotFound;
  return refused();
}
#endif

// What nvcc's output calls by itself; no header that may be included declares it.
void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, char const*, char*, char const*, int, void*, void*, void*, void*, int*) {}
void __cudaRegisterVar(void**, char*, char*, char const*, int, size_t, int, int) {}
char __cudaInitModule(void**) { return 0; }
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, void*) { return 0; }
cudaError_t __cudaPopCallConfiguration(dim3*, dim3*, size_t*, void*) { return cudaSuccess; }
cudaError_t __cudaGetKernel(void** kernel, void const* function) {
  *kernel = const_cast<void*>(function);
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(void*, dim3, dim3, void**, size_t, cudaStream_t) { return refused(); }

} // extern "C"
