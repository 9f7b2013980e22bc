// SPDX-License-Identifier: Apache-2.0
// What the collectives are checked with: right outputs pass, and each way of being wrong shows.
#include "kernels/collective/pattern.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace maru {
namespace {

constexpr std::array kinds{CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
                           CollectiveKind::all_to_all, CollectiveKind::broadcast,  CollectiveKind::reduce,
                           CollectiveKind::send_recv};
constexpr std::uint64_t seeds = 50;

Collective collective(CollectiveKind kind, int ranks, std::uint64_t count) {
  auto const parts = is_divided(kind) ? static_cast<std::uint64_t>(ranks) : 1U;
  return {.kind = kind, .dtype = Dtype::f32, .bytes = count * parts * sizeof(float), .ranks = ranks};
}

std::vector<float> right_output(Collective const& c, Pattern const& pattern, int index) {
  std::vector<float> output(parts_of(c, index).output);
  for (std::size_t i = 0; i < output.size(); ++i) output[i] = static_cast<float>(expected(c, pattern, index, i));
  return output;
}

std::uint64_t wrong(std::vector<float> const& output, Collective const& c, Pattern const& pattern, int index) {
  return check_output(std::span<float const>(output), c, pattern, index).wrong;
}

TEST(Pattern, SumIsTheSumOfTheRanksInAnyOrderOfF32) {
  for (int const ranks : {1, 2, 17, 300})
    for (std::uint64_t i = 0; i < 40; ++i) {
      Pattern const pattern(static_cast<std::uint64_t>(ranks), ranks);
      float sum = 0;
      for (int rank = ranks; rank-- > 0;) sum += static_cast<float>(pattern.value(rank, i));
      EXPECT_EQ(static_cast<std::int64_t>(sum), pattern.sum(i));
    }
}

TEST(Pattern, SumsStayExactInF32ForAHundredThousandRanks) {
  for (std::uint64_t i = 0; i < 64; ++i) EXPECT_LT(Pattern(1, 100'000).sum(i), 1 << 24);
}

TEST(Pattern, NeighboursDifferAmongElementsAndRanks) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Pattern const pattern(seed, 1);
    for (int rank = 0; rank < 20; ++rank)
      for (int further = rank + 1; further < rank + 11; ++further)
        for (std::uint64_t i = 0; i < 4; ++i) EXPECT_NE(pattern.value(rank, i), pattern.value(further, i));
    for (std::uint64_t i = 0; i < 16; ++i)
      for (std::uint64_t j = 4; i + j < 16; j += 4) EXPECT_NE(pattern.value(3, i), pattern.value(3, i + j));
  }
}

TEST(Pattern, FourElementsTellTenThousandsOfRanksApart) {
  Pattern const pattern(5, 1);
  std::set<std::array<std::int64_t, 4>> seen;
  for (int rank = 0; rank < 34'320; ++rank)
    EXPECT_TRUE(
        seen.insert({pattern.value(rank, 0), pattern.value(rank, 1), pattern.value(rank, 2), pattern.value(rank, 3)})
            .second);
}

TEST(Pattern, RightOutputsPass) {
  for (auto const kind : kinds)
    for (int const ranks : {2, 3, 16})
      for (int index = 0; index < ranks; ++index) {
        auto const c = collective(kind, ranks, 5);
        Pattern const pattern(9, ranks);
        auto const output = right_output(c, pattern, index);
        auto const verification = check_output(std::span<float const>(output), c, pattern, index);
        EXPECT_TRUE(verification.checked);
        EXPECT_EQ(verification.wrong, 0U);
        EXPECT_EQ(verification.elements, output.size());
      }
}

TEST(Pattern, OfTwoRanks) {
  Pattern const pattern(9, 2);
  auto const there_and_back = collective(CollectiveKind::ping_pong, 2, 5);
  for (int const index : {0, 1})
    EXPECT_EQ(expected(there_and_back, pattern, index, 3), pattern.value(1 - index, 3)) << "what the other has sent";
  for (int const root : {0, 1}) {
    auto one_way = collective(CollectiveKind::send, 2, 5);
    one_way.root = root;
    EXPECT_EQ(parts_of(one_way, root).output, 0U) << "the sender receives nothing";
    auto const output = right_output(one_way, pattern, 1 - root);
    EXPECT_EQ(output.size(), 5U);
    EXPECT_EQ(wrong(output, one_way, pattern, 1 - root), 0U);
    EXPECT_EQ(output[2], static_cast<float>(pattern.value(root, 2)));
  }
}

TEST(Pattern, OneWrongOrUntouchedElementIsFound) {
  for (auto const kind : kinds) {
    auto const c = collective(kind, 3, 5);
    Pattern const pattern(9, 3);
    for (std::size_t i = 0; i < parts_of(c, 0).output; ++i)
      for (float const fault : {poison<float>(), -1.0F, static_cast<float>(expected(c, pattern, 0, i) + 1)}) {
        auto output = right_output(c, pattern, 0);
        output[i] = fault;
        EXPECT_EQ(wrong(output, c, pattern, 0), 1U);
      }
  }
}

TEST(Pattern, ASwappedChunkIsFound) {
  for (auto const kind : {CollectiveKind::all_gather, CollectiveKind::all_to_all})
    for (std::size_t const count : {1U, 3U, 16U})
      for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        auto const c = collective(kind, 16, count);
        Pattern const pattern(seed, 16);
        auto output = right_output(c, pattern, 2);
        std::swap_ranges(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count),
                         output.begin() + static_cast<std::ptrdiff_t>(7 * count));
        EXPECT_EQ(wrong(output, c, pattern, 2), 2 * count);
      }
}

TEST(Pattern, AMissingOrDoubledContributionIsFound) {
  for (auto const kind : {CollectiveKind::all_reduce, CollectiveKind::reduce, CollectiveKind::reduce_scatter})
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      auto const c = collective(kind, 16, 6);
      Pattern const pattern(seed, 16);
      auto const right = right_output(c, pattern, 0);
      auto missing = right, doubled = right;
      for (std::size_t i = 0; i < right.size(); ++i) {
        missing[i] -= static_cast<float>(pattern.value(5, i));
        doubled[i] += static_cast<float>(pattern.value(6, i) - pattern.value(5, i));
      }
      EXPECT_EQ(wrong(missing, c, pattern, 0), right.size());
      EXPECT_EQ(wrong(doubled, c, pattern, 0), right.size());
    }
}

TEST(Pattern, AnotherRanksPartIsFound) {
  for (auto const kind : {CollectiveKind::reduce_scatter, CollectiveKind::all_to_all, CollectiveKind::send_recv})
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      auto const c = collective(kind, 4, 4);
      Pattern const pattern(seed, 4);
      EXPECT_GT(wrong(right_output(c, pattern, 1), c, pattern, 2), 0U);
    }
}

} // namespace
} // namespace maru
