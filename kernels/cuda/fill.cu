// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/launch.cuh"

#include <algorithm>

namespace maru {
namespace {

/// out[i] = value(i), in strides of the grid.
template <class T, class Value> __global__ void fill(T* out, std::size_t count, Value value) {
  auto const stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
    out[i] = value(i);
}

template <class T, class Value> void launch(void* data, std::size_t count, Value value, cudaStream_t stream) {
  constexpr unsigned threads = 256;
  constexpr std::size_t most_blocks = 1 << 14;
  if (count == 0) return;
  auto const blocks = std::min((count + threads - 1) / threads, most_blocks);
  maru::launch(fill<T, Value>, {.grid = static_cast<unsigned>(blocks), .block = threads}, stream, static_cast<T*>(data),
               count, value);
}

template <Dtype dtype> struct Random {
  std::uint64_t seed;
  __device__ typename Element<dtype>::Type operator()(std::size_t i) const {
    if constexpr (dtype == Dtype::f64)
      return random_value<double>(seed, i);
    else if constexpr (dtype == Dtype::tf32)
      return __uint_as_float(__float_as_uint(random_value<float>(seed, i)) & 0xFFFFE000U);
    else if constexpr (dtype == Dtype::bf16)
      return __ushort_as_bfloat16(random_value<Bf16>(seed, i).bits);
    else if constexpr (dtype == Dtype::s8 || dtype == Dtype::s32)
      return random_value<typename Element<dtype>::Type>(seed, i);
    else
      return Element<dtype>::nearest(static_cast<double>(random_value<float>(seed, i)));
  }
};

/// Two codes.
struct RandomPair {
  std::uint64_t seed;
  __device__ std::uint8_t operator()(std::size_t i) const {
    return static_cast<std::uint8_t>(random_bits(seed, i) >> 56);
  }
};

__device__ int random_third(std::uint64_t seed, std::uint64_t i) {
  return static_cast<int>((random_bits(seed, i) >> 32) * 3 >> 32);
}

template <Dtype dtype> struct Unit {
  std::uint64_t seed;
  __device__ typename Element<dtype>::Type operator()(std::size_t i) const {
    return Element<dtype>::nearest(static_cast<double>(random_third(seed, i) - 1));
  }
};

struct UnitPair {
  std::uint64_t seed;
  __device__ unsigned code(std::uint64_t i) const {
    int const value = random_third(seed, i) - 1;
    return value == 0 ? 0x0U : value > 0 ? 0x2U : 0xAU; // f4e2m1
  }
  __device__ std::uint8_t operator()(std::size_t i) const {
    return static_cast<std::uint8_t>(code(2 * i) | code(2 * i + 1) << 4);
  }
};

/// first, first + step or first + 2·step.
struct Scale {
  std::uint64_t seed;
  int first, step;
  __device__ std::uint8_t operator()(std::size_t i) const {
    return static_cast<std::uint8_t>(first + step * random_third(seed, i));
  }
};

template <template <Dtype> class Value, class Pair>
void fill_with(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream) {
  auto const run = [&]<Dtype type>() { launch<typename Element<type>::Type>(data, count, Value<type>{seed}, stream); };
  switch (dtype) {
  case Dtype::f64: return run.template operator()<Dtype::f64>();
  case Dtype::f32: return run.template operator()<Dtype::f32>();
  case Dtype::tf32: return run.template operator()<Dtype::tf32>();
  case Dtype::f16: return run.template operator()<Dtype::f16>();
  case Dtype::bf16: return run.template operator()<Dtype::bf16>();
  case Dtype::mxf8:
  case Dtype::f8e4m3: return run.template operator()<Dtype::f8e4m3>();
  case Dtype::f8e5m2: return run.template operator()<Dtype::f8e5m2>();
  case Dtype::s8: return run.template operator()<Dtype::s8>();
  case Dtype::s32: return run.template operator()<Dtype::s32>();
  case Dtype::nvf4: return launch<std::uint8_t>(data, (count + 1) / 2, Pair{seed}, stream);
  }
}

} // namespace

void fill_random(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream) {
  fill_with<Random, RandomPair>(data, dtype, count, seed, stream);
}

void fill_units(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream) {
  fill_with<Unit, UnitPair>(data, dtype, count, seed, stream);
}

void fill_scales(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream) {
  // 1/2, 1, 2 are the exponents 126 to 128 of ue8m0, and 6 to 8 above three bits of mantissa in ue4m3.
  auto const scale = dtype == Dtype::mxf8 ? Scale{seed, 126, 1} : Scale{seed, 6 << 3, 1 << 3};
  launch<std::uint8_t>(data, count, scale, stream);
}

} // namespace maru
