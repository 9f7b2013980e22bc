// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/cuda_reference.hpp"

#include "kernels/cuda/api.hpp"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/gemm/block_scale.hpp"

#include <algorithm>

namespace maru {
namespace {

constexpr int tile = 64;         // rows and columns of C per block of threads
constexpr int depth = 16;        // terms in shared memory at once
constexpr int side = 16;         // threads along each side
constexpr int per = tile / side; // rows and columns per thread
constexpr int run = 64;          // terms that are added up before the sum goes to the double
static_assert(run % depth == 0);

/// One matrix whose rows run along k.
template <Dtype dtype> struct Rows {
  using Type = typename Element<dtype>::Type;
  using Value = decltype(Element<dtype>::value(Type{}));
  void const* data;
  std::uint8_t const* scales;
  ScaleLayout layout;
  std::int64_t rows, k;

  __device__ Value operator()(std::int64_t row, std::int64_t l) const {
    if (row >= rows || l >= k) return Value{};
    auto const value = Element<dtype>::value(static_cast<Type const*>(data)[row * k + l]);
    if constexpr (dtype == Dtype::mxf8)
      return value * __uint_as_float(static_cast<unsigned>(scales[layout.index(row, l / 32)]) << 23);
    else
      return value;
  }
};

template <> struct Rows<Dtype::nvf4> {
  using Value = float;
  void const* data;
  std::uint8_t const* scales;
  ScaleLayout layout;
  std::int64_t rows, k;

  __device__ float operator()(std::int64_t row, std::int64_t l) const {
    if (row >= rows || l >= k) return 0;
    auto const i = row * k + l;
    unsigned const pair = static_cast<std::uint8_t const*>(data)[i / 2];
    float const scale = Element<Dtype::f8e4m3>::value(scales[layout.index(row, l / 16)]);
    return f4e2m1_value(i % 2 ? pair >> 4 : pair & 0xF) * scale;
  }
};

__device__ void store(void* out, Dtype type, std::int64_t i, double value) {
  switch (type) {
  case Dtype::f64: static_cast<double*>(out)[i] = value; break;
  case Dtype::f16: static_cast<__half*>(out)[i] = Element<Dtype::f16>::nearest(value); break;
  case Dtype::bf16: static_cast<__nv_bfloat16*>(out)[i] = Element<Dtype::bf16>::nearest(value); break;
  case Dtype::s32: static_cast<std::int32_t*>(out)[i] = static_cast<std::int32_t>(value); break;
  default: static_cast<float*>(out)[i] = static_cast<float>(value); break;
  }
}

struct Destination {
  void* out;
  Dtype type;
  std::int64_t first, rows, columns;
  float const *a_scale, *b_scale; ///< of a whole matrix, or null
};

/// Values that one load takes from shared memory.
template <class Value> constexpr int width = 16 / sizeof(Value);

/// Which row, or column, of the tile is thread t's number i along a side: neighbours where one load takes them, since
/// with loads of single values those and not the sums would take the time.
template <class Value> __device__ int place(int t, int i) {
  return i / width<Value> * side * width<Value> + t * width<Value> + i % width<Value>;
}

template <Dtype a_type, Dtype b_type> __global__ void __launch_bounds__(side* side)
    multiply(Rows<a_type> a, Rows<b_type> b, Destination to) {
  using Value = typename Rows<a_type>::Value;
  // Some more, or a column would be one bank; so many that each row begins on a boundary of 16 bytes.
  alignas(16) __shared__ Value a_part[depth][tile + width<Value>];
  alignas(16) __shared__ Value b_part[depth][tile + width<Value>];
  int const x = static_cast<int>(threadIdx.x) % side, y = static_cast<int>(threadIdx.x) / side;
  std::int64_t const top = static_cast<std::int64_t>(blockIdx.y) * tile,
                     left = static_cast<std::int64_t>(blockIdx.x) * tile;
  Value partial[per][per] = {};
  double sum[per][per] = {};

  auto const flush = [&] {
    for (int i = 0; i < per; ++i)
      for (int j = 0; j < per; ++j) {
        sum[i][j] += static_cast<double>(partial[i][j]);
        partial[i][j] = Value{};
      }
  };

  for (std::int64_t l = 0; l < a.k; l += depth) {
    for (int i = 0; i < per; ++i) {
      int const row = y + i * side;
      a_part[x][row] = top + row < to.rows ? a(to.first + top + row, l + x) : Value{};
      b_part[x][row] = b(left + row, l + x);
    }
    __syncthreads();
    for (int d = 0; d < depth; ++d)
      for (int i = 0; i < per; ++i)
        for (int j = 0; j < per; ++j) partial[i][j] += a_part[d][place<Value>(y, i)] * b_part[d][place<Value>(x, j)];
    __syncthreads();
    if ((l / depth + 1) % (run / depth) == 0) flush();
  }
  flush();

  double const scale = to.a_scale ? static_cast<double>(*to.a_scale) * static_cast<double>(*to.b_scale) : 1.0;
  for (int i = 0; i < per; ++i)
    for (int j = 0; j < per; ++j) {
      auto const row = top + place<Value>(y, i), column = left + place<Value>(x, j);
      if (row < to.rows && column < to.columns) store(to.out, to.type, row * to.columns + column, scale * sum[i][j]);
    }
}

template <Dtype a_type, Dtype b_type = a_type>
void launch_multiply(Gemm const& g, GemmOperands const& operands, Destination const& to, cudaStream_t stream) {
  auto const* const a_scales = static_cast<std::uint8_t const*>(operands.a_scale);
  auto const* const b_scales = static_cast<std::uint8_t const*>(operands.b_scale);
  Rows<a_type> const a{operands.a, a_scales, ScaleLayout(a_type, g.m, g.k), g.m, g.k};
  Rows<b_type> const b{operands.b, b_scales, ScaleLayout(b_type, g.n, g.k), g.n, g.k};
  dim3 const grid(static_cast<unsigned>((g.n + tile - 1) / tile), static_cast<unsigned>((to.rows + tile - 1) / tile));
  launch(multiply<a_type, b_type>, {.grid = grid, .block = side * side}, stream, a, b, to);
}

__device__ unsigned long long bits(double value) {
  return static_cast<unsigned long long>(__double_as_longlong(value));
}

/// Of numbers that are not negative: their bits are ordered as they are.
__device__ void raise(double* to, double value) { atomicMax(reinterpret_cast<unsigned long long*>(to), bits(value)); }

template <Dtype type> __global__ void compare_elements(Comparing what, Comparison* result) {
  using Out = Element<type>;
  auto const* const out = static_cast<typename Out::Type const*>(what.out);
  Comparison mine;
  auto const stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < what.count;
       i += stride) {
    double const got = static_cast<double>(Out::value(out[i]));
    double reference = what.reference[i];
    if (what.exact) reference = static_cast<double>(Out::value(Out::nearest(reference)));
    double const error = fabs(got - reference);
    double const tolerance = what.exact ? 0 : what.relative * fabs(reference) + what.absolute;
    mine.reference_squares += reference * reference;
    if (error <= tolerance) { // a NaN is not
      mine.error_squares += error * error;
      mine.largest_error = fmax(mine.largest_error, error);
      if (error > 0) mine.largest_ratio = fmax(mine.largest_ratio, error / tolerance);
      continue;
    }
    if (isfinite(error)) {
      mine.error_squares += error * error;
      mine.largest_error = fmax(mine.largest_error, error);
      if (tolerance > 0) mine.largest_ratio = fmax(mine.largest_ratio, error / tolerance);
    }
    ++mine.wrong;
    if (i < mine.first) mine.first = i;
  }
  for (int lane = 16; lane > 0; lane /= 2) {
    mine.error_squares += __shfl_down_sync(~0U, mine.error_squares, lane);
    mine.reference_squares += __shfl_down_sync(~0U, mine.reference_squares, lane);
    mine.largest_error = fmax(mine.largest_error, __shfl_down_sync(~0U, mine.largest_error, lane));
    mine.largest_ratio = fmax(mine.largest_ratio, __shfl_down_sync(~0U, mine.largest_ratio, lane));
    mine.wrong += __shfl_down_sync(~0U, mine.wrong, lane);
    mine.first = min(mine.first, __shfl_down_sync(~0U, mine.first, lane));
  }
  if (threadIdx.x % 32 != 0) return;
  atomicAdd(&result->error_squares, mine.error_squares);
  atomicAdd(&result->reference_squares, mine.reference_squares);
  raise(&result->largest_error, mine.largest_error);
  raise(&result->largest_ratio, mine.largest_ratio);
  if (mine.wrong == 0) return;
  atomicAdd(&result->wrong, mine.wrong);
  atomicMin(&result->first, mine.first);
}

__global__ void differing_words(std::uint32_t const* x, std::uint32_t const* y, std::uint64_t words,
                                std::uint64_t repeat, Differences* result) {
  auto const stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < words; i += stride) {
    if (x[i] == y[i]) continue;
    atomicAdd(&result->words, 1ULL);
    atomicMin(&result->first, static_cast<unsigned long long>(repeat * words + i));
  }
}

constexpr unsigned threads = 256;

unsigned blocks_for(std::uint64_t count) {
  return static_cast<unsigned>(std::clamp<std::uint64_t>((count + threads - 1) / threads, 1, 1 << 12));
}

} // namespace

bool has_reference(Dtype in, Dtype out) {
  if (in == Dtype::f64 || in == Dtype::f32 || in == Dtype::tf32) return out == (in == Dtype::f64 ? in : Dtype::f32);
  if (in == Dtype::s8) return out == Dtype::s32;
  return in != Dtype::s32 && (out == Dtype::f32 || out == Dtype::f16 || out == Dtype::bf16);
}

void reference_gemm(Gemm const& g, GemmOperands const& operands, std::int64_t first, std::int64_t rows, void* out,
                    Dtype out_type, cudaStream_t stream) {
  constexpr std::int64_t most = std::int64_t{65535} * tile; // blocks in the grid's second dimension
  if (rows > most) {
    reference_gemm(g, operands, first, most, out, out_type, stream);
    auto const done = static_cast<std::size_t>(most * g.n) * size_of(out_type);
    return reference_gemm(g, operands, first + most, rows - most, static_cast<char*>(out) + done, out_type, stream);
  }
  Destination to{out, out_type, first, rows, g.n, nullptr, nullptr};
  if (has_tensor_scale(g.in)) {
    to.a_scale = static_cast<float const*>(operands.a_scale);
    to.b_scale = static_cast<float const*>(operands.b_scale);
  }
  switch (g.in) {
  case Dtype::f64: return launch_multiply<Dtype::f64>(g, operands, to, stream);
  case Dtype::f32:
  case Dtype::tf32: return launch_multiply<Dtype::f32>(g, operands, to, stream);
  case Dtype::f16: return launch_multiply<Dtype::f16>(g, operands, to, stream);
  case Dtype::bf16: return launch_multiply<Dtype::bf16>(g, operands, to, stream);
  case Dtype::f8e4m3: return launch_multiply<Dtype::f8e4m3>(g, operands, to, stream);
  case Dtype::f8e5m2: return launch_multiply<Dtype::f8e5m2, b_dtype(Dtype::f8e5m2)>(g, operands, to, stream);
  case Dtype::mxf8: return launch_multiply<Dtype::mxf8>(g, operands, to, stream);
  case Dtype::nvf4: return launch_multiply<Dtype::nvf4>(g, operands, to, stream);
  case Dtype::s8: return launch_multiply<Dtype::s8>(g, operands, to, stream);
  case Dtype::s32: break;
  }
  throw Error(Exit::incomplete, "the device's reference has no gemm of s32");
}

void compare(Comparing const& what, Comparison* result, cudaStream_t stream) {
  auto const run = [&]<Dtype type>() {
    launch(compare_elements<type>, {.grid = blocks_for(what.count), .block = threads}, stream, what, result);
  };
  switch (what.out_type) {
  case Dtype::f64: run.template operator()<Dtype::f64>(); break;
  case Dtype::f16: run.template operator()<Dtype::f16>(); break;
  case Dtype::bf16: run.template operator()<Dtype::bf16>(); break;
  case Dtype::s32: run.template operator()<Dtype::s32>(); break;
  default: run.template operator()<Dtype::f32>(); break;
  }
}

void count_differences(void const* x, void const* y, std::uint64_t words, std::uint64_t repeat, Differences* result,
                       cudaStream_t stream) {
  launch(differing_words, {.grid = blocks_for(words), .block = threads}, stream, static_cast<std::uint32_t const*>(x),
         static_cast<std::uint32_t const*>(y), words, repeat, result);
}

} // namespace maru
