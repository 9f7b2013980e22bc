// SPDX-License-Identifier: Apache-2.0
// Second looks, and fleets that are not all alike: who is cleared, and who is not.
#include "analysis/judge.hpp"
#include "tests/unit/fleet.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace maru {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The second fleet's records of these hosts only, as a second look at the first.
Report looked_at_again(Fleet const& first, Fleet const& second, std::set<std::size_t> const& hosts) {
  auto report = make_report(first);
  for (auto& record : make_report(second).records) {
    bool const all_in = std::all_of(record.group.ranks.begin(), record.group.ranks.end(), [&](std::int64_t rank) {
      return hosts.contains(static_cast<std::size_t>(rank) / first.ranks_per_host);
    });
    if (!all_in) continue;
    record.second_look = true;
    report.records.push_back(std::move(record));
  }
  return report;
}

TEST(JudgeAgain, HalfOfASecondLookMayBeBadAndIsNotCleared) {
  Fleet fleet;
  fleet.hosts = 16;
  fleet.slow_gemm = {{1, 1.4}, {2, 1.4}, {3, 1.4}};
  auto again = fleet;
  again.seed = 2;
  auto const verdict = judge(looked_at_again(fleet, again, {1, 2, 3, 4, 5, 6}), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(1), fleet_host(2), fleet_host(3)));
}

TEST(JudgeAgain, SlowNetworksAreNotClearedByOneAnother) {
  Fleet fleet;
  fleet.hosts = 5;
  fleet.slow_network = {{1, 4}, {2, 4}};
  auto again = fleet;
  again.seed = 2;
  auto const verdict = judge(looked_at_again(fleet, again, {0, 1, 2, 3, 4}), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(1), fleet_host(2)));
}

TEST(JudgeAgain, ASlowLinkStandsUnlessItWasMeasuredAgain) {
  Fleet fleet;
  fleet.slow_links = {{{0, 3}, 5}};
  auto well = fleet;
  well.seed = 2;
  well.slow_links.clear();
  auto const slow_again = judge(looked_at_again(fleet, fleet, {0, 1, 2, 3}), {});
  ASSERT_EQ(slow_again.links.size(), 1U);
  EXPECT_EQ(slow_again.links[0].state, State::fail);
  auto const recovered = judge(looked_at_again(fleet, well, {0, 1, 2, 3}), {});
  ASSERT_EQ(recovered.links.size(), 1U);
  EXPECT_EQ(recovered.links[0].state, State::warn);
  auto const not_asked = judge(looked_at_again(fleet, well, {0, 1, 2}), {});
  ASSERT_EQ(not_asked.links.size(), 1U);
  EXPECT_EQ(not_asked.links[0].state, State::fail);
}

/// Four collectives into which rank 2 comes late, or which saw nobody late.
void add_arrivals(Report& report, bool second_look, bool late) {
  for (int i = 0; i < 4; ++i) {
    auto& record = report.records.emplace_back();
    record.group = {"world", 0, {0, 1, 2, 3}};
    record.second_look = second_look;
    auto& arrival = record.arrival.emplace();
    arrival.iterations = 20;
    if (!late) continue;
    arrival.lateness = 5e-3;
    arrival.last_rank = 2;
    arrival.last_host = fleet_host(2);
    arrival.last_share = 1;
  }
}

TEST(JudgeAgain, LatenessIsNotClearedByALookThatSawNoArrivals) {
  Fleet fleet;
  fleet.links = false;
  auto report = looked_at_again(fleet, fleet, {0, 1, 2, 3});
  add_arrivals(report, false, true);
  EXPECT_THAT(hosts_in(judge(report, {}), State::fail), ElementsAre(fleet_host(2)));
}

constexpr char const* excuse = "follows from a slow processor";

TEST(JudgeAgain, AClearedProcessorExcusesNoLateness) {
  Fleet fleet;
  fleet.devices = fleet.links = false;
  fleet.slow_gemm = {{2, 2}};
  auto well = fleet;
  well.seed = 2;
  well.slow_gemm.clear();
  auto report = looked_at_again(fleet, well, {0, 1, 2, 3});
  add_arrivals(report, false, true);
  auto const not_asked = judge(report, {});
  EXPECT_THAT(hosts_in(not_asked, State::fail), ElementsAre(fleet_host(2))) << "nobody has looked at it again";
  EXPECT_THAT(not_asked.hosts[2].reason, HasSubstr("arrives late"));
  EXPECT_FALSE(not_asked.hosts[2].flaky);
  EXPECT_THAT(not_asked.notes, Not(Contains(HasSubstr(excuse))));
  auto late_again = report, punctual = report;
  add_arrivals(late_again, true, true);
  EXPECT_THAT(hosts_in(judge(late_again, {}), State::fail), ElementsAre(fleet_host(2)));
  add_arrivals(punctual, true, false);
  auto const verdict = judge(punctual, {});
  EXPECT_EQ(verdict.hosts[2].state, State::warn);
  EXPECT_TRUE(verdict.hosts[2].flaky);
  EXPECT_THAT(verdict.hosts[2].evidence, Contains(testing::Field(&Evidence::text, HasSubstr("punctual"))));
}

TEST(JudgeAgain, AClearedProcessorExcusesNoSlowNetwork) {
  Fleet fleet;
  fleet.devices = false;
  fleet.hosts = 6;
  fleet.slow_gemm = {{1, 2}};
  fleet.slow_network = {{1, 3}};
  auto again = fleet;
  again.seed = 2;
  auto const still_slow = judge(looked_at_again(fleet, again, {0, 1, 2, 3}), {});
  EXPECT_THAT(still_slow.hosts[1].reason, HasSubstr("gemm"));
  EXPECT_THAT(still_slow.notes, Contains(HasSubstr(excuse)));
  again.slow_gemm.clear();
  auto const cleared = judge(looked_at_again(fleet, again, {0, 1, 2, 3}), {});
  EXPECT_THAT(hosts_in(cleared, State::fail), ElementsAre(fleet_host(1)));
  EXPECT_THAT(cleared.hosts[1].reason, HasSubstr("transfers slowly"));
  EXPECT_EQ(cleared.hosts[1].relative, State::fail);
  EXPECT_THAT(cleared.notes, Not(Contains(HasSubstr(excuse))));
  again.slow_network.clear();
  auto const well = judge(looked_at_again(fleet, again, {0, 1, 2, 3}), {});
  EXPECT_EQ(well.hosts[1].state, State::warn);
  EXPECT_TRUE(well.hosts[1].flaky);
}

TEST(JudgeAgain, OneDeviceOfEightWithoutAValidFigureIsUnknown) {
  Fleet fleet;
  fleet.hosts = 4;
  fleet.ranks_per_host = 8;
  auto report = make_report(fleet);
  for (auto& record : report.records)
    if (record.operation == "gemm" && record.group.ranks == std::vector<std::int64_t>{11}) {
      record.conditions.emplace().invalid = {"throttled"};
    } else if (record.operation == "copy" && record.group.ranks == std::vector<std::int64_t>{20}) {
      record.time.reset();
      record.status = Status::failed;
      record.reason = "CUDA error";
    }
  auto const verdict = judge(report, {});
  EXPECT_THAT(hosts_in(verdict, State::unknown), ElementsAre(fleet_host(1), fleet_host(2)));
  EXPECT_THAT(verdict.hosts[1].reason, HasSubstr("rank 11"));
  EXPECT_THAT(verdict.hosts[2].reason, HasSubstr("CUDA error"));
}

TEST(JudgeAgain, AnIncompleteRunIsNoPass) {
  auto report = make_report({});
  report.run.complete = false;
  EXPECT_EQ(judge(report, {}).state, State::unknown);
}

TEST(JudgeAgain, HostsOfAnotherModelHaveAnotherNetwork) {
  Fleet fleet;
  fleet.hosts = 12;
  fleet.slow_network = {{0, 2}, {1, 2}, {2, 2}, {3, 2}};
  auto report = make_report(fleet);
  for (auto& rank : report.ranks)
    if (rank.rank < 4) rank.device = "NVIDIA A100-SXM4-80GB";
  EXPECT_THAT(hosts_in(judge(report, {}), State::fail), IsEmpty());
}

TEST(JudgeAgain, PlacesOfAHostAreHeldAgainstTheSamePlacesOfOthers) {
  Fleet fleet;
  fleet.hosts = 6;
  fleet.ranks_per_host = 4;
  fleet.links = false;
  auto report = make_report(fleet);
  auto const add_links = [&](std::int64_t slow) {
    for (std::int64_t first = 0; first < 24; first += 4)
      for (std::int64_t a = first; a < first + 4; ++a)
        for (std::int64_t b = a + 1; b < first + 4; ++b) {
          auto& record = report.records.emplace_back();
          record.probe = "links";
          record.operation = "send";
          record.backend = "nccl";
          record.group = {"local:0", 0, {a, b}};
          record.cost.bytes = 1e9;
          bool const across = b == first + 3; // three on one socket, one on the other
          record.time.emplace().median = 1e-2 * (across ? 2 : 1) * (a == slow && b == slow + 1 ? 5 : 1);
        }
  };
  add_links(-1);
  EXPECT_EQ(judge(report, {}).state, State::pass) << "uneven sockets are no fault";
  add_links(8);
  auto const verdict = judge(report, {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(2)));
  EXPECT_THAT(verdict.hosts[2].reason, HasSubstr("rank 8"));
}

TEST(JudgeAgain, ReportsOfNobodyAndOfNothing) {
  auto report = make_report({});
  report.hosts.pop_back(); // its ranks are on a host that is not listed
  report.records[0].status = Status::wrong;
  report.records[0].group.ranks = {99};
  report.records[1].cost.flops = 1e300;
  report.records[1].time->median = 1e-300;
  report.records.back().cost.bytes = -1;
  auto const verdict = judge(report, {});
  EXPECT_EQ(verdict.state, State::fail);
  EXPECT_THAT(verdict.notes, Contains(HasSubstr("a rank that the report does not list")));
}

} // namespace
} // namespace maru
