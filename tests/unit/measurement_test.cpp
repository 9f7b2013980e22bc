// SPDX-License-Identifier: Apache-2.0
#include "core/measurement.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

Report two_hosts() {
  Report report;
  for (auto const& [name, cpu] : {std::pair("a", "AMD"), std::pair("b", "Intel")}) {
    report.hosts.emplace_back().name = name;
    report.hosts.back().cpu = cpu;
  }
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    auto& info = report.ranks.emplace_back();
    info.rank = rank;
    info.host = rank < 2 ? "a" : "b";
    info.device = "H200";
    info.device_uuid = "GPU-x";
  }
  return report;
}

Record timed(Group group, Cost const& cost, double seconds) {
  Record record;
  record.probe = record.operation = "p";
  record.backend = "q";
  record.device = "cpu";
  record.group = std::move(group);
  record.cost = cost;
  record.time.emplace().median = seconds;
  record.time->median_ci = Interval{seconds / 2, seconds * 2};
  return record;
}

TEST(Measurements, AreOnePerTimedRecordWithTheirPlaces) {
  auto report = two_hosts();
  report.records = {timed({.ranks = {1}}, {.flops = 8}, 2), timed({.kind = "node", .ranks = {2, 3}}, {.bytes = 8}, 2),
                    timed({.kind = "world", .ranks = {0, 1, 2, 3}}, {}, 2), timed({.ranks = {3}}, {.flops = 8}, 4)};
  report.records[3].device = "cuda";
  report.records.push_back(report.records[0]);
  report.records.back().status = Status::failed;
  auto const all = measurements(report);
  ASSERT_EQ(all.values.size(), 4U);
  ASSERT_EQ(all.places.size(), 4U);
  auto const place = [&](std::size_t i) { return all.places[all.values[i].place]; };
  EXPECT_EQ(all.values[0].value, 4);
  EXPECT_EQ(all.values[0].ci->high, 8);
  EXPECT_EQ(place(0).host, "a");
  EXPECT_EQ(place(0).rank, 1);
  EXPECT_EQ(place(0).model, "AMD");
  EXPECT_EQ(place(1).host, "b");
  EXPECT_EQ(place(1).rank, -1);
  EXPECT_EQ(place(2).host, "");
  EXPECT_EQ(place(2).hosts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(place(3).model, "H200");
  EXPECT_EQ(place(3).device_uuid, "GPU-x");
  EXPECT_EQ(all.values[0].metric, all.values[3].metric) << "the question is the same";
  EXPECT_TRUE(all.metrics[all.values[0].metric].higher_is_better());
  EXPECT_FALSE(all.metrics[all.values[2].metric].higher_is_better());
  EXPECT_EQ(all.metrics[all.values[0].metric].name, "p p q  rank flops");
}

TEST(Measurements, KnowWhichRecordsAreDoubtful) {
  auto report = two_hosts();
  report.records = {timed({.ranks = {1}}, {.flops = 8}, 2), timed({.ranks = {2}}, {.flops = 8}, 2)};
  report.records[1].conditions.emplace().invalid = {"throttled"};
  auto const all = measurements(report);
  EXPECT_FALSE(all.values[0].doubtful);
  EXPECT_TRUE(all.values[1].doubtful);
}

} // namespace
} // namespace maru
