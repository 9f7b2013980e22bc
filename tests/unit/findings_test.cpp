// SPDX-License-Identifier: Apache-2.0
#include "analysis/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Record coupled(std::optional<std::int64_t> late) {
  Record record;
  record.operation = "all_reduce";
  record.group = {.kind = "world", .index = 0, .ranks = {0, 1, 2, 3}};
  record.arrival = Arrival{.iterations = 20,
                           .lateness = 3e-4,
                           .lateness_error = 1e-6,
                           .last_rank = late,
                           .last_host = late ? "h2" : "",
                           .last_share = 0.95};
  return record;
}

TEST(Findings, NoneInAnEmptyReport) { EXPECT_THAT(find({}), IsEmpty()); }

TEST(Findings, ALateRankWithItsEvidence) {
  Report report;
  for (int i = 0; i < 4; ++i) report.records.push_back(coupled(2));
  report.records.push_back(coupled(std::nullopt));
  auto const findings = find(report);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kind, "late_rank");
  EXPECT_EQ(findings[0].text,
            "rank 2 on h2 arrives last in 95 % of 80 iterations (4 of 5 records), 300.0 us late (± 1.0 us)");
}

TEST(Findings, OneDisturbedCaseNamesNobody) {
  Report report;
  report.records = {coupled(2), coupled(std::nullopt), coupled(std::nullopt)};
  EXPECT_THAT(find(report), IsEmpty());
}

TEST(Findings, CasesTooLongToMindALateRankAcquitNobody) {
  Report report;
  report.records = {coupled(2)};
  for (int i = 0; i < 8; ++i) {
    report.records.push_back(coupled(std::nullopt));
    report.records.back().arrival->transfer = 17e-3; // 300 us are less than 5 % of it
  }
  EXPECT_EQ(find(report).size(), 1U);
}

TEST(Findings, WrongResultsComeFirst) {
  Report report;
  report.records = {coupled(2), Record{}};
  report.records[1].status = Status::wrong;
  report.records[1].reason = "3 of 9 elements wrong";
  auto const findings = find(report);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].kind, "wrong_result");
  EXPECT_THAT(findings[0].text, HasSubstr("3 of 9 elements wrong"));
}

TEST(Findings, ARehearsalMakesNobodyLate) {
  Report report;
  for (int i = 0; i < 4; ++i) report.records.push_back(coupled(2));
  for (auto& record : report.records) record.rehearsal = true;
  auto const findings = find(report);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kind, "rehearsal");
  EXPECT_EQ(findings[0].severity, "note");
  EXPECT_THAT(findings[0].text, HasSubstr("4 of 4 records"));
}

/// Two ranks with a device each.
Report devices() {
  Report report;
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    auto& info = report.ranks.emplace_back();
    info.rank = rank;
    info.host = "h1";
    info.device = "NVIDIA H200";
    info.device_uuid = rank ? "GPU-b" : "GPU-a";
  }
  return report;
}

Record& add_gemm(Report& report, std::vector<std::int64_t> ranks) {
  auto& record = report.records.emplace_back();
  record.operation = "gemm";
  record.labels = {{"dtype", "bf16"}};
  record.group.ranks = std::move(ranks);
  record.time.emplace();
  return record;
}

Conditions invalid(std::vector<std::string> words, std::string detail) {
  Conditions seen;
  seen.devices = 1;
  seen.invalid = std::move(words);
  seen.detail = std::move(detail);
  return seen;
}

std::vector<std::string> texts(Report const& report) {
  std::vector<std::string> result;
  for (auto const& finding : find(report))
    result.push_back(finding.kind + ", " + finding.severity + ": " + finding.text);
  return result;
}

TEST(Findings, AnInvalidRecordNamesItsDevice) {
  auto report = devices();
  for (int i = 0; i < 3; ++i) add_gemm(report, {1}).conditions = invalid({"throttled"}, "GPU-b: hw_thermal");
  add_gemm(report, {0}).conditions = Conditions{};
  EXPECT_THAT(texts(report), testing::ElementsAre("throttled, warning: rank 1 on h1 (GPU-b): throttled in 3 records; "
                                                  "first: gemm dtype=bf16: hw_thermal"));
}

// The detail tells of the first word only, so it convicts nobody of the others.
TEST(Findings, OfAGroupOnlyTheDeviceThatTheDetailNames) {
  auto report = devices();
  add_gemm(report, {0, 1}).conditions = invalid({"contended", "ecc"}, "GPU-b: 2 processes compute on the device");
  EXPECT_THAT(texts(report),
              testing::ElementsAre("contended, warning: rank 1 on h1 (GPU-b): contended in 1 record; first: gemm "
                                   "dtype=bf16: 2 processes compute on the device",
                                   "ecc, failure: ranks 0-1 on h1: ecc in 1 record; first: gemm dtype=bf16"));
}

TEST(Findings, AnInvalidRehearsalIsARehearsal) {
  auto report = devices();
  auto& record = add_gemm(report, {0});
  record.conditions = invalid({"contended"}, "GPU-a: 2 processes");
  record.trace.emplace().cost = 0.5;
  record.trace->disagreement = 0.5;
  record.rehearsal = true;
  EXPECT_THAT(texts(report), testing::ElementsAre(HasSubstr("rehearsal, note")));
}

TEST(Findings, ARateAboveItsCeilingIsDisbelieved) {
  auto report = devices();
  add_gemm(report, {0}).ceiling.emplace().of_issue = 1.015;
  EXPECT_THAT(texts(report), IsEmpty());
  add_gemm(report, {1}).ceiling.emplace().of_issue = 1.03;
  EXPECT_THAT(texts(report),
              testing::ElementsAre("above_ceiling, warning: 1 record faster than the ceiling, so one of both is wrong; "
                                   "worst: rank 1 on h1 (GPU-b): gemm dtype=bf16: 103.0 % of the rate of tensor "
                                   "instructions alone"));
  auto& ceiling = report.records[1].ceiling.emplace();
  ceiling.of_datasheet = 1.06;
  ceiling.clock_share = 1.05; // above the datasheet's clock
  EXPECT_THAT(texts(report), IsEmpty());
  report.records[1].ceiling->clock_share = 1;
  EXPECT_THAT(texts(report), testing::ElementsAre(HasSubstr("106.0 % of the datasheet's rate at that clock")));
  report.records[1].conditions = invalid({"throttled"}, "GPU-b: hw_thermal"); // its clock is an average over two
  EXPECT_THAT(texts(report), testing::ElementsAre(HasSubstr("throttled, warning")));
}

// nccl-tests' bus factor is that of a ring; a switch that adds up carries less.
TEST(Findings, ACollectiveMayBeatItsLink) {
  auto report = devices();
  auto& record = add_gemm(report, {0, 1});
  record.operation = "all_reduce";
  record.ceiling.emplace().of_datasheet = 1.07;
  EXPECT_THAT(texts(report), IsEmpty());
  record.labels.set("space", "device");
  EXPECT_THAT(texts(report), testing::ElementsAre(HasSubstr("107.0 % of the datasheet's bandwidth")));
}

Trace& trace_of(Record& record, double cost) {
  auto& trace = record.trace.emplace();
  trace.source = "CUPTI 13.0.1";
  trace.cost = cost;
  return trace;
}

TEST(Findings, ATracerThatDisagreesOrCosts) {
  auto report = devices();
  for (double const off : {0.019, -0.021, 0.001}) {
    trace_of(add_gemm(report, {0}), 0.0099).disagreement = off;
  }
  EXPECT_THAT(texts(report), testing::ElementsAre("timing_disagreement, warning: 1 record in which CUPTI 13.0.1 and "
                                                  "the timing disagree by more than 2 %; worst: rank 0 on h1 (GPU-a): "
                                                  "gemm dtype=bf16: -2.1 %"));
  trace_of(report.records[1], 0.03).cost_ci = Interval{-0.01, 0.05};
  EXPECT_THAT(texts(report), IsEmpty());
  report.records[1].trace->cost_ci = Interval{0.01, 0.05};
  EXPECT_THAT(texts(report), testing::ElementsAre("trace_cost, note: CUPTI 13.0.1 costs more than 1 % in 1 of 3 "
                                                  "records; worst: gemm dtype=bf16: 3.0 % (1.0 to 5.0 %)"));
}

TEST(Findings, ASearchNamesItsBestShape) {
  Report report;
  auto const add = [&](std::int64_t rank, std::int64_t m, double seconds) -> Record& {
    auto& record = report.records.emplace_back();
    record.probe = "gemm_peak";
    record.operation = "gemm";
    record.backend = "cublaslt";
    record.labels = {{"dtype", std::string("bf16")}, {"m", m}};
    record.group.ranks = {rank};
    record.cost.flops = 1e12;
    record.time.emplace().median = seconds;
    return record;
  };
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    add(rank, 4096, 0.005);
    add(rank, 8192, rank == 0 ? 0.002 : 0.0025);
  }
  add(0, 16384, 0.001).rehearsal = true;
  EXPECT_THAT(texts(report), testing::Contains("gemm_peak, note: bf16 on cublaslt: 450.00 TFLOP/s, ranks 400.00 to "
                                               "500.00 at dtype=bf16 m=8192, the best of 2 shapes"));
}

TEST(Findings, AModelWithoutDatasheetIsNamedOnce) {
  auto report = devices();
  for (auto& rank : report.ranks) rank.device = "NVIDIA H200 MIG 1g.18gb";
  EXPECT_THAT(texts(report), testing::ElementsAre(HasSubstr("no_peak, note: NVIDIA H200 MIG 1g.18gb is not in")));
}

} // namespace
} // namespace maru
