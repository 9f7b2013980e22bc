// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/blas.hpp"
#include "kernels/gemm/gemm_work.hpp"

namespace maru {
namespace {

template <class T> class BlasGemm {
public:
  BlasGemm(Matrices<T, T>& matrices, int threads) : matrices_(matrices), threads_(threads) {
    use_blas_threads(threads_);
  }

  void operator()() {
    auto const& shape = matrices_.shape;
    use_blas_threads(threads_);
    multiply<T>({shape.m, shape.n, shape.k}, {matrices_.a.data(), shape.k}, {matrices_.b.data(), shape.n},
                {matrices_.c.data(), shape.n});
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
