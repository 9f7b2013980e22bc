// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "kernels/bf16.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace maru {

/// A float format of at most 16 bits: sign, exponent, mantissa, with the bias 2^(exponent−1) − 1.
struct MiniFloat {
  int exponent, mantissa;
  enum class Top {
    ieee,
    one_nan,
    finite
  } top; ///< what the highest exponent means: inf and NaN, NaN where the mantissa
         ///< is all ones as well, or nothing special
};

constexpr MiniFloat f16_format{5, 10, MiniFloat::Top::ieee};
constexpr MiniFloat f8e5m2_format{5, 2, MiniFloat::Top::ieee};
constexpr MiniFloat f8e4m3_format{4, 3, MiniFloat::Top::one_nan}; // Micikevicius et al. 2022, table 1
constexpr MiniFloat f4e2m1_format{2, 1, MiniFloat::Top::finite};  // OCP Microscaling 1.0, section 5.3.3

inline double decode(MiniFloat format, unsigned bits) {
  auto const mantissa = bits & ((1U << format.mantissa) - 1);
  auto const exponent = (bits >> format.mantissa) & ((1U << format.exponent) - 1);
  auto const highest = (1U << format.exponent) - 1, all_ones = (1U << format.mantissa) - 1;
  double const sign = (bits >> (format.mantissa + format.exponent)) & 1 ? -1 : 1;
  if (exponent == highest && format.top == MiniFloat::Top::ieee)
    return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (exponent == highest && mantissa == all_ones && format.top == MiniFloat::Top::one_nan)
    return std::numeric_limits<double>::quiet_NaN();
  int const bias = (1 << (format.exponent - 1)) - 1;
  int const implicit =
      exponent > 0 ? 1 << format.mantissa : 0; // none: a subnormal, at the exponent of the first normal
  int const power = (exponent > 0 ? static_cast<int>(exponent) : 1) - bias - format.mantissa;
  return sign * std::ldexp(static_cast<double>(static_cast<int>(mantissa) + implicit), power);
}

/// Element `i` of values as they lie in memory, block scales left out. nvf4: the even one of a pair is the lower half
/// of the byte.
inline double decode(Dtype dtype, void const* values, std::size_t i) {
  auto const read = [&](auto value) {
    std::memcpy(&value, static_cast<unsigned char const*>(values) + i * sizeof value, sizeof value);
    return value;
  };
  switch (dtype) {
  case Dtype::f64: return read(0.0);
  case Dtype::f32:
  case Dtype::tf32: return static_cast<double>(read(0.0F));
  case Dtype::f16: return decode(f16_format, read(std::uint16_t{}));
  case Dtype::bf16: return static_cast<double>(Bf16{read(std::uint16_t{})}.widen());
  case Dtype::f8e4m3:
  case Dtype::mxf8: return decode(f8e4m3_format, read(std::uint8_t{}));
  case Dtype::f8e5m2: return decode(f8e5m2_format, read(std::uint8_t{}));
  case Dtype::nvf4: {
    unsigned const pair = static_cast<unsigned char const*>(values)[i / 2];
    return decode(f4e2m1_format, (i % 2 ? pair >> 4 : pair) & 0xF);
  }
  case Dtype::s8: return static_cast<double>(read(std::int8_t{}));
  case Dtype::s32: return static_cast<double>(read(std::int32_t{}));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// A block scale: ue8m0 (a power of two, OCP Microscaling 1.0, section 5.4.1) for mxf8, ue4m3 for nvf4.
inline double decode_scale(Dtype dtype, std::uint8_t bits) {
  if (dtype == Dtype::mxf8)
    return bits == 0xFF ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, static_cast<int>(bits) - 127);
  return decode(f8e4m3_format, bits & 0x7FU);
}

} // namespace maru
