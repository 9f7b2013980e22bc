// SPDX-License-Identifier: Apache-2.0
// What every exporter must do, whatever it writes. A new row of the table is tested unasked.
#include "exporters/exporter.hpp"
#include "exporters/text.hpp"
#include "tests/unit/comma_locale.hpp"
#include "tests/unit/golden.hpp"
#include "tests/unit/sample_report.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace maru {
namespace {

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

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

} // namespace
} // namespace maru
