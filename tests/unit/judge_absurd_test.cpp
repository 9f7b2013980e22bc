// SPDX-License-Identifier: Apache-2.0
// Reports whose numbers no machine could have given: whatever is said of them can be read.
#include "analysis/judge.hpp"
#include "exporters/verdict_format.hpp"
#include "tests/unit/fleet.hpp"

#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace maru {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

std::string all_text(Verdict const& verdict) {
  std::string text;
  for (auto const& host : verdict.hosts)
    for (auto const& evidence : host.evidence) text += evidence.text + "\n";
  for (auto const& link : verdict.links) text += link.text + "\n";
  for (auto const& note : verdict.notes) text += note + "\n";
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void expect_readable(Verdict const& verdict, std::string const& what) {
  auto const text = all_text(verdict);
  std::size_t digits = 0;
  for (char const c : text) {
    digits = is_digit(c) ? digits + 1 : 0;
    ASSERT_LE(digits, 12U) << what << ": " << text;
  }
  for (auto const* word : {"inf ", "nan", "inf%", "-inf"})
    EXPECT_EQ(text.find(word), text.npos) << what << ": " << text;
  for (auto const* format : verdict_formats()) {
    auto const rendered = format->render(verdict);
    if (std::string_view(format->name) == "json") {
      EXPECT_TRUE(nlohmann::json::accept(rendered)) << what;
    }
  }
}

/// A fleet in both looks, with late ranks, links between and within hosts.
Report whole_report() {
  Fleet fleet;
  fleet.hosts = 6;
  fleet.ranks_per_host = 2;
  fleet.devices = false;
  auto report = make_report(fleet);
  for (std::int64_t first = 0; first < 12; first += 2) {
    auto& record = report.records.emplace_back();
    record.probe = "links";
    record.operation = "send";
    record.backend = "mpi";
    record.group = {"local:0", 0, {first, first + 1}};
    record.cost.bytes = 1e9;
    record.time.emplace().median = 1e-2;
  }
  for (int i = 0; i < 4; ++i) {
    auto& record = report.records.emplace_back();
    record.group = {"world", 0, {0, 2, 4, 6}};
    auto& arrival = record.arrival.emplace();
    arrival.iterations = 20;
    arrival.lateness = 5e-4;
    arrival.last_rank = 2;
    arrival.last_host = fleet_host(1);
    arrival.last_share = 1;
  }
  auto const count = report.records.size();
  for (std::size_t i = 0; i < count; ++i) {
    report.records.push_back(report.records[i]);
    report.records.back().second_look = true;
  }
  return report;
}

TEST(JudgeAbsurd, NumbersOfAnySizeGiveReadableEvidence) {
  using Change = std::function<void(Record&, double)>;
  std::vector<std::pair<char const*, Change>> const changes{
      {"median",
       [](Record& r, double v) {
         if (r.time) r.time->median = v;
       }},
      {"interval",
       [](Record& r, double v) {
         if (r.time) r.time->median_ci = Interval{v, v};
       }},
      {"cost",
       [](Record& r, double v) {
         for (auto* amount : {&r.cost.flops, &r.cost.bytes, &r.cost.bus_bytes})
           if (*amount > 0) *amount = v;
       }},
      {"arrival",
       [](Record& r, double v) {
         if (r.arrival) r.arrival->lateness = r.arrival->last_share = r.arrival->transfer = v;
       }},
  };
  for (auto const& [what, change] : changes)
    for (double const value : {1e308, 1.7e308, 1e300, 1e18, 1e-300, 5e-324, 0.0, -1e308})
      for (bool const half : {false, true}) { // of the ranks, so that the median is between two of them
        auto report = whole_report();
        for (auto& record : report.records)
          if (half ? record.group.ranks.front() >= 6 : record.group.ranks.front() == 2) change(record, value);
        auto const name = fmt::format("{} {} {}", what, value, half);
        EXPECT_NO_THROW(expect_readable(judge(report, {}), name)) << name;
      }
}

TEST(JudgeAbsurd, LatenessIsNotToldIn300Digits) {
  auto report = whole_report();
  for (auto& record : report.records)
    if (record.arrival) record.arrival->lateness = 1e308;
  auto const verdict = judge(report, {});
  EXPECT_EQ(verdict.hosts[1].state, State::fail);
  EXPECT_THAT(verdict.hosts[1].reason, HasSubstr("1.00e+308 s late"));
}

TEST(JudgeAbsurd, SigmasWithoutEndAreToldWithAnExponent) {
  Fleet fleet;
  fleet.hosts = 12;
  fleet.noise = 0;
  fleet.links = fleet.memory = false;
  fleet.gemm_sizes = 1;
  fleet.slow_gemm = {{3, 2}};
  auto report = make_report(fleet);
  for (auto& record : report.records) // a noise that no clock has
    if (record.group.ranks.front() % 2 == 0) record.time->median *= 1 + 4e-14;
  auto const verdict = judge(report, {});
  expect_readable(verdict, "sigma");
  EXPECT_THAT(verdict.hosts[3].reason, testing::ContainsRegex("e\\+1[0-9] sigma"));
}

TEST(JudgeAbsurd, ARecordWithoutAFiniteFigureIsNamedAndNotJudged) {
  Fleet fleet;
  fleet.hosts = 6;
  auto report = make_report(fleet);
  for (auto& record : report.records)
    if (record.operation == "gemm" && record.group.ranks.front() == 4) {
      record.cost.flops = 1e300;
      record.time->median = 1e-300;
    }
  auto const verdict = judge(report, {});
  EXPECT_EQ(verdict.hosts[4].state, State::unknown);
  EXPECT_THAT(verdict.hosts[4].reason, HasSubstr("no valid figure (without a positive, finite figure)"));
  EXPECT_THAT(verdict.notes, Contains(AllOf(HasSubstr("2 records without a positive, finite figure, not judged"),
                                            HasSubstr(fleet_host(4)))));
}

} // namespace
} // namespace maru
