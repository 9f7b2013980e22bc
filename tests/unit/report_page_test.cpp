// SPDX-License-Identifier: Apache-2.0
#include "analysis/ceilings.hpp"
#include "analysis/judge.hpp"
#include "analysis/link_map.hpp"
#include "exporters/html/json_writer.hpp"
#include "exporters/html/render.hpp"
#include "tests/unit/comma_locale.hpp"
#include "tests/unit/fleet.hpp"
#include "tests/unit/sample_report.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace maru {
namespace {

Page page_of(Report report, PageLimits const& limits = {}) {
  report.links = link_maps(report);
  return make_page({report, judge(report, {})}, limits);
}

PageQuestion const& question_of(Page const& page, std::string_view operation) {
  auto const found = std::find_if(page.questions.begin(), page.questions.end(),
                                  [&](PageQuestion const& question) { return question.operation == operation; });
  EXPECT_NE(found, page.questions.end()) << operation;
  return *found;
}

PageFigure const& figure_of(PageQuestion const& question, std::string_view name) {
  auto const found = std::find_if(question.figures.begin(), question.figures.end(),
                                  [&](PageFigure const& figure) { return figure.name == name; });
  EXPECT_NE(found, question.figures.end()) << name;
  return *found;
}

/// The data between the tags of the page, read by another's reader.
nlohmann::json data_of(std::string const& html) {
  std::string_view const before = "<script type=\"application/json\" id=\"data\">";
  auto const begin = html.find(before) + before.size();
  return nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

std::size_t count_in(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

Record& add(Report& report, std::int64_t rank, double seconds) {
  auto& record = report.records.emplace_back();
  record.probe = "gemm";
  record.operation = "gemm";
  record.labels = {{"m", std::int64_t{64}}};
  record.group = {"rank", rank, {rank}};
  record.cost.flops = 1e9;
  record.time.emplace().median = seconds;
  return record;
}

Report four_ranks() {
  Report report;
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    report.ranks.emplace_back().rank = rank;
    report.ranks.back().host = rank < 2 ? "a" : "b";
    add(report, rank, 1 + 0.25 * static_cast<double>(rank));
  }
  report.hosts.resize(2);
  report.hosts[0].name = "a";
  report.hosts[1].name = "b";
  return report;
}

TEST(ReportPage, AFigureIsSummedUpOverItsGroups) {
  auto const page = page_of(four_ranks());
  ASSERT_EQ(page.questions.size(), 1U);
  auto const& time = figure_of(page.questions[0], "duration");
  EXPECT_DOUBLE_EQ(time.median, 1.375);
  EXPECT_EQ(time.spread[0], 1);
  EXPECT_EQ(time.spread[3], 1.75);
  EXPECT_EQ(time.spread[4], 4);
  EXPECT_FALSE(time.ci) << "four groups make no interval of 95 %";
  EXPECT_EQ(time.worst_rank, 3);
  EXPECT_EQ(time.worst_host, "b");
  EXPECT_EQ(time.by_host, (std::vector<double>{1.25, 1.75})) << "of a host its worst group";
  auto const& rate = figure_of(page.questions[0], "flops");
  EXPECT_EQ(rate.worst_rank, 3);
  EXPECT_EQ(rate.by_host, (std::vector<double>{1e9 / 1.25, 1e9 / 1.75}));
}

TEST(ReportPage, OneGroupHasItsOwnInterval) {
  Report report = four_ranks();
  report.records.resize(1);
  report.records[0].time->median_ci = Interval{0.9, 1.2};
  auto const page = page_of(report);
  auto const& time = figure_of(page.questions[0], "duration");
  ASSERT_TRUE(time.ci);
  EXPECT_EQ(time.ci->low, 0.9);
  EXPECT_EQ(time.worst_rank, -1) << "there is nobody to compare with";
  EXPECT_TRUE(std::isnan(time.by_host[1])) << "the other host has no value";
}

TEST(ReportPage, DoubtfulFiguresAreLeftOutAndTheirConditionsAreNot) {
  Report report = four_ranks();
  auto& hot = report.records[1];
  hot.conditions.emplace().invalid = {"throttled"};
  hot.conditions->devices = 2;
  hot.conditions->sm_clock = 1e9;
  hot.conditions->power = 900;
  auto const page = page_of(report);
  auto const& question = page.questions[0];
  EXPECT_EQ(figure_of(question, "duration").spread[4], 3);
  EXPECT_EQ(question.doubts, (std::vector<std::pair<std::string, std::size_t>>{{"throttled", 1}}));
  EXPECT_FALSE(question.doubtful);
  EXPECT_EQ(figure_of(question, "sm_clock").median, 1e9);
  EXPECT_EQ(figure_of(question, "power").median, 450) << "of one device";
}

TEST(ReportPage, SecondLooksAreNoFiguresOfTheFleet) {
  Report report = four_ranks();
  add(report, 3, 99).second_look = true;
  EXPECT_EQ(figure_of(page_of(report).questions[0], "duration").spread[3], 1.75);
}

TEST(ReportPage, AFloorStandsWithItsQuestion) {
  auto const report = four_ranks();
  auto const page = make_page({report, judge(report, {}), {{page_key(report.records[0]), "flops", 5e8, "a spec"}}});
  ASSERT_TRUE(page.questions[0].expected);
  EXPECT_EQ(page.questions[0].expected->least, 5e8);
  EXPECT_EQ(page.questions[0].expected->source, "a spec");
}

TEST(ReportPage, LateRanksByHowOftenTheyAreNamed) {
  auto const page = page_of(sample_report());
  ASSERT_FALSE(page.late.empty());
  EXPECT_EQ(page.late[0].rank, 3);
  EXPECT_EQ(page.late[0].host, "node-b");
  EXPECT_DOUBLE_EQ(page.late[0].lateness, 3.125e-4);
  EXPECT_GT(page.arrivals, page.late[0].records);
}

TEST(ReportPage, WhateverTheNumberOfRanksThePageStaysSmall) {
  Fleet const fleet{.hosts = 3000, .ranks_per_host = 8, .slow_gemm = {{77, 1.4}}, .slow_network = {{1234, 5.0}}};
  auto const page = page_of(make_report(fleet));
  EXPECT_EQ(page.host_count, 3000U);
  EXPECT_LE(page.hosts.size(), PageLimits().hosts);
  auto const has = [&](std::size_t number) {
    return std::any_of(page.hosts.begin(), page.hosts.end(),
                       [&](PageHost const& host) { return host.name == fleet_host(number); });
  };
  EXPECT_TRUE(has(77) && has(1234)) << "those that fail are among them";
  EXPECT_TRUE(std::is_sorted(page.hosts.begin(), page.hosts.end(),
                             [](PageHost const& a, PageHost const& b) { return a.name < b.name; }));
  EXPECT_NE(std::find(page.left_out.begin(), page.left_out.end(), "hosts 1024 3000"), page.left_out.end());
  for (auto const& map : page.links) {
    EXPECT_LE(map.rows.size(), PageLimits().link_rows);
    EXPECT_LE(map.cells.size(), PageLimits().link_rows * PageLimits().link_rows);
  }
  EXPECT_LT(render_page({{page}, {"run"}}).size(), 8e6);
}

TEST(ReportPage, ABlockOfLinksShowsItsWorst) {
  auto const page = page_of(make_report({.hosts = 200, .slow_links = {{{20, 150}, 9.0}, {{150, 20}, 9.0}}}));
  auto const map = std::find_if(page.links.begin(), page.links.end(),
                                [](PageLinkMap const& one) { return one.figure == "bandwidth"; });
  ASSERT_NE(map, page.links.end());
  EXPECT_EQ(map->nodes, 200U);
  EXPECT_EQ(map->rows.size(), 40U);
  EXPECT_EQ(map->hosts[4].front(), fleet_host(20));
  EXPECT_EQ(map->hosts[4].size(), 5U);
  for (auto const& cell : map->cells) EXPECT_EQ(cell.value, cell.value);
}

TEST(ReportPage, FewerHostsWhereThereAreMoreQuestions) {
  PageLimits limits;
  limits.host_values = 700;
  limits.least_hosts = 10;
  auto const page = page_of(make_report({.hosts = 400, .links = false, .slow_gemm = {{399, 2.0}}}), limits);
  std::size_t figures = 0;
  for (auto const& question : page.questions) figures += question.figures.size();
  EXPECT_EQ(page.hosts.size(), 700 / figures);
  EXPECT_EQ(page.hosts.back().name, fleet_host(399)) << "the one that fails";
  // The others come from all of the fleet, not from its beginning.
  EXPECT_GT(page.hosts[page.hosts.size() / 2].name, fleet_host(150));
}

TEST(ReportPage, SaysWhatIsLeftOut) {
  PageLimits limits;
  limits.questions = 2;
  auto const page = page_of(sample_report(), limits);
  EXPECT_EQ(page.questions.size(), 2U);
  EXPECT_TRUE(std::any_of(page.left_out.begin(), page.left_out.end(),
                          [](std::string const& line) { return line.starts_with("questions 2 "); }));
}

TEST(ReportPage, IsOneFileThatLoadsNothing) {
  auto const html = render_page({{page_of(sample_report())}, {"run"}});
  EXPECT_TRUE(is_page(html));
  EXPECT_EQ(count_in(html, "<script"), 2U);
  EXPECT_EQ(count_in(html, "</script>"), 2U);
  EXPECT_EQ(count_in(html, "<style>"), 1U);
  EXPECT_EQ(count_in(html, " src="), 0U);
  EXPECT_NE(html.find("content=\"default-src 'none'; script-src 'sha256-"), html.npos);
  EXPECT_NE(html.find("Permission to use, copy, modify"), html.npos) << "the libraries' licences travel with it";
  EXPECT_FALSE(is_page("<!DOCTYPE html>\n<html>"));
  EXPECT_FALSE(is_page(""));
}

TEST(ReportPage, HostileNamesStayText) {
  auto report = make_report({.hosts = 4, .links = false, .slow_gemm = {{0, 3.0}}});
  std::string const evil = "</script><script>alert(1)</script><!--\"'&\u2028\x01\xff";
  for (auto& rank : report.ranks)
    if (rank.host == fleet_host(0)) rank.host = evil;
  report.hosts[0].name = evil;
  report.run.plan = evil;
  report.findings.push_back({evil, evil, evil});
  report.cut.push_back({evil, evil, {{evil, evil}}, evil});
  report.lost.push_back({0, evil, evil});
  for (auto& record : report.records) record.backend = evil;
  auto const html = render_page({{page_of(report)}, {evil}});
  EXPECT_EQ(count_in(html, "<script"), 2U);
  EXPECT_EQ(count_in(html, "</script"), 2U);
  EXPECT_EQ(count_in(html, "<!--"), 1U) << "our own first line";
  EXPECT_EQ(html.find('\xff'), html.npos);
  auto const data = data_of(html);
  auto const name = data["pages"][0]["hosts"][0]["name"].get<std::string>();
  EXPECT_TRUE(name.starts_with("</script><script>alert(1)</script><!--\"'&")) << name;
}

TEST(ReportPage, TheDataAreWhatWasMeasuredUnderEveryLocale) {
  auto const page = page_of(sample_report());
  auto const html = render_page({{page}, {"run"}, std::nullopt, "ko"});
  auto const data = data_of(html);
  EXPECT_EQ(data["lang"], "ko");
  EXPECT_EQ(data["pages"][0]["run"]["ranks"], 4);
  auto const& all = data["pages"][0]["questions"];
  ASSERT_EQ(all.size(), page.questions.size());
  auto const& shown = question_of(page, "triad");
  auto const found = std::find_if(all.begin(), all.end(), [](auto const& one) { return one["operation"] == "triad"; });
  EXPECT_DOUBLE_EQ((*found)["figures"][0]["median"].get<double>(), figure_of(shown, "duration").median);
  EXPECT_EQ((*found)["failed"], 1);
  CommaLocale const comma;
  EXPECT_EQ(render_page({{page}, {"run"}, std::nullopt, "ko"}), html);
}

TEST(ReportPage, NumbersThatAreNoneAreNull) {
  JsonWriter out;
  out.begin('[').number(no_value).number(1.0 / 3).number(1.0 / 3, 2).number(1e300 * 1e300).end(']');
  EXPECT_EQ(out.take(), "[null,0.333333,0.33,null]");
  EXPECT_EQ(html_text("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot; ");
}

} // namespace
} // namespace maru
