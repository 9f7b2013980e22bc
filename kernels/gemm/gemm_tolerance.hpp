// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace maru {

/// What the two matrices of a product are made of. There is no product of two f8e5m2 matrices in cuBLASLt; as in
/// training, where gradients meet weights, f8e5m2 is multiplied with f8e4m3.
constexpr Dtype b_dtype(Dtype in) { return in == Dtype::f8e5m2 ? Dtype::f8e4m3 : in; }

/// The scales that go with f8e4m3 and f8e5m2 here. Powers of two: exact, and unequal, so that neither can be forgotten.
constexpr float f8_scale_a = 0.5F, f8_scale_b = 4;
constexpr bool has_tensor_scale(Dtype in) { return in == Dtype::f8e4m3 || in == Dtype::f8e5m2; }

/// How far a product of random data (fill_random, fill_scales) may be from the reference:
///   each element     |out − ref| ≤ relative·|ref| + absolute
///   all together     √(Σ(out − ref)² / (m·n)) ≤ norm·size, where size is the expected root mean square of the product.
struct GemmTolerance {
  double relative = 0;
  double absolute = 0;
  double norm = 0;
  double size = 0;
};

/// Mean square of one matrix's values. Uniform in [-1, 1): 1/3. nvf4's sixteen codes, each as likely: 8.5625. s8
/// uniform in [-63, 63]: 1344. Block scales of 1/2, 1, 2: 1.75 times as much.
constexpr double mean_square(Dtype dtype) {
  switch (dtype) {
  case Dtype::mxf8: return 1.75 / 3;
  case Dtype::nvf4: return 1.75 * 8.5625;
  case Dtype::s8: return 1344;
  default: return 1.0 / 3;
  }
}

/// Unit roundoff of an output.
constexpr double roundoff(Dtype dtype) {
  switch (dtype) {
  case Dtype::f64: return 0x1p-53;
  case Dtype::f16: return 0x1p-11;
  case Dtype::bf16: return 0x1p-8;
  case Dtype::s32: return 0;
  default: return 0x1p-24;
  }
}

// With s = √k·rms(a)·rms(b) the size of an element, and u the unit roundoff of what it is added up in:
//
// - Rounded to nearest (f64, f32), one after another: partial sums grow as √j, their errors meet random signs, and the
//   standard deviation is 0.4·u·√k·s (check.cpp has the same number in other units). 8·u·√k·s is 20 deviations.
// - Tensor cores add 4 to 32 exact products to the accumulator at once, all cut off below the last bit of the largest
//   (Fasi, Higham, Mikaitis, Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ CS 7:e330, 2021). What is cut
//   from products has random signs: about 0.6·u·√k·s. What is cut from the sum pulls it towards zero, each time by
//   u/1.4 of it in the mean; with the partial sums' growth that is (k/g)·u·0.48 of the final value for groups of g. An
//   element may be 6·s: with g = 4, which is the fewest of the parts in question, 0.72·u·k·s. So 1·u·k·s.
// - Hopper's fp8 keeps about 14 bits (DeepSeek-AI, DeepSeek-V3 Technical Report, 2024, section 3.3.2: a relative error
//   near 2 % at k = 4096) and g = 32: u = 2^-14, 0.09·u·k·s, so 1/8·u·k·s. Those that keep more are judged alike. (A
//   model of such sums is off by a tenth of that; how the hardware rounds is not published, so there is room.)
//
// The root mean square over all elements has no tails: a quarter of the bound, which is still twice of what is
// expected.
//
// Large k leaves little between this and a lost piece of k (one of k terms is s/√k): for that there is the second test
// with values of -1, 0 and 1, whose sums must be exact.
inline GemmTolerance gemm_tolerance(Gemm const& g) {
  if (g.out == Dtype::s32) return {};
  double const k = static_cast<double>(g.k), elements = static_cast<double>(g.m) * static_cast<double>(g.n);
  double const scales = has_tensor_scale(g.in) ? static_cast<double>(f8_scale_a * f8_scale_b) : 1.0;
  double const size = scales * std::sqrt(k * mean_square(g.in) * mean_square(b_dtype(g.in)));
  double const u = g.in == Dtype::f64 ? 0x1p-53 : has_tensor_scale(g.in) ? 0x1p-14 : 0x1p-24;
  double const drift = g.in == Dtype::f64 || g.in == Dtype::f32 ? 0.0 : has_tensor_scale(g.in) ? 0.125 : 1.0;
  double const sum = u * (8 * std::sqrt(k) + drift * k);
  // Of few elements the root mean square has tails, and an element may be six times the size.
  double const share = elements < 256 ? 1.0 : 0.25;
  double const few = elements < 256 ? 6.0 : 1.0;
  return {
      .relative = roundoff(g.out), .absolute = sum * size, .norm = few * roundoff(g.out) + share * sum, .size = size};
}

/// Whether sums of products of -1, 0 and 1 stay exact in every accumulator. They are √k·2/3 in size; 14 bits hold five
/// times that up to here.
constexpr bool sums_are_exact(Gemm const& g) { return !has_tensor_scale(g.in) || g.k <= std::int64_t{1} << 20; }

/// Sets of matrices to rotate through: together larger than twice the second-level cache, in `room` bytes. At least 1.
/// The most is for the sake of tiny products: those are bound by their launch, wherever their data lie.
constexpr std::uint64_t rotating_sets(std::uint64_t set_bytes, std::uint64_t l2_bytes, std::uint64_t room) {
  constexpr std::uint64_t most = 1024;
  auto const wanted = set_bytes == 0 ? 1 : 2 * l2_bytes / set_bytes + 1;
  auto const fitting = set_bytes == 0 ? 1 : room / set_bytes;
  return std::max<std::uint64_t>(1, std::min({wanted, fitting, most}));
}

} // namespace maru
