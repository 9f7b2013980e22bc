// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch.cuh"
#include "kernels/memory/cuda_stream.hpp"
#include "kernels/memory/stream_ptx.cuh"
#include "kernels/random.hpp"

namespace maru {
namespace {

constexpr int most_threads = 512;

// --- Reference: an element a thread, plain accesses, inputs computed again.

template <MemoryKind kind> __device__ double result_of(double x, double y) {
  if constexpr (kind == MemoryKind::scale)
    return stream_scalar * x;
  else if constexpr (kind == MemoryKind::add)
    return x + y;
  else if constexpr (kind == MemoryKind::triad)
    return fma(stream_scalar, y, x); // written out, so that both kernels round once
  else
    return x;
}

template <MemoryKind kind> __global__ void check(double const* out, std::uint64_t count, std::uint64_t salt,
                                                 std::uint64_t x_seed, std::uint64_t y_seed, StreamMismatch* result) {
  auto const stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (auto i = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    double const expected = kind == MemoryKind::write
                                ? stream_pattern(salt, i)
                                : result_of<kind>(random_value<double>(x_seed, i), random_value<double>(y_seed, i));
    if (__double_as_longlong(out[i]) == __double_as_longlong(expected)) continue;
    atomicAdd(&result->wrong, 1ULL);
    atomicMin(&result->first, static_cast<unsigned long long>(i));
  }
}

__global__ void tile_sums(std::uint64_t* sums, std::uint64_t tiles, std::uint64_t tile, std::uint64_t count,
                          std::uint64_t x_seed) {
  auto const mine = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (mine >= tiles) return;
  std::uint64_t sum = 0;
  for (auto i = mine * tile; i < min(count, (mine + 1) * tile); ++i)
    sum += static_cast<std::uint64_t>(__double_as_longlong(random_value<double>(x_seed, i)));
  sums[mine] = sum;
}

// --- The sweep.

constexpr bool two_inputs(MemoryKind kind) { return kind == MemoryKind::add || kind == MemoryKind::triad; }

__device__ __forceinline__ std::uint64_t bits(double x) { return static_cast<std::uint64_t>(__double_as_longlong(x)); }

/// A tile that lies in the arrays as a whole: all loads are issued before the first value is used.
template <MemoryKind kind, int per_thread, bool streaming>
__device__ __forceinline__ std::uint64_t whole_tile(StreamCall const& call, std::uint64_t first) {
  constexpr int width = Vector::width, vectors = per_thread / width;
  Vector x[vectors], y[vectors];
  std::uint64_t sum = 0;
  auto const at = [&](int j) { return first + (static_cast<std::uint64_t>(j) * blockDim.x + threadIdx.x) * width; };
  if constexpr (kind != MemoryKind::write) {
#pragma unroll
    for (int j = 0; j < vectors; ++j) {
      x[j] = load<streaming>(call.x + at(j));
      if constexpr (two_inputs(kind)) y[j] = load<streaming>(call.y + at(j));
    }
  }
#pragma unroll
  for (int j = 0; j < vectors; ++j) {
    Vector r;
#pragma unroll
    for (int k = 0; k < width; ++k) {
      if constexpr (kind == MemoryKind::read)
        sum += bits(x[j].v[k]);
      else if constexpr (kind == MemoryKind::write)
        r.v[k] = stream_pattern(call.salt, at(j) + k);
      else
        r.v[k] = result_of<kind>(x[j].v[k], two_inputs(kind) ? y[j].v[k] : 0);
    }
    if constexpr (kind != MemoryKind::read) store<streaming>(call.out + at(j), r);
  }
  return sum;
}

/// The last tile, where it is cut short: an element a thread.
template <MemoryKind kind>
__device__ __forceinline__ std::uint64_t cut_tile(StreamCall const& call, std::uint64_t first) {
  std::uint64_t sum = 0;
#pragma unroll 1
  for (auto i = first + threadIdx.x; i < call.count; i += blockDim.x) {
    if constexpr (kind == MemoryKind::read)
      sum += bits(__ldcg(call.x + i));
    else if constexpr (kind == MemoryKind::write)
      call.out[i] = stream_pattern(call.salt, i);
    else
      call.out[i] = result_of<kind>(__ldcg(call.x + i), two_inputs(kind) ? __ldcg(call.y + i) : 0);
  }
  return sum;
}

/// In thread 0.
__device__ std::uint64_t block_sum(std::uint64_t sum) {
  __shared__ std::uint64_t warps[most_threads / 32];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(~0U, sum, offset);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0)
    for (unsigned i = 1; i < blockDim.x / 32; ++i) sum += warps[i];
  return sum;
}

template <MemoryKind kind, int per_thread, bool streaming> __global__ void __launch_bounds__(most_threads)
    sweep(StreamCall const call, StreamGrid const grid) {
  auto const tile = static_cast<std::uint64_t>(blockDim.x) * per_thread;
  auto const steps = grid.tiles * call.sweeps;
  std::uint64_t sum = 0, mine = blockIdx.x;
  for (std::uint64_t step = blockIdx.x; step < steps; step += gridDim.x) {
    auto const first = mine * tile;
    sum +=
        first + tile <= call.count ? whole_tile<kind, per_thread, streaming>(call, first) : cut_tile<kind>(call, first);
    mine += gridDim.x;
    if (mine >= grid.tiles) mine -= grid.tiles;
  }
  if constexpr (kind == MemoryKind::read) {
    sum = block_sum(sum);
    if (threadIdx.x == 0) call.sums[blockIdx.x] = sum;
  }
}

using Kernel = void (*)(StreamCall, StreamGrid);

template <MemoryKind kind> Kernel kernel_of(StreamShape const& shape) {
  if (shape.streaming) return shape.per_thread == 16 ? sweep<kind, 16, true> : sweep<kind, 8, true>;
  return shape.per_thread == 16 ? sweep<kind, 16, false> : sweep<kind, 8, false>;
}

/// run.operator()<kind>() for the kind.
template <class Run> auto with_kind(MemoryKind kind, Run const& run) {
  switch (kind) {
  case MemoryKind::copy: break;
  case MemoryKind::scale: return run.template operator()<MemoryKind::scale>();
  case MemoryKind::add: return run.template operator()<MemoryKind::add>();
  case MemoryKind::triad: return run.template operator()<MemoryKind::triad>();
  case MemoryKind::read: return run.template operator()<MemoryKind::read>();
  case MemoryKind::write: return run.template operator()<MemoryKind::write>();
  }
  return run.template operator()<MemoryKind::copy>();
}

Kernel kernel_of(MemoryKind kind, StreamShape const& shape) {
  return with_kind(kind, [&]<MemoryKind k>() { return kernel_of<k>(shape); });
}

} // namespace

std::uint64_t resident_stream_blocks(MemoryKind kind, StreamShape const& shape) {
  int device = 0, multiprocessors = 0, blocks = 0;
  MARU_CHECK(CudaApi, cudaGetDevice(&device));
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  auto const kernel = reinterpret_cast<void const*>(kernel_of(kind, shape));
  MARU_CHECK(CudaApi, cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, shape.threads, 0));
  return static_cast<std::uint64_t>(multiprocessors) * static_cast<std::uint64_t>(blocks);
}

void launch_stream(StreamCall const& call, StreamShape const& shape, StreamGrid const& grid, cudaStream_t stream) {
  auto const kernel = kernel_of(call.kind, shape);
  launch(kernel, {.grid = static_cast<unsigned>(grid.blocks), .block = static_cast<unsigned>(shape.threads)}, stream,
         call, grid);
}

void check_stream(StreamCall const& call, std::uint64_t x_seed, std::uint64_t y_seed, StreamMismatch* result,
                  cudaStream_t stream) {
  constexpr unsigned threads = 256;
  auto const blocks = static_cast<unsigned>(std::min<std::uint64_t>((call.count + threads - 1) / threads, 1 << 14));
  with_kind(call.kind, [&]<MemoryKind kind>() {
    if constexpr (kind != MemoryKind::read)
      launch(check<kind>, {.grid = blocks, .block = threads}, stream, call.out, call.count, call.salt, x_seed, y_seed,
             result);
  });
}

void expected_tile_sums(std::uint64_t* sums, std::uint64_t tile, std::uint64_t count, std::uint64_t x_seed,
                        cudaStream_t stream) {
  constexpr unsigned threads = 64;
  auto const tiles = (count + tile - 1) / tile;
  auto const blocks = static_cast<unsigned>((tiles + threads - 1) / threads);
  launch(tile_sums, {.grid = blocks, .block = threads}, stream, sums, tiles, tile, count, x_seed);
}

} // namespace maru
