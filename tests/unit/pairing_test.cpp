// SPDX-License-Identifier: Apache-2.0
#include "bench/pairing.hpp"

#include <gtest/gtest.h>
#include <set>

namespace maru {
namespace {

TEST(Pairing, EveryPairMeetsOnceAndNobodyIsInTwoPairsOfARound) {
  for (std::size_t nodes = 0; nodes < 40; ++nodes) {
    std::set<NodePair> met;
    for (std::size_t round = 0; round < rounds_for(nodes); ++round) {
      std::set<std::size_t> busy;
      auto const pairs = pairs_of_round(nodes, round);
      EXPECT_EQ(pairs.size(), nodes / 2) << "links stand idle in a round of " << nodes;
      for (auto const& [a, b] : pairs) {
        EXPECT_LT(a, b);
        EXPECT_LT(b, nodes);
        EXPECT_TRUE(busy.insert(a).second && busy.insert(b).second);
        EXPECT_TRUE(met.insert({a, b}).second);
      }
    }
    EXPECT_EQ(met.size(), nodes * (nodes - (nodes > 0 ? 1 : 0)) / 2);
  }
  EXPECT_EQ(rounds_for(4), 3U);
  EXPECT_EQ(rounds_for(5), 5U);
}

TEST(Pairing, AFewRoundsStandForManyHosts) {
  EXPECT_EQ(choose_rounds(64, 64).size(), 63U);
  EXPECT_EQ(choose_rounds(65, 64).size(), 13U);
  EXPECT_EQ(choose_rounds(25000, 64).size(), 30U);
  auto const rounds = choose_rounds(1000, 64);
  EXPECT_EQ(std::set<std::size_t>(rounds.begin(), rounds.end()).size(), rounds.size());
  EXPECT_LT(rounds.back(), rounds_for(1000));
  EXPECT_TRUE(choose_rounds(1, 64).empty());
}

TEST(Pairing, HostsInTheOrderOfTheirFirstRanks) {
  auto const hosts = ranks_by_host({"b", "a", "b", "a"});
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].host, "b");
  EXPECT_EQ(hosts[1].ranks, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(first_ranks({{0, 1}}, hosts), (GroupList{{0, 1}}));
}

} // namespace
} // namespace maru
