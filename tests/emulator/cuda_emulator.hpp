// SPDX-License-Identifier: Apache-2.0
// CUDA C++ for the host's compiler: included before a .cu file, it gives meaning to what nvcc knows by itself. What
// these files have in inline PTX lies in headers of their own, which tests/emulator/shadow replaces.
#pragma once

// The toolkit's headers first: they must see a host.
#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include "tests/emulator/copies.hpp"
#include "tests/emulator/cuda_device.hpp"
#include "tests/emulator/grid.hpp"
#include "tests/emulator/tensor.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

// The names are CUDA's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming,bugprone-macro-parentheses)
#define __CUDA_ARCH__ 900
#define __CUDA_ARCH_FEAT_SM90_ALL 1

#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __shared__
#undef __forceinline__
#undef __launch_bounds__
#undef __grid_constant__
#undef __cluster_dims__
#undef __align__
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __cluster_dims__(...)
#define __align__(bytes) alignas(bytes)
/// One variable for all blocks, which run one after another. The section is how the emulator finds it, to poison it and
/// to know its address. g++ drops it from the variables of function templates: those begin with what the block before
/// left behind.
#define __shared__ static __attribute__((section("maru_shared")))

// Of the thread that runs; the scheduler sets them.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

inline std::uint64_t __cvta_generic_to_shared(void const* pointer) { return maru::emulator::shared_address(pointer); }
inline void __syncthreads() { maru::emulator::sync_block(0, 0); }
inline void __syncwarp(unsigned mask = ~0U) { maru::emulator::sync_warp(mask); }
inline void __threadfence() {}
inline void __threadfence_block() {}

/// What the lane that `from` names brought; the own value where there is none.
template <class T, class From> T maru_shuffle(char const* what, unsigned mask, T value, From const& from) {
  struct Mine {
    T brought, got;
  } mine{value, value};
  maru::emulator::meet(what, mask, mine, [&](auto const& lanes) {
    for (int lane = 0; lane < 32; ++lane) {
      if (!((mask & maru::emulator::self().warp->lanes) >> lane & 1)) continue;
      int const source = from(lane);
      if (!(mask & maru::emulator::self().warp->lanes & 1U << source))
        maru::emulator::fail(std::string("shuffles from a lane that is not there, at ") + what);
      lanes(lane).got = lanes(source).brought;
    }
  });
  return mine.got;
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  return maru_shuffle("__shfl_down_sync", mask, value, [=](int lane) {
    int const source = lane + static_cast<int>(by);
    return source / width == lane / width ? source : lane;
  });
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  return maru_shuffle("__shfl_up_sync", mask, value, [=](int lane) {
    int const source = lane - static_cast<int>(by);
    return source >= lane / width * width ? source : lane;
  });
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  return maru_shuffle("__shfl_xor_sync", mask, value, [=](int lane) {
    int const source = lane ^ bits;
    return source / width <= lane / width ? source : lane;
  });
}
template <class T> T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
  struct Mine {
    T brought;
    int from;
    T got;
  } mine{value, from, value};
  maru::emulator::meet("__shfl_sync", mask, mine, [&](auto const& lanes) {
    for (int lane = 0; lane < 32; ++lane)
      if ((mask & maru::emulator::self().warp->lanes) >> lane & 1)
        lanes(lane).got = lanes(lane / width * width + lanes(lane).from % width).brought;
  });
  return mine.got;
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  struct Mine {
    bool yes;
    unsigned votes;
  } mine{predicate != 0, 0};
  maru::emulator::meet("a vote", mask, mine, [&](auto const& lanes) {
    unsigned votes = 0;
    auto const there = mask & maru::emulator::self().warp->lanes;
    for (int lane = 0; lane < 32; ++lane)
      if (there >> lane & 1 && lanes(lane).yes) votes |= 1U << lane;
    for (int lane = 0; lane < 32; ++lane)
      if (there >> lane & 1) lanes(lane).votes = votes;
  });
  return mine.votes;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

// One thread at a time: they are atomic as they stand.
template <class T, class Change> T maru_atomic(T* at, Change const& change) {
  T const before = *at;
  *at = change(before);
  return before;
}
template <class T> T atomicAdd(T* at, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T old) { return static_cast<T>(old + value); });
}
template <class T> T atomicMax(T* at, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T old) { return old < value ? value : old; });
}
template <class T> T atomicMin(T* at, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T old) { return value < old ? value : old; });
}
template <class T> T atomicOr(T* at, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T old) { return static_cast<T>(old | value); });
}
template <class T> T atomicExch(T* at, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T) { return value; });
}
template <class T> T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return maru_atomic(at, [=](T old) { return old == expected ? value : old; });
}

template <class T> T __ldg(T const* from) { return *from; }
template <class T> T __ldcg(T const* from) { return *from; }
template <class T> T __ldcs(T const* from) { return *from; }
template <class T> void __stcg(T* to, T value) { *to = value; }
template <class T> void __stcs(T* to, T value) { *to = value; }

inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

namespace maru {
using std::fma;
using std::fmax;
using std::fmin;
using std::isfinite;
template <class A, class B> constexpr std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> constexpr std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }
} // namespace maru

// The runtime's overloads for kernels, which its header has for nvcc only.
template <class... P> cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<void const*>(kernel), attribute, value);
}
template <class... P> cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(P...)) {
  return cudaFuncGetAttributes(attributes, reinterpret_cast<void const*>(kernel));
}
template <class... P> cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*kernel)(P...),
                                                                                int threads, std::size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<void const*>(kernel), threads,
                                                       shared_bytes);
}
template <class... P>
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, void (*kernel)(P...), cudaLaunchConfig_t const* config) {
  return cudaOccupancyMaxActiveClusters(clusters, reinterpret_cast<void const*>(kernel), config);
}
template <class T> cudaError_t cudaMemcpyFromSymbol(void* to, T const& symbol, std::size_t bytes) {
  return cudaMemcpyFromSymbol(to, static_cast<void const*>(&symbol), bytes, 0, cudaMemcpyDeviceToHost);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming,bugprone-macro-parentheses)
