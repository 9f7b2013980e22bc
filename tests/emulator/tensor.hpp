// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Instructions of the tensor cores, as the PTX ISA describes them ("Warp-Level Matrix Multiply-Accumulate
/// Instructions", "Asynchronous Warpgroup-Level Matrix Multiply-Accumulate Instructions"). Sums run along k in the
/// accumulator's own type, which is not how the hardware rounds.
namespace maru::emulator {

enum class Format { bf16, f16, tf32, e4m3, e5m2, s8, f64 };

/// What a descriptor of shared memory says, field by field.
struct Descriptor {
  std::uint32_t address = 0, leading = 0, stride = 0; ///< bytes
  std::uint32_t base_offset = 0, swizzle = 0;         ///< swizzle: 0 none, 1, 2 and 3: 128, 64 and 32 bytes
};
Descriptor decode_descriptor(std::uint64_t bits);
/// Where byte `byte` (below 32) of row `row` of a matrix lies whose rows run along k.
std::uint32_t place_of(Descriptor const& matrix, std::uint32_t row, std::uint32_t byte);

// A warp's. `r` are registers of 32 bits.

void ldmatrix(std::uint32_t (&r)[4], std::uint32_t address, bool transposed);
void stmatrix(std::uint32_t address, std::uint32_t const (&r)[4]);

/// One mma.sync with `rows` (8 or 16) rows of A and rows of `row_bytes` along k, 8 columns; D += A·Bᵀ.
void mma(Format a_format, Format b_format, std::size_t rows, std::size_t row_bytes, void* d, void const* a,
         void const* b);

// A warpgroup's.

void wgmma_fence();
/// m64n256, 32 bytes deep. 128 accumulators of 32 bits a thread, which hold nothing of use until a wait covers them.
void wgmma(Format a_format, Format b_format, void* d, std::uint64_t a, std::uint64_t b, bool add);
void wgmma_commit();
void wgmma_wait(std::size_t pending);

/// setmaxnreg, to more registers a thread or fewer.
void set_registers(int count, bool more);

/// Rounded to nearest, the first in the lower half.
std::uint32_t pack_bf16(float low, float high);

} // namespace maru::emulator
