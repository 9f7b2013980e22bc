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

} // namespace
} // namespace maru
