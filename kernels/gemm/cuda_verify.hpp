// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/lane.hpp"
#include "kernels/gemm/cuda_gemm.hpp"

#include <cstdint>

namespace maru {

/// Judges a kernel on operands whose values it replaces, with memory of its own:
///   1. values of -1, 0 and 1: every element must be the exact sum, rounded once to the out type (left out for
///   integers,
///      where 2 is exact already, and for f8 with so large a k that the accumulator may round);
///   2. random values: every element, and all together, within gemm_tolerance() of reference_gemm();
///   3. the same product again and again, `repeats` times: the bits must not change. Slow kernels are stopped earlier.
/// The output is poisoned before each. The reference is itself checked against the definition on the host, in the
/// corners and some dozens of other places. What is wrong names the device's UUID. Leaves random values behind.
Verification verify_device_gemm(Gemm const& shape, GemmOperands const& operands, DeviceGemmKernel& kernel,
                                std::uint64_t seed, StreamLane& lane);

/// Judges the product of random values that lies there: step 2 alone. For a call that was not made alone, which could
/// not be repeated without what ran beside it.
Verification judge_device_gemm(Gemm const& shape, GemmOperands const& operands, std::uint64_t seed, StreamLane& lane);

/// Fills one set of matrices: with random values, or with -1, 0 and 1. Scales are left alone.
void fill_operands(Gemm const& shape, GemmOperands const& operands, std::uint64_t seed, bool units,
                   cudaStream_t stream);

} // namespace maru
