// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

/// Loads and stores that CUDA C++ has no name for at this width.
namespace maru {

/// What one instruction loads or stores.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && CUDART_VERSION >= 12090
struct alignas(32) Vector {
  static constexpr int width = 4;
  double v[width];
};
#else
struct alignas(16) Vector {
  static constexpr int width = 2;
  double v[width];
};
#endif

/// Never from the L1 cache: it would answer part of a sweep over arrays that stay in L2. Volatile, or a sweep might be
/// taken for a repetition of the one before.
template <bool streaming> __device__ __forceinline__ Vector load(double const* from) {
  Vector r;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && CUDART_VERSION >= 12090
  if constexpr (streaming)
    asm volatile("ld.global.cs.v4.f64 {%0, %1, %2, %3}, [%4];"
                 : "=d"(r.v[0]), "=d"(r.v[1]), "=d"(r.v[2]), "=d"(r.v[3])
                 : "l"(from));
  else
    asm volatile("ld.global.cg.v4.f64 {%0, %1, %2, %3}, [%4];"
                 : "=d"(r.v[0]), "=d"(r.v[1]), "=d"(r.v[2]), "=d"(r.v[3])
                 : "l"(from));
#else
  if constexpr (streaming)
    asm volatile("ld.global.cs.v2.f64 {%0, %1}, [%2];" : "=d"(r.v[0]), "=d"(r.v[1]) : "l"(from));
  else
    asm volatile("ld.global.cg.v2.f64 {%0, %1}, [%2];" : "=d"(r.v[0]), "=d"(r.v[1]) : "l"(from));
#endif
  return r;
}

template <bool streaming> __device__ __forceinline__ void store(double* to, Vector const& r) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && CUDART_VERSION >= 12090
  if constexpr (streaming)
    asm volatile("st.global.cs.v4.f64 [%4], {%0, %1, %2, %3};" ::"d"(r.v[0]), "d"(r.v[1]), "d"(r.v[2]), "d"(r.v[3]),
                 "l"(to)
                 : "memory");
  else
    asm volatile("st.global.cg.v4.f64 [%4], {%0, %1, %2, %3};" ::"d"(r.v[0]), "d"(r.v[1]), "d"(r.v[2]), "d"(r.v[3]),
                 "l"(to)
                 : "memory");
#else
  if constexpr (streaming)
    asm volatile("st.global.cs.v2.f64 [%2], {%0, %1};" ::"d"(r.v[0]), "d"(r.v[1]), "l"(to) : "memory");
  else
    asm volatile("st.global.cg.v2.f64 [%2], {%0, %1};" ::"d"(r.v[0]), "d"(r.v[1]), "l"(to) : "memory");
#endif
}

} // namespace maru
