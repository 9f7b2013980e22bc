// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace maru {

/// The upper half of an IEEE float, as accelerators and oneDNN store it. C++20 has no name for it.
struct Bf16 {
  std::uint16_t bits = 0;

  static constexpr Bf16 truncate(float value) {
    return {static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)};
  }
  constexpr float widen() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

} // namespace maru
