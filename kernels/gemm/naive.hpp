// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "kernels/bf16.hpp"

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace maru {

/// What the reference adds up in: double holds every product of f32 or bf16 exactly, int64 every sum of s8 products.
template <class T> using Wide = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;

template <class T> constexpr auto widen(T value) {
  if constexpr (std::is_same_v<T, Bf16>)
    return static_cast<double>(value.widen());
  else
    return static_cast<Wide<T>>(value);
}

/// Element (i, j) of A·B, row-major.
template <class In> Wide<In> naive_element(Gemm const& g, In const* a, In const* b, std::int64_t i, std::int64_t j) {
  Wide<In> sum{};
  for (std::int64_t l = 0; l < g.k; ++l) sum += widen(a[i * g.k + l]) * widen(b[l * g.n + j]);
  return sum;
}

/// Element (i, j) of |A|·|B|: what bounds on rounding errors are relative to.
template <class In> double naive_magnitude(Gemm const& g, In const* a, In const* b, std::int64_t i, std::int64_t j) {
  double sum = 0;
  for (std::int64_t l = 0; l < g.k; ++l)
    sum += std::abs(static_cast<double>(widen(a[i * g.k + l])) * static_cast<double>(widen(b[l * g.n + j])));
  return sum;
}

/// C = A·B by the definition. What every other gemm is held against.
template <class In, class Out> void naive_gemm(Gemm const& g, In const* a, In const* b, Out* c) {
  for (std::int64_t i = 0; i < g.m; ++i)
    for (std::int64_t j = 0; j < g.n; ++j) c[i * g.n + j] = static_cast<Out>(naive_element(g, a, b, i, j));
}

} // namespace maru
