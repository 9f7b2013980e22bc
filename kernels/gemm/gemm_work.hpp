// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "kernels/buffer.hpp"
#include "kernels/gemm/check.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace maru {

/// Dtypes of a product, in → out.
using GemmTypes = std::pair<Dtype, Dtype>;

/// Nothing for a gemm of one of these dtypes whose dimensions are positive and fit an int, as BLAS takes them.
std::optional<Skipped> refuse_gemm(Operation const& operation, std::initializer_list<GemmTypes> supported);

/// A[m,k], B[k,n], C[m,n], row-major; A and B random.
template <class In, class Out> struct Matrices {
  Gemm shape;
  Buffer<In> a, b;
  Buffer<Out> c;

  Matrices(Gemm const& g, std::uint64_t seed)
      : shape(g), a(elements(g.m, g.k)), b(elements(g.k, g.n)), c(elements(g.m, g.n)) {
    refresh(seed);
  }
  void refresh(std::uint64_t seed) {
    fill_random(a.span(), random_bits(seed, 0));
    fill_random(b.span(), random_bits(seed, 1));
    std::ranges::fill(c.span(), poison<Out>());
  }

private:
  static std::size_t elements(std::int64_t rows, std::int64_t columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

/// A product by Kernel, which is constructed from the matrices and the number of threads, and multiplies when called.
template <class In, class Out, class Kernel> class GemmWork final : public Work {
public:
  GemmWork(Gemm const& shape, Site const& site)
      : seed_(site.seed), matrices_(shape, seed_), kernel_(matrices_, std::max(site.threads, 1)) {}

  void call() override { kernel_(); }

  Verification verify() override {
    matrices_.refresh(++seed_);
    kernel_();
    return check_product(Product<In, Out>{matrices_.shape, matrices_.a.data(), matrices_.b.data(), matrices_.c.data()},
                         random_bits(seed_, 2));
  }

private:
  std::uint64_t seed_;
  Matrices<In, Out> matrices_;
  Kernel kernel_;
};

} // namespace maru
