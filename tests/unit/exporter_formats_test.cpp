// SPDX-License-Identifier: Apache-2.0
// What the readers of each format rely on.
#include "exporters/exporter.hpp"
#include "exporters/openmetrics.hpp"
#include "exporters/text.hpp"
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

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

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

struct Exposition {
  std::map<std::string, int> headers; ///< how often each family begins
  std::set<std::string> series;
  std::size_t samples = 0;
};

Exposition parse_openmetrics(std::string const& text) {
  Exposition result;
  std::string family;
  auto const lines = lines_of(text);
  EXPECT_EQ(lines.back(), "# EOF");
  for (auto const& line : lines) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      ++result.headers[family];
    } else if (line.starts_with("# UNIT ")) {
      EXPECT_TRUE(family.ends_with("_" + line.substr(line.rfind(' ') + 1))) << line;
    } else if (!line.starts_with("#")) {
      EXPECT_TRUE(line.starts_with(family)) << line;
      auto const time = line.rfind(' '), value = line.rfind(' ', time - 1);
      EXPECT_TRUE(result.series.insert(line.substr(0, value)).second) << "twice: " << line;
      EXPECT_NEAR(std::stod(line.substr(time)), 1795320132, 60) << line;
      ++result.samples;
    }
  }
  return result;
}

TEST(OpenMetrics, NeverWritesASeriesTwice) {
  auto report = sample_report();
  auto const once = parse_openmetrics(render("openmetrics", report));
  for (auto const& [family, count] : once.headers) EXPECT_EQ(count, 1) << family;
  EXPECT_GT(once.samples, 100U);
  auto const records = report.records;
  report.records.insert(report.records.end(), records.begin(), records.end());
  EXPECT_EQ(parse_openmetrics(render("openmetrics", report)).samples, once.samples);
}

TEST(OpenMetrics, KeepsRunIdOffTheRecords) {
  for (auto const& series : parse_openmetrics(render("openmetrics", sample_report())).series)
    if (!series.starts_with("maru_run") && !series.starts_with("maru_records") && !series.starts_with("maru_cut")) {
      EXPECT_EQ(series.find("run_id"), series.npos) << series;
    }
}

// Whoever averages a family of figures must be able to leave out what is no measurement, and gets series of their own
// for it if he does not.
TEST(OpenMetrics, TellsWhatMustNotBeUsed) {
  auto report = sample_report();
  auto const all = parse_openmetrics(render("openmetrics", report)).series;
  auto const doubtful = [](std::string const& series) { return series.find(",doubt=\"") != series.npos; };
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](auto const& series) {
    return series.starts_with("maru_gemm_rate_flops_per_second{") &&
           series.find("doubt=\"throttled,clock_changed\"") != series.npos;
  }));
  for (auto& record : report.records) {
    record.rehearsal = false;
    if (record.conditions) record.conditions->invalid.clear();
  }
  auto const cleared = parse_openmetrics(render("openmetrics", report)).series;
  EXPECT_TRUE(std::none_of(cleared.begin(), cleared.end(), doubtful));
  for (auto const& series : all) {
    if (doubtful(series)) continue;
    EXPECT_TRUE(cleared.contains(series)) << series; // valid figures have the same labels either way
  }
  EXPECT_EQ(all.size(), cleared.size());
}

TEST(OpenMetrics, HasOneInfoPerDevice) {
  auto report = sample_report();
  report.ranks[1] = report.ranks[0];
  report.ranks[1].rank = 1; // a rehearsal: two ranks on one device
  auto const text = render("openmetrics", report);
  std::size_t infos = 0;
  for (auto const& line : lines_of(text)) infos += line.starts_with("maru_device_info{") ? 1 : 0;
  EXPECT_EQ(infos, 3U);
}

TEST(OpenMetrics, MakesLabelNamesFitAndUnique) {
  Series series;
  for (auto const* name : {"probe", "probe", "probe", "9 lives", "", "le", "quantile", "__name__", "größe"})
    add_label(series, name, "x");
  std::vector<std::string> names;
  for (auto const& [name, value] : series) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"probe", "label_probe", "label_probe_", "label_9_lives", "label_",
                                             "label_le", "label_quantile", "label___name__", "gr____e"}));
}

TEST(OpenMetrics, EscapesValuesAndHelp) {
  FamilyWriter family("x", "gauge", "", "a\nb\\c");
  family.sample({{"l", "q\" b\\ n\n e\x1b u\xff"}}, -0.5, 1.5);
  EXPECT_EQ(family.text(), "# TYPE x gauge\n# HELP x a\\nb\\\\c\nx{l=\"q\\\" b\\\\ n\\n e  u\uFFFD\"} -0.5 1.500\n");
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
