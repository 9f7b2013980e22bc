// SPDX-License-Identifier: Apache-2.0
#include "kernels/collective/pattern.hpp"

#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <fmt/format.h>

namespace maru {

Pattern::Pattern(std::uint64_t seed, int ranks)
    : seed_(seed), ranks_(ranks), turn_(static_cast<std::int64_t>(random_bits(seed, 0) % 16)) {
  for (int rank = 0; rank < ranks; ++rank)
    for (std::size_t place = 0; place < residue_sums_.size(); ++place) residue_sums_[place] += residue(rank, place);
}

// A permutation of 0..15 per block of sixteen: an odd factor and an offset, both random.
std::int64_t Pattern::height(std::uint64_t i) const {
  std::uint64_t const bits = random_bits(seed_, 1 + i / 16);
  return static_cast<std::int64_t>((i * (bits | 1) + (bits >> 32)) % 16);
}

Parts parts_of(Collective const& c, int index) {
  auto const count = part_count(c), ranks = static_cast<std::uint64_t>(c.ranks), whole = count * ranks;
  switch (c.kind) {
  case CollectiveKind::all_gather: return {count, count, whole, static_cast<std::uint64_t>(index) * count, whole};
  case CollectiveKind::reduce_scatter: return {count, whole, count, 0, c.in_place ? whole : count};
  case CollectiveKind::all_to_all: return {count, whole, whole, 0, whole};
  case CollectiveKind::reduce: return {count, count, index == c.root ? count : 0, 0, count};
  case CollectiveKind::send: return {count, count, index == c.root ? 0 : count, 0, count};
  case CollectiveKind::all_reduce:
  case CollectiveKind::broadcast:
  case CollectiveKind::send_recv:
  case CollectiveKind::ping_pong: return {count, count, count, 0, count};
  }
  return {};
}

std::int64_t expected(Collective const& c, Pattern const& pattern, int index, std::uint64_t i) {
  auto const count = part_count(c), mine = static_cast<std::uint64_t>(index) * count;
  switch (c.kind) {
  case CollectiveKind::all_reduce:
  case CollectiveKind::reduce: return pattern.sum(i);
  case CollectiveKind::reduce_scatter: return pattern.sum(mine + i);
  case CollectiveKind::all_gather: return pattern.value(static_cast<int>(i / count), i % count);
  case CollectiveKind::all_to_all: return pattern.value(static_cast<int>(i / count), mine + i % count);
  case CollectiveKind::broadcast:
  case CollectiveKind::send: return pattern.value(c.root, i);
  case CollectiveKind::ping_pong: return pattern.value(1 - index, i);
  case CollectiveKind::send_recv: return pattern.value((index + c.ranks - 1) % c.ranks, i);
  }
  return 0;
}

template <class T> void fill_input(std::span<T> input, Pattern const& pattern, int index) {
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<T>(pattern.value(index, i));
}

template <class T>
Verification check_output(std::span<T const> output, Collective const& c, Pattern const& pattern, int index) {
  Tally tally("exact");
  tally.compared(output.size());
  for (std::size_t i = 0; i < output.size(); ++i) {
    auto const right = static_cast<double>(expected(c, pattern, index, i));
    if (!tally.tolerates(std::abs(static_cast<double>(output[i]) - right), 0))
      tally.wrong([&] { return fmt::format("element {} of member {} is {}, not {}", i, index, output[i], right); });
  }
  return std::move(tally).result();
}

template void fill_input(std::span<float>, Pattern const&, int);
template void fill_input(std::span<double>, Pattern const&, int);
template void fill_input(std::span<std::int32_t>, Pattern const&, int);
template Verification check_output(std::span<float const>, Collective const&, Pattern const&, int);
template Verification check_output(std::span<double const>, Collective const&, Pattern const&, int);
template Verification check_output(std::span<std::int32_t const>, Collective const&, Pattern const&, int);

} // namespace maru
