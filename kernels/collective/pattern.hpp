// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "core/report.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace maru {

/// Test data of a collective: element i of rank r is 1 + h(i) + 16·(r mod M[i mod 4]), with h in 0..15 and M = 16, 15,
/// 13, 11. A sum over all ranks is ranks·(1 + h(i)) + 16·R[i mod 4]: cheap to foretell, and exact in f32 to over
/// 100,000 ranks. Any sixteen neighbours among the elements differ in h; any 11 neighbours among the ranks differ in
/// every element and, the moduli having no common factor, any 34,320 within four elements. So a shifted, swapped,
/// doubled or missing part shows.
class Pattern {
public:
  Pattern(std::uint64_t seed, int ranks);
  std::int64_t value(int rank, std::uint64_t i) const { return 1 + height(i) + 16 * residue(rank, i % 4); }
  std::int64_t sum(std::uint64_t i) const { return ranks_ * (1 + height(i)) + 16 * residue_sums_[i % 4]; }

private:
  std::int64_t height(std::uint64_t i) const;
  std::int64_t residue(int rank, std::uint64_t place) const { return (rank + turn_) % moduli[place]; }

  static constexpr std::array<std::int64_t, 4> moduli{16, 15, 13, 11};

  std::uint64_t seed_;
  std::int64_t ranks_;
  std::int64_t turn_; ///< added to every rank, so that none is always the one of zeros
  std::array<std::int64_t, 4> residue_sums_{};
};

/// What one rank brings to a collective and takes away: sizes in elements, and where in place its input lies.
struct Parts {
  std::uint64_t count = 0;    ///< part_count()
  std::uint64_t input = 0;    ///< elements it sends
  std::uint64_t output = 0;   ///< elements that are defined for it afterwards; 0 when it receives nothing
  std::uint64_t in_place = 0; ///< first element of its input in the common buffer
  std::uint64_t buffer = 0;   ///< elements of the common buffer, or of the output's
};
Parts parts_of(Collective const& collective, int index);

/// Element i of the output that rank `index` of the group must hold.
std::int64_t expected(Collective const& collective, Pattern const& pattern, int index, std::uint64_t i);

/// Writes the rank's input. For float, double and std::int32_t.
template <class T> void fill_input(std::span<T> input, Pattern const& pattern, int index);
/// Judges every element of the output, exactly.
template <class T>
Verification check_output(std::span<T const> output, Collective const& collective, Pattern const& pattern, int index);

} // namespace maru
