// SPDX-License-Identifier: Apache-2.0
// What every exporter must do, whatever it writes. A new row of the table is tested unasked.
#include "exporters/exporter.hpp"
#include "exporters/text.hpp"
#include "tests/unit/comma_locale.hpp"
#include "tests/unit/golden.hpp"
#include "tests/unit/lines.hpp"
#include "tests/unit/sample_report.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace maru {
namespace {

class EveryExporter : public testing::TestWithParam<Exporter const*> {
protected:
  std::string render(Report const& report) const { return GetParam()->render(report); }
  std::string_view name() const { return GetParam()->name; }
};

TEST_P(EveryExporter, WritesTheGoldenFile) {
  expect_golden("tests/golden/sample." + std::string(name()), render(sample_report()));
}

TEST_P(EveryExporter, WritesTheSameUnderACommaLocale) {
  auto const before = render(sample_report());
  CommaLocale const locale;
  EXPECT_EQ(render(sample_report()), before);
}

TEST_P(EveryExporter, EndsWithANewlineAlsoWithNothingToSay) {
  for (auto const& report : {Report{}, sample_report(), small_report()}) {
    auto const text = render(report);
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '\n');
  }
}

TEST_P(EveryExporter, WritesValidUtf8WithoutControlCodes) {
  for (auto const& report : {Report{}, sample_report()}) {
    auto const text = render(report);
    EXPECT_EQ(valid_utf8(text), text);
    for (char const c : text) {
      if (c == '\n' || (c == '\r' && name() == "csv")) continue;
      ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << "code " << static_cast<int>(c);
    }
  }
}

TEST_P(EveryExporter, TakesWhatNoRunWouldLeave) {
  auto report = sample_report();
  for (auto& record : report.records) {
    record.group.ranks.clear();
    if (record.time) record.time->median = 0;
    record.labels = {};
  }
  report.ranks.clear();
  report.run.started = -1e300;
  EXPECT_NO_THROW(render(report));
  report.records.resize(1);
  report.records.front().probe.assign(3000, 'x');
  report.records.front().operation.assign(3000, '\n');
  EXPECT_NO_THROW(render(report));
}

TEST_P(EveryExporter, IsFoundByName) { EXPECT_EQ(find_exporter(name()), GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, EveryExporter, testing::ValuesIn(exporters().begin(), exporters().end()),
                         [](auto const& item) {
                           std::string name = item.param->name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Exporters, HaveNamesAndFilesOfTheirOwn) {
  std::set<std::string> names, files;
  for (auto const* exporter : exporters()) {
    EXPECT_TRUE(names.insert(exporter->name).second);
    if (exporter->file) {
      EXPECT_TRUE(files.insert(exporter->file).second);
    }
  }
  EXPECT_EQ(find_exporter("no such"), nullptr);
}

TEST(Table, KeepsTo80Columns) {
  auto report = sample_report();
  auto const check = [&] {
    for (auto const& line : lines_of(find_exporter("table")->render(report))) EXPECT_LE(width(line), 80U) << line;
  };
  check();
  for (auto& rank : report.ranks) rank.host = std::string(70, 'h') + std::to_string(rank.rank);
  for (auto& record : report.records) {
    if (record.time) record.time->median *= 1e6;
    record.backend = "a-backend-of-a-rather-long-name";
    if (record.arrival) record.arrival->last_host = std::string(90, 'h');
  }
  report.run.plan = std::string(200, 'p');
  check();
}

TEST(Table, SaysFirstWhatIsWrong) {
  auto const lines = lines_of(find_exporter("table")->render(sample_report()));
  auto const says = [&](std::size_t most, std::initializer_list<std::string_view> words) {
    return std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(most), [&](std::string const& line) {
      return std::all_of(words.begin(), words.end(), [&](auto word) { return line.find(word) != line.npos; });
    });
  };
  EXPECT_TRUE(says(1, {"maru 0.1.0", "quick", "4 ranks on 2 hosts", "INCOMPLETE"}));
  EXPECT_TRUE(says(12, {"WRONG", "rank 3", "node-b"}));
  EXPECT_TRUE(says(12, {"FAILED", "rank 2", "node-b"}));
  EXPECT_TRUE(says(12, {"LATE", "rank 3", "node-b"}));
}

// What only devices have shows itself where there are some, and takes no room where there are none.
TEST(Table, OfHostsHasNothingOfDevices) {
  auto report = sample_report();
  auto const of_device = [](Record const& record) { return record.conditions || record.ceiling || record.rehearsal; };
  report.records.erase(std::remove_if(report.records.begin(), report.records.end(), of_device), report.records.end());
  for (auto& rank : report.ranks) rank.device.clear();
  report.findings.clear();
  auto const text = find_exporter("table")->render(report);
  for (auto const* word : {"peak", "GHz", " W\n", "issue", "device", "!", "invalid", "rehears", "  by\n", "  in\n"})
    EXPECT_EQ(text.find(word), text.npos) << word;
  EXPECT_NE(text.find("  type  shape          backend   GFLOP/s     ±  fastest  slowest  rank\n"), text.npos);
  EXPECT_NE(text.find("  op     array  backend  GB/s     ±  host's sum  slowest  rank\n"), text.npos);
}

/// The line after the one that has all the words.
std::string line_after(std::vector<std::string> const& lines, std::initializer_list<std::string_view> words) {
  for (std::size_t i = 0; i + 1 < lines.size(); ++i)
    if (std::all_of(words.begin(), words.end(), [&](auto word) { return lines[i].find(word) != std::string::npos; }))
      return lines[i + 1];
  return {};
}

TEST(Table, SaysWhatMustNotBeUsedWhereItStands) {
  auto const lines = lines_of(find_exporter("table")->render(sample_report()));
  EXPECT_EQ(
      line_after(lines, {"1G", "out", "!4000", "!268.4"}).find("        └ THROTTLED+CLOCK_CHANGED, rank 3 on node-b"),
      0U);
  EXPECT_EQ(line_after(lines, {"1G", "out", "!500000", "!3.22"}).find("        └ REHEARSAL: "), 0U);
  EXPECT_EQ(line_after(lines, {"bf16", "cublaslt", " 787.3", "79.6%", "1.71"}).find("      └ THROTTLED+CLOCK_CHANGED"),
            0U);
}

TEST(Table, CountsASharedDeviceOnce) {
  auto report = sample_report();
  for (auto& rank : report.ranks) rank.device_uuid = rank.rank == 3 ? "GPU-b" : "GPU-a";
  EXPECT_NE(find_exporter("table")->render(report).find("; 2 × NVIDIA H200"), std::string::npos);
}

TEST(Table, LeavesTheInvalidOutOfTheOthersFigures) {
  auto report = sample_report();
  auto const rendered = [&] { return find_exporter("table")->render(report); };
  EXPECT_EQ(rendered().find("549.8"), std::string::npos); // rank 3's
  for (auto& record : report.records)
    if (record.backend == "cublaslt") record.conditions->invalid = {"throttled"};
  EXPECT_NE(rendered().find("!549.8"), std::string::npos);
  for (auto& record : report.records)
    if (record.conditions) record.conditions->invalid.clear();
  EXPECT_NE(rendered().find(" 549.8"), std::string::npos);
}

TEST(Table, OfOneDeviceHasEverythingOnOneLine) {
  auto report = sample_report();
  std::vector<Record> kept;
  for (auto const& record : report.records)
    if (record.group.ranks == std::vector<std::int64_t>{0} && record.conditions) kept.push_back(record);
  report.records = kept;
  auto const text = find_exporter("table")->render(report);
  EXPECT_NE(text.find("GHz    W  issue"), text.npos) << text;
  EXPECT_NE(text.find("1.71  690  92.3%  0.949"), text.npos) << text;
}

} // namespace
} // namespace maru
