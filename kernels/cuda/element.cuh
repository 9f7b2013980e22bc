// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "kernels/random.hpp"

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

namespace maru {

/// How values of a dtype lie in device memory: the type of one, its value, and the nearest one to a number.
template <Dtype dtype> struct Element;

template <> struct Element<Dtype::f64> {
  using Type = double;
  static __device__ double value(Type x) { return x; }
  static __device__ Type nearest(double x) { return x; }
};
template <> struct Element<Dtype::f32> {
  using Type = float;
  static __device__ float value(Type x) { return x; }
  static __device__ Type nearest(double x) { return static_cast<float>(x); }
};
template <> struct Element<Dtype::tf32> : Element<Dtype::f32> {};
template <> struct Element<Dtype::f16> {
  using Type = __half;
  static __device__ float value(Type x) { return __half2float(x); }
  static __device__ Type nearest(double x) { return __double2half(x); }
};
template <> struct Element<Dtype::bf16> {
  using Type = __nv_bfloat16;
  static __device__ float value(Type x) { return __bfloat162float(x); }
  static __device__ Type nearest(double x) { return __double2bfloat16(x); }
};
template <__nv_fp8_interpretation_t kind> struct Fp8Element {
  using Type = __nv_fp8_storage_t;
  static __device__ float value(Type x) { return __half2float(__half(__nv_cvt_fp8_to_halfraw(x, kind))); }
  static __device__ Type nearest(double x) { return __nv_cvt_double_to_fp8(x, __NV_SATFINITE, kind); }
};
template <> struct Element<Dtype::f8e4m3> : Fp8Element<__NV_E4M3> {};
template <> struct Element<Dtype::f8e5m2> : Fp8Element<__NV_E5M2> {};
template <> struct Element<Dtype::mxf8> : Element<Dtype::f8e4m3> {};
template <> struct Element<Dtype::s8> {
  using Type = std::int8_t;
  static __device__ int value(Type x) { return x; }
  static __device__ Type nearest(double x) { return static_cast<Type>(x); }
};
template <> struct Element<Dtype::s32> {
  using Type = std::int32_t;
  static __device__ int value(Type x) { return x; }
  static __device__ Type nearest(double x) { return static_cast<Type>(x); }
};

/// Value of an f4e2m1 code (OCP Microscaling 1.0, section 5.3.3): sign, two bits of exponent, one of mantissa. Toolkits
/// before 12.8 have no type for it.
static __device__ inline float f4e2m1_value(unsigned code) {
  unsigned const exponent = code >> 1 & 3, mantissa = code & 1;
  float const magnitude =
      exponent == 0 ? 0.5F * static_cast<float>(mantissa) : static_cast<float>((2 + mantissa) << exponent) * 0.25F;
  return code & 8 ? -magnitude : magnitude;
}

} // namespace maru
