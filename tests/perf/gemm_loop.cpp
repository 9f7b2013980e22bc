// SPDX-License-Identifier: Apache-2.0
// gemm_loop [N] [THREADS]: a bare cblas_sgemm loop against maru's own measuring, in turn; then bf16 against f32.
#include "bench/measure.hpp"
#include "core/backend.hpp"
#include "tests/perf/pairing.hpp"

#include <cblas.h>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace maru {
namespace {

std::unique_ptr<Work> prepare(char const* name, Gemm const& gemm, int threads) {
  for (auto const* backend : builtin_backends())
    if (std::string_view(backend->name) == name && !backend->supports(gemm))
      return backend->prepare(gemm, {.threads = threads});
  return nullptr;
}

double measured(Work& work) {
  static auto const world = solo_world();
  auto const result = measure(
      {*world, *world, 0, false}, &work, {.iterations = 3, .warmup = 1}, [] {}, [] { return false; });
  return middle(result.samples);
}

void compare(int n, int threads) {
  auto const size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> a(size), b(size), c(size);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (auto* matrix : {&a, &b})
    for (auto& value : *matrix) value = uniform(random);
  openblas_set_num_threads(threads);
  auto const by_hand = [&] {
    std::vector<double> each;
    for (int i = 0; i < 4; ++i) {
      double const start = monotonic_seconds();
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(), n);
      if (i > 0) each.push_back(monotonic_seconds() - start);
    }
    return middle(each);
  };
  double const flops = 2.0 * n * n * n;
  auto const f32 = prepare("openblas", {.in = Dtype::f32, .out = Dtype::f32, .m = n, .n = n, .k = n}, threads);
  auto const bare = pair_up(
      7, [&] { return measured(*f32); }, by_hand);
  std::printf("f32 %d: maru %.1f GFLOP/s, bare loop %.1f GFLOP/s, maru/bare rate %.3f\n", n, flops / bare.ours * 1e-9,
              flops / bare.theirs * 1e-9, 1 / bare.ratio);
  auto const bf16 = prepare("onednn", {.in = Dtype::bf16, .out = Dtype::f32, .m = n, .n = n, .k = n}, threads);
  if (!bf16) return static_cast<void>(std::printf("bf16: not on this processor\n"));
  auto const half = pair_up(
      7, [&] { return measured(*bf16); }, [&] { return measured(*f32); });
  std::printf("bf16 %d: %.1f GFLOP/s, f32 %.1f GFLOP/s, bf16/f32 rate %.2f\n", n, flops / half.ours * 1e-9,
              flops / half.theirs * 1e-9, 1 / half.ratio);
}

} // namespace
} // namespace maru

int main(int argc, char** argv) {
  maru::compare(argc > 1 ? std::atoi(argv[1]) : 4096, argc > 2 ? std::atoi(argv[2]) : 1);
}
