// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "core/report.hpp"

#include <cstdint>

namespace maru {

/// A finished C[m,n] = A[m,k]·B[k,n], row-major on the host. A and B hold independent values of zero mean
/// (random_value): the tolerances rest on it.
template <class In, class Out> struct Product {
  Gemm shape;
  In const* a = nullptr;
  In const* b = nullptr;
  Out const* c = nullptr;
};

/// Up to this m·n·k every element is computed again ("naive"). Above it, all rows go through Freivalds' check, and
/// the corners and some dozens of random elements are computed again ("freivalds+naive").
constexpr double naive_limit = 0x1p24;

/// Judges every element of C. Integers must be exact. `elements` is m·n. In the second method `wrong` is a lower bound:
/// the first wrong rows are searched element by element, each further one counts once.
/// Instantiated for f64→f64, f32→f32, bf16→f32 and s8→s32.
template <class In, class Out> Verification check_product(Product<In, Out> const& product, std::uint64_t seed);

} // namespace maru
