// SPDX-License-Identifier: Apache-2.0
#include "bench/second_look.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::IsEmpty;

Roster const hosts{{"a", "a", "b", "b", "c", "c", "d", "d", "e", "e"}};

Case asked(char const* kind, GroupList groups = {}) {
  Case item;
  item.probe = "p";
  item.operation = Collective{};
  item.group_kind = kind;
  item.groups = std::move(groups);
  return item;
}

TEST(SecondLook, AsksRanksAndNodesOfSuspectsBesideThree) {
  auto const cases = second_look({asked("rank"), asked("node")}, hosts, {"b"});
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_TRUE(cases[0].second_look);
  EXPECT_EQ(cases[0].groups, (GroupList{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}));
  EXPECT_EQ(cases[1].groups, (GroupList{{0, 1}, {2, 3}, {4, 5}, {6, 7}}));
  EXPECT_NE(key(cases[0]), key(asked("rank"))) << "a resumed run would take the first look for the second";
}

TEST(SecondLook, PairsSuspectsWithOthersAndKeepsAControl) {
  auto const cases = second_look({asked("world"), asked("pairs"), asked("split:2")}, hosts, {"b"});
  ASSERT_EQ(cases.size(), 1U) << "the others are layouts of all";
  EXPECT_EQ(cases[0].group_kind, "couples");
  EXPECT_EQ(cases[0].groups, (GroupList{{0, 1, 2, 3}, {4, 5, 6, 7}}));
}

TEST(SecondLook, LinksOfSuspectsMeetOneOtherAfterTheOther) {
  auto const cases = second_look({asked("hosts:0/5", {{0, 2}}), asked("hosts:1/5", {{4, 6}})}, hosts, {"b", "d"});
  ASSERT_EQ(cases.size(), 4U);
  EXPECT_EQ(cases[3].groups, (GroupList{{2, 6}})) << "both ends of a slow link are suspects";
  EXPECT_EQ(cases[0].groups, (GroupList{{0, 2}, {4, 6}}));
  EXPECT_EQ(cases[1].groups, (GroupList{{2, 4}, {6, 8}}));
  EXPECT_EQ(cases[2].groups, (GroupList{{0, 6}, {2, 8}}));
}

TEST(SecondLook, OthersArePairedSoThatTheUsualIsKnown) {
  auto const cases = second_look({asked("hosts:0/4", {{0, 2}})}, {{"a", "b", "c", "d"}}, {"c"});
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases[0].groups, (GroupList{{0, 2}, {1, 3}}));
  EXPECT_EQ(cases[1].groups, (GroupList{{0, 3}, {1, 2}}));
  EXPECT_EQ(cases[2].groups, (GroupList{{0, 1}, {2, 3}}));
}

TEST(SecondLook, NothingWhereNobodyOrEverybodyIsUnderSuspicion) {
  EXPECT_THAT(second_look({asked("rank")}, hosts, {}), IsEmpty());
  EXPECT_THAT(second_look({asked("rank")}, hosts, {"a", "b", "c", "d", "e"}), IsEmpty());
  EXPECT_THAT(second_look({asked("rank")}, hosts, {"nobody"}), IsEmpty());
}

/// Hosts a, b, c …, one rank each.
Roster of_models(std::vector<std::string> models) {
  Roster roster;
  for (std::size_t i = 0; i < models.size(); ++i) roster.host_of_rank.emplace_back(1, static_cast<char>('a' + i));
  roster.model_of_rank = std::move(models);
  return roster;
}

TEST(SecondLook, SuspectsMeetTheirOwnModel) {
  auto const roster = of_models({"H100", "H100", "H100", "H100", "H200", "H200", "H200", "H100"});
  auto const cases = second_look({asked("rank"), asked("world"), asked("hosts:0/8", {{0, 1}})}, roster, {"f", "h"});
  ASSERT_EQ(cases.size(), 2U + 4U + 1U);
  EXPECT_EQ(cases[0].groups, (GroupList{{0}, {1}, {2}, {4}, {5}, {6}, {7}})) << "as many of each model as there can be";
  EXPECT_EQ(cases[1].groups, (GroupList{{0, 7}, {1, 2}, {4, 5}}));
  EXPECT_EQ(cases[2].groups, (GroupList{{0, 7}, {1, 2}, {4, 5}}));
  EXPECT_EQ(cases[3].groups, (GroupList{{1, 7}, {2, 3}, {5, 6}}));
  EXPECT_EQ(cases.back().groups, (GroupList{{5, 7}}));
}

TEST(SecondLook, SuspectsWithoutTheirModelMeetWhoeverCanBeSpared) {
  auto const roster = of_models({"H100", "H100", "H200", "H200", "H200", "B200", "H100"});
  auto const cases = second_look({asked("world")}, roster, {"c", "d", "g"});
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].groups, (GroupList{{0, 6}, {2, 4}, {3, 5}})) << "d finds no other H200 than e, which c has";
  auto const alone = second_look({asked("world"), asked("hosts:0/7", {{0, 1}})}, roster, {"f"});
  ASSERT_EQ(alone.size(), 1U + 6U) << "its links are measured with all others";
  EXPECT_EQ(alone[0].groups.size(), 2U);
}

TEST(SecondLook, TheLeastSuspiciousAreLeftOutWhereOthersAreFew) {
  auto const cases = second_look({asked("node")}, hosts, {"d", "b", "a", "c"});
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].groups, (GroupList{{6, 7}, {8, 9}})) << "d, the worst, beside e";
}

TEST(FurtherRounds, OnlyWhereSomeWereLeftOut) {
  std::vector<Case> all;
  for (char const* kind : {"hosts:0/5", "hosts:1/5", "hosts:2/5", "hosts:3/5", "hosts:4/5"})
    all.push_back(asked(kind, {{0, 2}}));
  EXPECT_THAT(further_rounds(all, hosts, {"b"}), IsEmpty());
  all.resize(2);
  auto const cases = further_rounds(all, hosts, {"b"});
  ASSERT_EQ(cases.size(), 4U);
  EXPECT_EQ(cases[0].group_kind, "hosts:2/5");
  EXPECT_EQ(cases[3].groups, (GroupList{{0, 4}, {2, 8}}));
  EXPECT_FALSE(cases[0].second_look);
}

} // namespace
} // namespace maru
