// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge.hpp"
#include "exporters/verdict_format.hpp"
#include "tests/unit/fleet.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

HostVerdict const& of(Verdict const& verdict, std::size_t number) { return verdict.hosts.at(number); }

Report report_of(Fleet const& fleet) { return make_report(fleet); }

TEST(Judge, AHealthyFleetPasses) {
  Fleet fleet;
  fleet.hosts = 16;
  fleet.ranks_per_host = 8;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    fleet.seed = seed;
    auto const verdict = judge(report_of(fleet), {});
    EXPECT_EQ(verdict.state, State::pass) << "seed " << seed;
    EXPECT_THAT(verdict.links, IsEmpty());
  }
}

TEST(Judge, NamesThreeOf512AndNobodyElse) {
  Fleet fleet;
  fleet.hosts = 512;
  fleet.slow_gemm = {{17, 1.15}};
  fleet.slow_memory = {{200, 1.12}};
  fleet.slow_network = {{411, 4}};
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(17), fleet_host(200), fleet_host(411)));
  EXPECT_EQ(hosts_in(verdict, State::pass).size(), 509U);
  EXPECT_THAT(of(verdict, 17).reason, HasSubstr("gemm bf16"));
  EXPECT_THAT(of(verdict, 200).reason, HasSubstr("copy"));
  EXPECT_THAT(of(verdict, 411).reason, HasSubstr("transfers slowly"));
  EXPECT_EQ(of(verdict, 17).evidence.front().rank, 17);
}

TEST(Judge, NamesThreeOf3000AndNobodyElseInFewLines) {
  Fleet fleet;
  fleet.hosts = 3000;
  fleet.ranks_per_host = 2;
  fleet.slow_gemm = {{100, 1.15}};
  fleet.slow_memory = {{1000, 1.12}};
  fleet.slow_network = {{2400, 4}};
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(100), fleet_host(1000), fleet_host(2400)));
  EXPECT_EQ(hosts_in(verdict, State::pass).size(), 2997U);
  EXPECT_THAT(verdict.links, IsEmpty());
  auto const lines = [&](char const* format) {
    auto const text = find_verdict_format(format)->render(verdict);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_LE(lines("table"), 40);
  EXPECT_EQ(lines("drain"), 3);
  EXPECT_EQ(lines("slurm"), 4);
  EXPECT_EQ(lines("hostfile"), 2997);
}

TEST(Judge, ATightFleetDoesNotFailOnALittle) {
  Fleet fleet;
  fleet.hosts = 16;
  fleet.noise = 1e-4;
  fleet.slow_gemm = {{3, 1.003}}; // 30 sigma
  EXPECT_EQ(judge(report_of(fleet), {}).state, State::pass);
  fleet.slow_gemm = {{3, 1.04}};
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_THAT(hosts_in(verdict, State::warn), ElementsAre(fleet_host(3)));
}

TEST(Judge, OneDisturbedSizeCondemnsNobody) {
  Fleet fleet;
  fleet.gemm_sizes = 3;
  auto report = report_of(fleet);
  auto const disturbed = std::find_if(report.records.begin(), report.records.end(),
                                      [](Record const& r) { return r.operation == "gemm" && r.group.ranks[0] == 2; });
  disturbed->time->median *= 3;
  EXPECT_EQ(judge(report, {}).state, State::pass);
}

TEST(Judge, WhatItsOwnIntervalReachesIsNoFailure) {
  Fleet fleet;
  fleet.slow_gemm = {{1, 1.5}};
  auto report = report_of(fleet);
  for (auto& record : report.records)
    if (record.group.ranks == std::vector<std::int64_t>{1})
      record.time->median_ci = Interval{record.time->median / 2, record.time->median * 2};
  EXPECT_EQ(judge(report, {}).state, State::warn) << "far off and unsteady: it may be either";
}

TEST(Judge, ASlowLinkIsNamedAndNoHostIsDrained) {
  Fleet fleet;
  fleet.slow_links = {{{0, 3}, 5}};
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), IsEmpty());
  ASSERT_EQ(verdict.links.size(), 1U);
  EXPECT_EQ(verdict.links[0].from, fleet_host(0));
  EXPECT_EQ(verdict.links[0].to, fleet_host(3));
  EXPECT_EQ(verdict.state, State::fail);
}

TEST(Judge, TwoHostsAreTooFewToTellALinkFromAnEnd) {
  Fleet fleet;
  fleet.hosts = 2;
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_EQ(verdict.state, State::unknown);
  EXPECT_THAT(of(verdict, 0).reason, HasSubstr("nothing to judge it by"));
  EXPECT_THAT(verdict.notes, testing::Contains(HasSubstr("too few to tell")));
}

TEST(Judge, ALateRankIsTheCulpritAndItsNeighboursAreNot) {
  Fleet fleet;
  auto report = report_of(fleet);
  for (int i = 0; i < 4; ++i) {
    auto& record = report.records.emplace_back();
    record.operation = "all_reduce";
    record.group = {"world", 0, {0, 1, 2, 3}};
    auto& arrival = record.arrival.emplace();
    arrival.iterations = 20;
    arrival.lateness = 5e-4;
    arrival.lateness_error = 1e-5;
    arrival.last_rank = 2;
    arrival.last_host = fleet_host(2);
    arrival.last_share = 1;
  }
  auto const verdict = judge(report, {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(2)));
  EXPECT_THAT(of(verdict, 2).reason, HasSubstr("arrives late"));
  EXPECT_EQ(of(verdict, 2).relative, State::fail);
  EXPECT_THAT(of(verdict, 1).evidence, IsEmpty());
  JudgeOptions lenient;
  lenient.thresholds.late = 1e-3;
  EXPECT_EQ(of(judge(report, lenient), 2).state, State::warn);
}

TEST(Judge, ASlowProcessorExplainsSlowMessages) {
  Fleet fleet;
  fleet.devices = false;
  fleet.slow_gemm = {{1, 2}};
  fleet.slow_network = {{1, 3}};
  auto const verdict = judge(report_of(fleet), {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(1)));
  EXPECT_THAT(of(verdict, 1).reason, HasSubstr("gemm"));
  for (auto const& evidence : of(verdict, 1).evidence) EXPECT_NE(evidence.judgement, "network");
  EXPECT_THAT(verdict.notes, testing::Contains(HasSubstr("follows from a slow processor")));
}

TEST(Judge, WrongResultsFailWhateverTheirSpeed) {
  auto report = report_of({});
  report.records[0].status = Status::wrong;
  report.records[0].reason = "3 of 9 elements wrong";
  report.records[0].verification.wrong_rank = report.records[0].group.ranks[0];
  auto const verdict = judge(report, {});
  EXPECT_THAT(hosts_in(verdict, State::fail), ElementsAre(fleet_host(0)));
  EXPECT_THAT(of(verdict, 0).reason, HasSubstr("3 of 9 elements wrong"));
}

TEST(Judge, MemoryErrorsFailAndThrottlingIsNotJudged) {
  auto report = report_of({});
  for (auto& record : report.records) {
    if (record.group.ranks == std::vector<std::int64_t>{1}) record.conditions.emplace().invalid = {"ecc"};
    if (record.group.ranks == std::vector<std::int64_t>{2}) record.conditions.emplace().invalid = {"throttled"};
  }
  auto const verdict = judge(report, {});
  EXPECT_EQ(of(verdict, 1).state, State::fail);
  EXPECT_EQ(of(verdict, 2).state, State::unknown) << "not enough data is never a pass";
  EXPECT_THAT(of(verdict, 2).reason, HasSubstr("throttled"));
  EXPECT_THAT(verdict.notes, testing::Contains(HasSubstr("throttled, not judged: " + fleet_host(2))));
}

TEST(Judge, ALostHostIsUnknown) {
  auto report = report_of({});
  report.run.complete = false;
  report.run.incomplete_reason = "stopped by a signal";
  report.lost.push_back({3, fleet_host(3), "fell silent in step 7 (collectives all_reduce)"});
  auto const verdict = judge(report, {});
  EXPECT_THAT(hosts_in(verdict, State::unknown), ElementsAre(fleet_host(3)));
  EXPECT_EQ(hosts_in(verdict, State::pass).size(), 3U);
  EXPECT_THAT(of(verdict, 3).reason, HasSubstr("fell silent"));
}

TEST(Judge, FloorsAreForTheBestOfAPlace) {
  Spec spec;
  spec.name = "mine";
  spec.models = {"NVIDIA H200"};
  auto& floor = spec.floors.emplace_back();
  floor.what = "gemm bf16";
  floor.probe = "gemm";
  floor.labels = {{"dtype", "bf16"}};
  floor.unit = Unit::flop_per_second;
  floor.least = 700e12;
  floor.source = "a table";
  JudgeOptions options;
  options.specs = {spec};
  Fleet fleet;
  fleet.hosts = 2;
  fleet.links = false;
  fleet.slow_gemm = {{1, 1.3}};
  auto const verdict = judge(report_of(fleet), options);
  EXPECT_EQ(of(verdict, 0).state, State::pass);
  EXPECT_EQ(of(verdict, 1).state, State::fail);
  EXPECT_EQ(of(verdict, 1).absolute, State::fail);
  EXPECT_EQ(of(verdict, 1).relative, State::unknown) << "two are no fleet";
  EXPECT_THAT(of(verdict, 1).reason, HasSubstr("the floor is 700 TFLOP/s (a table)"));
}

std::vector<Past> past_from(Report const& report) {
  std::vector<Past> past;
  auto const all = measurements(report);
  for (auto const& value : all.values) {
    auto const& place = all.places[value.place];
    past.push_back({all.metrics[value.metric].name, place.host, place.local_rank, place.device_uuid, {value.value}});
  }
  return past;
}

TEST(Judge, ItsOwnPast) {
  Fleet fleet;
  fleet.hosts = 2;
  JudgeOptions options;
  options.past = past_from(report_of(fleet));
  options.baseline = "yesterday";
  fleet.seed = 2;
  EXPECT_EQ(judge(report_of(fleet), options).state, State::pass);
  fleet.slow_memory = {{0, 1.2}};
  auto const verdict = judge(report_of(fleet), options);
  EXPECT_EQ(of(verdict, 0).state, State::fail);
  EXPECT_EQ(of(verdict, 0).historical, State::fail);
  EXPECT_EQ(of(verdict, 1).historical, State::pass);
}

Report with_second_look(Fleet const& first, Fleet const& second) {
  auto report = make_report(first);
  for (auto& record : make_report(second).records) {
    record.second_look = true;
    report.records.push_back(std::move(record));
  }
  return report;
}

TEST(Judge, ASuspectThatRecoversIsFlakyWithBothFigures) {
  Fleet slow, well;
  slow.slow_gemm = {{2, 1.4}};
  well.seed = 2;
  auto const verdict = judge(with_second_look(slow, well), {});
  EXPECT_EQ(of(verdict, 2).state, State::warn);
  EXPECT_TRUE(of(verdict, 2).flaky);
  EXPECT_THAT(of(verdict, 2).reason, HasSubstr("second look: gemm bf16"));
  EXPECT_EQ(of(verdict, 2).relative, State::warn);
  slow.seed = 3;
  Fleet const first{};
  EXPECT_EQ(judge(with_second_look(first, slow), {}).state, State::pass) << "only a first look accuses";
  EXPECT_EQ(of(judge(with_second_look(slow, slow), {}), 2).state, State::fail);
}

TEST(Judge, SuspectsAreWorstFirst) {
  Fleet fleet;
  fleet.hosts = 8;
  fleet.slow_gemm = {{5, 1.04}, {6, 1.3}};
  fleet.noise = 1e-3;
  EXPECT_THAT(suspects(report_of(fleet), {}, false), ElementsAre(fleet_host(6), fleet_host(5)));
  EXPECT_THAT(suspects(report_of(fleet), {}, true), IsEmpty());
  fleet.slow_network = {{1, 3}};
  EXPECT_THAT(suspects(report_of(fleet), {}, true), ElementsAre(fleet_host(1)));
}

TEST(Judge, SaysWhatItJudgedBy) {
  auto const verdict = judge(report_of({}), {});
  EXPECT_THAT(verdict.thresholds, HasSubstr("6 robust sigmas and 5 %"));
  EXPECT_THAT(verdict.thresholds, Not(HasSubstr("inf")));
}

} // namespace
} // namespace maru
