// SPDX-License-Identifier: Apache-2.0
#include "bench/groups.hpp"
#include "bench/wiring.hpp"
#include "core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// `hosts` machines of 8 hardware threads and `per_host` ranks, each bound to its share.
std::vector<RankFacts> cluster(int hosts, int per_host) {
  std::vector<RankFacts> facts;
  for (int host = 0; host < hosts; ++host)
    for (int local = 0; local < per_host; ++local) {
      RankFacts f;
      f.rank.rank = static_cast<std::int64_t>(facts.size());
      int const width = 8 / per_host;
      f.rank.cpus = format_ranks({local * width, local * width + width - 1});
      if (width > 2) f.rank.cpus = std::to_string(local * width) + "-" + std::to_string(local * width + width - 1);
      f.usable_cpus = "0-7";
      f.cores = width;
      f.host.name = "h" + std::to_string(host);
      f.host.last_cache_bytes = 32 << 20;
      f.clock_id = f.host.name;
      f.pid = 100 + local;
      f.maru_version = "1";
      f.plan_digest = "p";
      f.launched = hosts * per_host;
      f.launcher = "mpirun";
      facts.push_back(f);
    }
  return facts;
}

TEST(Wiring, AnOrderlyClusterIsInOrder) { EXPECT_THAT(check_wiring(cluster(3, 4)), IsEmpty()); }

TEST(Wiring, RanksThatFindNobody) {
  auto facts = cluster(1, 1);
  facts[0].launched = 4;
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("thinks that it is alone")));
  EXPECT_THAT(check_wiring(facts).front(), HasSubstr("h0"));
}

TEST(Wiring, VersionsAndPlansMustBeEqual) {
  auto facts = cluster(2, 2);
  facts[3].maru_version = "2";
  EXPECT_THAT(check_wiring(facts), ElementsAre("rank 3 on h1 has maru 2, rank 0 on h0 has 1"));
  facts = cluster(2, 2);
  facts[2].plan_digest = "q";
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("rank 2 on h1 has plan q")));
}

TEST(Wiring, SevenOfEight) {
  auto facts = cluster(3, 4);
  facts.erase(facts.begin() + 5);
  facts[0].launched = 11;
  EXPECT_THAT(check_wiring(facts), ElementsAre("h1 has 3 ranks where 4 are usual"));
}

TEST(Wiring, TwoMachinesOfOneName) {
  auto facts = cluster(1, 2);
  facts[1].clock_id = "another kernel";
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("two machines that both call themselves h0")));
}

TEST(Wiring, OneProcessTwice) {
  auto facts = cluster(1, 2);
  facts[1].pid = facts[0].pid;
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("is two ranks")));
}

TEST(Wiring, OneDeviceTwice) {
  auto facts = cluster(2, 2);
  facts[2].rank.device_uuid = facts[3].rank.device_uuid = "GPU-1";
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("h1: ranks 2 and 3 both use device GPU-1")));
}

TEST(Wiring, BindingsThatOverlap) {
  auto facts = cluster(1, 2);
  facts[1].rank.cpus = "3-6"; // rank 0 has 0-3
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("CPU bindings overlap: rank 0 on 0-3, rank 1 on 3-6")));
}

TEST(Wiring, TooManyRanksOnOneCore) {
  auto facts = cluster(1, 2);
  facts[0].rank.cpus = facts[1].rank.cpus = "0";
  EXPECT_THAT(check_wiring(facts), ElementsAre(HasSubstr("h0: 2 ranks are bound to the 1 hardware thread(s) 0")));
}

TEST(Wiring, SharedSocketAndOversubscriptionAreInOrder) {
  auto facts = cluster(1, 4);
  for (auto& f : facts) f.rank.cpus = "0-3";
  EXPECT_THAT(check_wiring(facts), IsEmpty());
  facts = cluster(1, 4);
  EXPECT_THAT(note_wiring(facts), IsEmpty());
  for (auto& f : facts) f.rank.cpus = f.usable_cpus = "0-1";
  EXPECT_THAT(check_wiring(facts), IsEmpty());
  EXPECT_THAT(note_wiring(facts), ElementsAre(HasSubstr("h0: 4 ranks share 2 hardware threads")));
}

TEST(Wire, ThreadsFollowTheCoresGiven) {
  auto facts = cluster(2, 2);
  auto wired = wire(facts);
  EXPECT_EQ(wired.ranks[3].threads, 4);
  EXPECT_EQ(wired.ranks[3].local_rank, 1);
  EXPECT_TRUE(wired.ranks[3].bound);
  EXPECT_EQ(wired.hosts.size(), 2U);
  EXPECT_EQ(wired.stream_bytes, 64 << 20);
  for (auto& f : facts) { // unbound: shared
    f.rank.cpus = "0-7";
    f.cores = 8;
  }
  wired = wire(facts);
  EXPECT_EQ(wired.ranks[0].threads, 4);
  EXPECT_FALSE(wired.ranks[0].bound);
}

TEST(Wire, MemoryIsTheSmallestShare) {
  auto facts = cluster(2, 2);
  EXPECT_EQ(wire(facts).memory_bytes, 0) << "nobody knows";
  for (auto& f : facts) f.host.memory_bytes = f.host.name == "h1" ? 1000 : 3000;
  EXPECT_EQ(wire(facts).memory_bytes, 500);
  facts[2].host.memory_bytes = facts[3].host.memory_bytes = 0;
  EXPECT_EQ(wire(facts).memory_bytes, 1500);
}

TEST(Groups, EveryKind) {
  std::vector<std::string> const hosts{"a", "a", "b", "b", "b"};
  EXPECT_THAT(make_groups("world", hosts), ElementsAre(ElementsAre(0, 1, 2, 3, 4)));
  EXPECT_THAT(make_groups("node", hosts), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3, 4)));
  EXPECT_THAT(make_groups("pairs", hosts), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4)));
  EXPECT_THAT(make_groups("split:2", hosts), ElementsAre(ElementsAre(0, 2, 4), ElementsAre(1, 3)));
  EXPECT_EQ(make_groups("rank", hosts).size(), 5U);
  EXPECT_EQ(group_of(make_groups("node", hosts), 3), 1U);
  EXPECT_THROW(make_groups("split:6", hosts), Error);
  EXPECT_THROW(make_groups("split:0", hosts), Error);
  EXPECT_THROW(make_groups("split:", hosts), Error);
  EXPECT_THROW(make_groups("nodes", hosts), Error);
}

} // namespace
} // namespace maru
