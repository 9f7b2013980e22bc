// SPDX-License-Identifier: Apache-2.0
// The part of the fake CUDA runtime (cuda_runtime.cpp) that deals with kernels. Those that a product in bf16 is filled,
// multiplied and judged with are done here by plain loops; whoever launches another is told that it cannot be.
//   MARU_FAKE_GPU_WRONG the last element of each product of the kernel `tiled` is wrong
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cuda_reference.hpp"
#include "kernels/random.hpp"
#include "tests/fakes/cuda_fake.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cuda_runtime_api.h>
#include <cxxabi.h>
#include <map>
#include <memory>
#include <string>

namespace {

using maru::Bf16, maru::Dtype;

cudaError_t refused() { return maru_fake_result(cudaErrorNotSupported); }

Bf16 nearest(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  return {static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1U)) >> 16)};
}

template <class T> T const& argument(void** arguments, int i) { return *static_cast<T const*>(arguments[i]); }

// The kernels' parameters, as their sources have them.
struct Problem {
  Bf16 const *a, *b;
  Bf16* c;
  int m, n, k;
};
struct Rows {
  Bf16 const* data;
  std::uint8_t const* scales;
  maru::ScaleLayout layout;
  std::int64_t rows, k;
};
struct Destination {
  double* out;
  Dtype type;
  std::int64_t first, rows, columns;
  float const *a_scale, *b_scale;
};

double product(Bf16 const* a, Bf16 const* b, std::int64_t k) {
  double sum = 0;
  for (std::int64_t l = 0; l < k; ++l) sum += static_cast<double>(a[l].widen()) * static_cast<double>(b[l].widen());
  return sum;
}

/// Values of random_value().
std::function<void()> fill(void** arguments) {
  auto* const out = argument<Bf16*>(arguments, 0);
  auto const count = argument<std::size_t>(arguments, 1);
  auto const seed = argument<std::uint64_t>(arguments, 2);
  return [=] {
    for (std::size_t i = 0; i < count; ++i) out[i] = maru::random_value<Bf16>(seed, i);
  };
}

std::function<void()> tiled(void** arguments) {
  auto const p = argument<Problem>(arguments, 0);
  return [=] {
    for (std::int64_t i = 0; i < p.m; ++i)
      for (std::int64_t j = 0; j < p.n; ++j)
        p.c[i * p.n + j] = nearest(static_cast<float>(product(p.a + i * p.k, p.b + j * p.k, p.k)));
    if (std::getenv("MARU_FAKE_GPU_WRONG")) p.c[std::int64_t{p.m} * p.n - 1].bits ^= 0x4000U;
  };
}

std::function<void()> reference(void** arguments) {
  auto const a = argument<Rows>(arguments, 0), b = argument<Rows>(arguments, 1);
  auto const to = argument<Destination>(arguments, 2);
  if (to.type != Dtype::f64) return {};
  return [=] {
    for (std::int64_t i = 0; i < to.rows; ++i)
      for (std::int64_t j = 0; j < to.columns; ++j)
        to.out[i * to.columns + j] = product(a.data + (to.first + i) * a.k, b.data + j * b.k, a.k);
  };
}

std::function<void()> compare(void** arguments) {
  auto const what = argument<maru::Comparing>(arguments, 0);
  auto* const result = argument<maru::Comparison*>(arguments, 1);
  return [=] {
    for (std::uint64_t i = 0; i < what.count; ++i) {
      auto const got = static_cast<double>(static_cast<Bf16 const*>(what.out)[i].widen());
      double const error = std::abs(got - what.reference[i]);
      double const tolerance = what.relative * std::abs(what.reference[i]) + what.absolute;
      result->reference_squares += what.reference[i] * what.reference[i];
      if (error <= tolerance) {
        result->error_squares += error * error;
        result->largest_ratio = std::max(result->largest_ratio, error / tolerance);
        continue;
      }
      ++result->wrong;
      result->first = std::min<unsigned long long>(result->first, i);
    }
  };
}

using Prepare = std::function<void()> (*)(void** arguments);
struct Known {
  char const* name; ///< a part of its full one
  char const* also;
  Prepare prepare;
};
constexpr Known known_kernels[] = {{"::fill<__nv_bfloat16", "::Random<", fill},
                                   {"::tiled_kernel<__nv_bfloat16,", "", tiled},
                                   {"::multiply<(maru::Dtype)4, (maru::Dtype)4>", "", reference},
                                   {"::compare_elements<(maru::Dtype)4>", "", compare}};

/// By the address of the host's stand-in. The loader writes it before main().
std::map<void const*, Prepare>& kernels() {
  static std::map<void const*, Prepare> kernels;
  return kernels;
}

void add(void const* stand_in, char const* mangled) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> const text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  if (!text) return;
  std::string const name(text.get());
  for (auto const& known : known_kernels)
    if (name.find(known.name) != name.npos && name.find(known.also) != name.npos) kernels()[stand_in] = known.prepare;
}

cudaError_t launch(void const* kernel, void** arguments, cudaStream_t stream) {
  auto const found = kernels().find(kernel);
  if (found == kernels().end()) return refused();
  auto const action = found->second(arguments);
  if (!action) return refused();
  return maru_fake_run(stream, &action);
}

} // namespace

extern "C" {

cudaError_t cudaLaunchKernel(void const* kernel, dim3, dim3, void** arguments, size_t, cudaStream_t stream) {
  return launch(kernel, arguments, stream);
}
cudaError_t cudaLaunchKernelExC(cudaLaunchConfig_t const* config, void const* kernel, void** arguments) {
  return launch(kernel, arguments, config->stream);
}
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
void __cudaRegisterFunction(void**, char const* stand_in, char*, char const* name, int, void*, void*, void*, void*,
                            int*) {
  add(stand_in, name);
}
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
