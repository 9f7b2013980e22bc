// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/gemm/cuda_gemm.hpp"
#include "kernels/gemm/gemm_tolerance.hpp"

#include <cstdint>
#include <cuda_runtime_api.h>

namespace maru {

/// Whether the reference knows these types, in → out. Every in type goes with every out type of its kind.
bool has_reference(Dtype in, Dtype out);

/// Rows [first, first + rows) of the product, by the definition; `out` is the first of them, row-major with n columns,
/// in f64 or in an out type. Operands are whole matrices. Sums are more precise than anything that is held against
/// them: runs of 64 terms in f32 (double for f64, integers for s8), the runs in double.
///
/// Products of f16, bf16, tf32 (fill_random), f8 and f4 values are exact in f32, so that a run is off by its sums
/// alone.
void reference_gemm(Gemm const& shape, GemmOperands const& operands, std::int64_t first, std::int64_t rows, void* out,
                    Dtype out_type, cudaStream_t stream);

/// What a comparison adds up. Errors are |out − ref|; of those that are no number only the count tells.
struct Comparison {
  double error_squares = 0;
  double reference_squares = 0;
  double largest_error = 0;
  double largest_ratio = 0;         ///< error over tolerance, where the tolerance is not 0
  unsigned long long wrong = 0;     ///< beyond the tolerance, or no number
  unsigned long long first = ~0ULL; ///< index of the first wrong element; all ones without one
};

/// How `count` elements of an output are held against their references.
struct Comparing {
  void const* out = nullptr;
  Dtype out_type = Dtype::f32;
  double const* reference = nullptr;
  std::uint64_t count = 0;
  double relative = 0, absolute = 0; ///< tolerance = relative·|ref| + absolute
  bool exact = false;                ///< hold it against the reference rounded to the out type, and tolerate nothing
};

/// Adds to `result`, which is in device memory.
void compare(Comparing const& what, Comparison* result, cudaStream_t stream);

/// Where two outputs that ought to be equal differ, in 32-bit words.
struct Differences {
  unsigned long long words = 0;
  unsigned long long first = ~0ULL; ///< repeat·words of the output + index of the word; all ones without one
};

/// Adds to `result`, which is in device memory.
void count_differences(void const* x, void const* y, std::uint64_t words, std::uint64_t repeat, Differences* result,
                       cudaStream_t stream);

} // namespace maru
