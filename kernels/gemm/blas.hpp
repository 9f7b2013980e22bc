// SPDX-License-Identifier: Apache-2.0
// OpenBLAS for what multiplies inside of something larger.
#pragma once

#include <cstdint>

namespace maru {

/// OpenBLAS keeps one number of threads for the whole process, and silently caps it at the one it was built for (64 in
/// Debian): a rate under a wrong number of threads would be a wrong number. Throws Error(incomplete) then.
void use_blas_threads(int threads);

struct ProductShape {
  std::int64_t m = 0, n = 0, k = 0;
};
/// A row-major matrix within a wider one; a transposed factor lies in memory as its transpose.
template <class T> struct Factor {
  T const* data = nullptr;
  std::int64_t stride = 0; ///< elements from one row in memory to the next
  bool transposed = false;
};
template <class T> struct Target {
  T* data = nullptr;
  std::int64_t stride = 0;
  T keep = 0; ///< what is left of its value; 0 overwrites it unread, so that the NaNs of a poisoned one do not spread
};

/// C[m,n] = scale · A[m,k] · B[k,n] + keep · C, with as many threads as were set. For float and double.
template <class T>
void multiply(ProductShape const& shape, Factor<T> const& a, Factor<T> const& b, Target<T> const& c, T scale = 1);

} // namespace maru
