// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/bf16.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace maru {

/// Number `i` of the random sequence `seed`: SplitMix64 (Steele, Lea, Flood 2014), indexed instead of stepped, so that
/// threads fill their own parts and a check computes any value again.
constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t i) {
  constexpr auto mix = [](std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  };
  // The seed is mixed as well: neighbouring seeds would otherwise give one sequence, shifted.
  return mix(mix(seed) + (i + 1) * 0x9E3779B97F4A7C15U);
}

/// Floats: uniform in [-1, 1), on a grid that loses nothing. s8: uniform in [-63, 63], because CPUs without VNNI add
/// pairs of u8·s8 products in 16 bits (vpmaddubsw), and an s8 shifted to u8 there stays below saturation only with
/// 2·(63+128)·63 < 2^15.
template <class T> constexpr T random_value(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t const bits = random_bits(seed, i);
  if constexpr (std::is_same_v<T, double>)
    return static_cast<double>(bits >> 11) * 0x1p-52 - 1.0;
  else if constexpr (std::is_same_v<T, float>)
    return static_cast<float>(bits >> 40) * 0x1p-23F - 1.0F;
  else if constexpr (std::is_same_v<T, Bf16>)
    return Bf16::truncate(random_value<float>(seed, i));
  else
    return static_cast<T>(static_cast<std::int64_t>(((bits >> 32) * 127) >> 32) - 63);
}

/// What an output holds before the operation writes it: never a right answer.
template <class T> constexpr T poison() {
  if constexpr (std::is_floating_point_v<T>)
    return std::numeric_limits<T>::quiet_NaN();
  else
    return static_cast<T>(0xDEADBEEF);
}

template <class T> void fill_random(std::span<T> values, std::uint64_t seed) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_value<T>(seed, i);
}

} // namespace maru
