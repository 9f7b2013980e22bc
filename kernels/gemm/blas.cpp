// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/blas.hpp"

#include "core/error.hpp"

#include <cblas.h>
#include <fmt/format.h>
#include <type_traits>

namespace maru {

void use_blas_threads(int threads) {
  if (openblas_get_num_threads() == threads) return;
  openblas_set_num_threads(threads);
  if (int const granted = openblas_get_num_threads(); granted != threads)
    throw Error(Exit::incomplete, fmt::format("this OpenBLAS computes with at most {} threads and {} were asked for: "
                                              "start more ranks on the host with fewer threads each",
                                              granted, threads));
}

template <class T>
void multiply(ProductShape const& shape, Factor<T> const& a, Factor<T> const& b, Target<T> const& c, T scale) {
  auto const m = static_cast<blasint>(shape.m), n = static_cast<blasint>(shape.n), k = static_cast<blasint>(shape.k);
  auto const lda = static_cast<blasint>(a.stride), ldb = static_cast<blasint>(b.stride),
             ldc = static_cast<blasint>(c.stride);
  auto const ta = a.transposed ? CblasTrans : CblasNoTrans, tb = b.transposed ? CblasTrans : CblasNoTrans;
  if constexpr (std::is_same_v<T, double>)
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, scale, a.data, lda, b.data, ldb, c.keep, c.data, ldc);
  else
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, scale, a.data, lda, b.data, ldb, c.keep, c.data, ldc);
}

template void multiply(ProductShape const&, Factor<float> const&, Factor<float> const&, Target<float> const&, float);
template void multiply(ProductShape const&, Factor<double> const&, Factor<double> const&, Target<double> const&,
                       double);

} // namespace maru
