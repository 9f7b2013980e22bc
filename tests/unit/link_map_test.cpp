// SPDX-License-Identifier: Apache-2.0
#include "analysis/link_map.hpp"
#include "tests/unit/fleet.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

LinkMap map_of(Report const& report, std::string_view figure) {
  for (auto& map : link_maps(report))
    if (map.figure == figure) return map;
  return {};
}

Fleet links_of(std::size_t hosts) {
  Fleet fleet;
  fleet.hosts = hosts;
  fleet.gemm = fleet.memory = false;
  return fleet;
}

TEST(LinkMap, HoldsEachDirectionOfEachPair) {
  auto const report = make_report(links_of(5));
  for (auto const* figure : {"latency", "bandwidth"}) {
    auto const map = map_of(report, figure);
    EXPECT_EQ(map.nodes.size(), 5U);
    EXPECT_EQ(map.links.size(), 20U);
    EXPECT_EQ(map.ranking.size(), 5U);
  }
  EXPECT_NEAR(map_of(report, "latency").usual, 6e-6, 1e-7);
  EXPECT_NEAR(map_of(report, "bandwidth").usual, 48e9, 1e9);
}

TEST(LinkMap, ASlowHostExplainsTheExcessAndLeavesItsLinksUsual) {
  auto fleet = links_of(6);
  fleet.slow_network = {{3, 10}};
  auto const map = map_of(make_report(fleet), "bandwidth");
  auto const& worst = map.nodes[map.ranking.front()];
  EXPECT_EQ(worst.name, fleet_host(3));
  EXPECT_NEAR(worst.out, 0.1, 0.01);
  EXPECT_NEAR(worst.in, 0.1, 0.01);
  EXPECT_GT(worst.explains, 0.9);
  EXPECT_LT(map.nodes[map.ranking[1]].explains, 0.05);
  for (auto const& link : map.links) EXPECT_NEAR(link.value / link.expected, 1, 0.1);
}

TEST(LinkMap, ASlowLinkChangesNeitherOfItsEnds) {
  auto fleet = links_of(4);
  fleet.slow_links = {{{1, 2}, 8}};
  auto const map = map_of(make_report(fleet), "bandwidth");
  for (auto const& node : map.nodes) {
    EXPECT_NEAR(node.out, 1, 0.05);
    EXPECT_NEAR(node.in, 1, 0.05);
  }
  for (auto const& link : map.links) {
    bool const slow = map.nodes[link.from].name == fleet_host(1) && map.nodes[link.to].name == fleet_host(2);
    EXPECT_NEAR(link.value / link.expected, slow ? 1.0 / 8 : 1, 0.05);
  }
}

TEST(LinkMap, ALateRankMakesNoSlowLink) {
  auto report = make_report(links_of(4));
  for (auto& record : report.records) {
    auto const& ranks = record.group.ranks;
    if (record.operation != "send" || std::find(ranks.begin(), ranks.end(), 2) == ranks.end()) continue;
    auto& arrival = record.arrival.emplace();
    arrival.last_rank = 2;
    arrival.transfer = record.time->median;
    record.time->median += 5e-3;
  }
  auto const map = map_of(report, "bandwidth");
  for (auto const& node : map.nodes) EXPECT_NEAR(node.out, 1, 0.05);
}

TEST(LinkMap, SampledRoundsTellTheSame) {
  auto fleet = links_of(300);
  fleet.slow_network = {{17, 2}, {250, 3}};
  auto const map = map_of(make_report(fleet), "bandwidth");
  EXPECT_LT(map.links.size(), 300U * 40);
  EXPECT_EQ(map.nodes[map.ranking[0]].name, fleet_host(250));
  EXPECT_EQ(map.nodes[map.ranking[1]].name, fleet_host(17));
}

TEST(LinkMap, LeavesOutWhatIsDoubtfulAndOtherLooks) {
  auto report = make_report(links_of(4));
  for (auto& record : report.records) record.second_look = true;
  EXPECT_TRUE(link_maps(report).empty());
  EXPECT_EQ(link_maps(report, true).size(), 2U);
  for (auto& record : report.records) record.rehearsal = true;
  EXPECT_TRUE(link_maps(report, true).empty());
}

} // namespace
} // namespace maru
