// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/gemm/gemm_work.hpp"

#include <cblas.h>
#include <fmt/format.h>

namespace maru {
namespace {

/// OpenBLAS keeps one number of threads for the whole process, and silently caps it at the one it was built for (64 in
/// Debian): a rate under a wrong number of threads would be a wrong number.
void use_threads(int threads) {
  if (openblas_get_num_threads() == threads) return;
  openblas_set_num_threads(threads);
  if (int const granted = openblas_get_num_threads(); granted != threads)
    throw Error(Exit::incomplete, fmt::format("this OpenBLAS computes with at most {} threads and {} were asked for: "
                                              "start more ranks on the host with fewer threads each",
                                              granted, threads));
}

template <class T> class BlasGemm {
public:
  BlasGemm(Matrices<T, T>& matrices, int threads) : matrices_(matrices), threads_(threads) { use_threads(threads_); }

  void operator()() {
    use_threads(threads_);
    auto const m = static_cast<blasint>(matrices_.shape.m), n = static_cast<blasint>(matrices_.shape.n),
               k = static_cast<blasint>(matrices_.shape.k);
    auto const *const a = matrices_.a.data(), *const b = matrices_.b.data();
    auto* const c = matrices_.c.data();
    // β = 0 overwrites C without reading it, so the NaNs of a poisoned C do not spread.
    if constexpr (std::is_same_v<T, double>)
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
  }

private:
  Matrices<T, T>& matrices_;
  int threads_;
};

std::optional<Skipped> supports(Operation const& operation) {
  return refuse_gemm(operation, {{Dtype::f64, Dtype::f64}, {Dtype::f32, Dtype::f32}});
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& shape = std::get<Gemm>(operation);
  if (shape.in == Dtype::f64) return std::make_unique<GemmWork<double, double, BlasGemm<double>>>(shape, site);
  return std::make_unique<GemmWork<float, float, BlasGemm<float>>>(shape, site);
}

} // namespace

extern Backend const openblas_backend;
Backend const openblas_backend{"openblas", "cpu", "OpenBLAS gemm in f64 and f32, row-major", false, supports,
                               prepare,    "gemm"};

} // namespace maru
