// SPDX-License-Identifier: Apache-2.0
// What the readers of each format rely on.
#include "exporters/exporter.hpp"
#include "exporters/text.hpp"
#include "tests/unit/lines.hpp"
#include "tests/unit/sample_report.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace maru {
namespace {

std::string render(std::string_view format, Report const& report) { return find_exporter(format)->render(report); }

std::size_t words_in(std::string const& line) {
  std::istringstream stream(line);
  return static_cast<std::size_t>(std::distance(std::istream_iterator<std::string>(stream), {}));
}

// A reader of RFC 4180 as strict as its grammar.
std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string field;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      for (++i;; ++i) {
        if (i >= text.size()) throw std::runtime_error("open quote");
        if (text[i] != '"')
          field += text[i];
        else if (i + 1 < text.size() && text[i + 1] == '"')
          field += text[i++];
        else
          break;
      }
      ++i;
      if (i < text.size() && text[i] != ',' && text[i] != '\r') throw std::runtime_error("text after a quote");
    } else if (text[i] == ',' || text.substr(i, 2) == "\r\n") {
      rows.back().push_back(std::move(field));
      field.clear();
      if (text[i] == '\r') rows.emplace_back();
      i += text[i] == ',' ? 1 : 2;
    } else {
      if (text[i] == '\r' || text[i] == '\n') throw std::runtime_error("bare line break");
      field += text[i++];
    }
  }
  rows.pop_back();
  return rows;
}

TEST(Csv, HasOneRowPerRecordAndAsManyFieldsInEach) {
  auto const report = sample_report();
  auto const rows = parse_csv(render("csv", report));
  ASSERT_EQ(rows.size(), report.records.size() + 1);
  for (auto const& row : rows) EXPECT_EQ(row.size(), rows.front().size());
  EXPECT_EQ(std::set<std::string>(rows.front().begin(), rows.front().end()).size(), rows.front().size());
}

TEST(Csv, QuotesWhatIsHostileAndKeepsNumbersExact) {
  auto const report = sample_report();
  auto const rows = parse_csv(render("csv", report));
  auto const column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(rows[0].begin(), rows[0].end(), name) - rows[0].begin());
  };
  EXPECT_EQ(rows.back().at(column("label_note")),
            "a \"quote\", a comma,\na line, a back\\slash, \uFFFD\uFFFD bytes,  [31mred");
  EXPECT_EQ(std::stod(rows[1].at(column("median_seconds"))), report.records[0].time->median);
  EXPECT_EQ(rows[1].at(column("p99_seconds")), "");
  EXPECT_EQ(rows[1].at(column("label_m")), "1024");
  EXPECT_EQ(rows[1].at(column("host")), "node-a");
}

TEST(Csv, TellsWhatMustNotBeUsed) {
  auto const report = sample_report();
  auto const rows = parse_csv(render("csv", report));
  auto const column = [&](std::string_view name) {
    auto const found = std::find(rows[0].begin(), rows[0].end(), name);
    EXPECT_NE(found, rows[0].end()) << name;
    return static_cast<std::size_t>(found - rows[0].begin());
  };
  std::size_t invalid = 0;
  for (std::size_t i = 0; i < report.records.size(); ++i) {
    auto const& record = report.records[i];
    auto const& row = rows.at(i + 1);
    EXPECT_EQ(row.at(column("valid")), doubts(record).empty() ? "1" : "0");
    EXPECT_EQ(row.at(column("doubts")).empty(), doubts(record).empty());
    EXPECT_EQ(row.at(column("power_watts")).empty(), !record.conditions);
    EXPECT_EQ(row.at(column("of_datasheet_ratio")).empty(), !record.ceiling);
    if (record.ceiling) {
      EXPECT_EQ(std::stod(row.at(column("of_datasheet_ratio"))), *record.ceiling->of_datasheet);
    }
    invalid += row.at(column("valid")) == "0" ? 1 : 0;
  }
  EXPECT_EQ(invalid, 3U);
}

// What SuperBench and cluster-health-scanner cut out of a row: 13 words, time at 5 and 9.
TEST(NcclTests, RowsHaveThirteenColumns) {
  std::size_t rows = 0;
  for (auto const& line : lines_of(render("nccl-tests", sample_report()))) {
    if (line.empty() || line.starts_with("#")) continue;
    EXPECT_EQ(words_in(line), 13U) << line;
    ++rows;
  }
  EXPECT_EQ(rows, 13U);
}

// What parses this form takes each number for a measurement.
TEST(NcclTests, HasRehearsalsInCommentsOnly) {
  auto report = sample_report();
  for (auto& record : report.records)
    if (record.rehearsal) record.time->median = 0.123456;
  auto const text = render("nccl-tests", report);
  std::size_t found = 0;
  for (auto const& line : lines_of(text)) {
    if (line.find("123456") == line.npos) continue;
    ++found;
    EXPECT_TRUE(line.starts_with("# rehearsal at 1073741824 B, out-of-place: 123456.00 us")) << line;
  }
  EXPECT_EQ(found, 1U);
  EXPECT_NE(text.find("# invalid at 1073741824 B, out-of-place: throttled, clock_changed: GPU-"), text.npos);
}

TEST(NcclTests, AveragesOverBothPlaces) {
  auto const text = render("nccl-tests", sample_report());
  double sum = 0;
  for (auto const& record : sample_report().records)
    if (record.operation == "all_reduce" && record.backend == "mpi")
      for (auto const& figure : figures(record))
        if (figure.name == "bus_bandwidth") sum += figure.value / 6e9;
  auto const at = text.find("# Avg bus bandwidth    : ");
  ASSERT_NE(at, text.npos);
  EXPECT_NEAR(std::stod(text.substr(at + 25)), sum, 1e-4);
}

TEST(Text, WritesQuantities) {
  EXPECT_EQ(binary_size(8), "8");
  EXPECT_EQ(binary_size(1536), "1536");
  EXPECT_EQ(binary_size(65536), "64K");
  EXPECT_EQ(binary_size(3.0 * (1 << 30)), "3G");
  EXPECT_EQ(span_of_time(3.25), "3.2 s");
  EXPECT_EQ(span_of_time(725), "12 min 5 s");
  EXPECT_EQ(span_of_time(12000), "3 h 20 min");
  EXPECT_EQ(utc_time(1795320132.25), "2026-11-22 04:02:12 UTC");
  EXPECT_EQ(utc_time(-1), "");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(-INFINITY), "-Inf");
}

} // namespace
} // namespace maru
