// SPDX-License-Identifier: Apache-2.0
#include "analysis/findings.hpp"
#include "exporters/exporter.hpp"
#include "exporters/text.hpp"
#include "tests/unit/fleet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace maru {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string table_of(Fleet fleet) {
  fleet.gemm = fleet.memory = false;
  auto report = make_report(fleet);
  conclude(report);
  return find_exporter("table")->render(report);
}

TEST(LinksTable, IsAMatrixOfEachDirection) {
  Fleet fleet;
  fleet.noise = 0;
  fleet.slow_links = {{{0, 2}, 4}};
  auto const text = table_of(fleet);
  EXPECT_THAT(text, HasSubstr("links: bandwidth between 4 hosts, GB/s · nccl\n  usual 48 GB/s\n"));
  EXPECT_THAT(text, ContainsRegex("\n  h00000  +·  +48\\.0  +12\\.0  +48\\.0\n"));
  EXPECT_THAT(text, ContainsRegex("\n  h00002  +48\\.0  +48\\.0  +·  +48\\.0\n"));
  EXPECT_THAT(text, HasSubstr("links: latency between 4 hosts, us one way"));
}

TEST(LinksTable, RanksTheHostsThatExplainMost) {
  Fleet fleet;
  fleet.noise = 0;
  fleet.slow_network = {{3, 10}};
  EXPECT_THAT(table_of(fleet),
              ContainsRegex("slowest node  +sends  +receives  +explains\n  h00003  +10 %  +10 %  +100 %\n"));
}

TEST(LinksTable, OfManyHostsShowsTheSlowestOnly) {
  Fleet fleet;
  fleet.hosts = 100;
  fleet.slow_links = {{{7, 8}, 1}};
  auto const text = table_of(fleet);
  EXPECT_THAT(text, HasSubstr("between 100 hosts, GB/s; 1400 of 9900 directions"));
  EXPECT_THAT(text, HasSubstr("slowest from"));
  EXPECT_THAT(text, Not(HasSubstr("from \\ to")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width(line), 80U) << line;
}

} // namespace
} // namespace maru
