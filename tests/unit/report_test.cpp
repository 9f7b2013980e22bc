// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/report_io.hpp"
#include "tests/unit/comma_locale.hpp"
#include "tests/unit/golden.hpp"
#include "tests/unit/sample_report.hpp"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace maru {
namespace {

std::string text_of(Bytes const& bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }

TEST(ReportIo, ComesBackFromJson) {
  for (auto const& report : {Report{}, small_report(), sample_report()}) {
    auto const text = to_json(report);
    EXPECT_EQ(to_json(report_from_json(text, "t")), text);
  }
}

TEST(ReportIo, ComesBackFromCbor) {
  for (auto const& report : {Report{}, small_report(), sample_report()}) {
    auto const bytes = to_cbor(report);
    auto const back = report_from_cbor(bytes, "t");
    EXPECT_EQ(text_of(to_cbor(back)), text_of(bytes));
    EXPECT_EQ(to_json(back), to_json(report));
  }
}

TEST(ReportIo, KeepsWhatTellsLabelsApart) {
  auto report = small_report();
  report.records.front().labels = {
      {"whole", std::int64_t{2}}, {"real", 2.0}, {"text", "2"}, {"large", std::int64_t{1} << 62}};
  auto const back = report_from_json(to_json(report), "t");
  EXPECT_EQ(back.records.front().labels, report.records.front().labels);
  EXPECT_EQ(report_from_cbor(to_cbor(report), "t").records.front().labels, report.records.front().labels);
}

TEST(ReportIo, KeepsEveryBitOfANumber) {
  auto report = small_report();
  auto& timing = *report.records.front().time;
  for (double const value : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 1e-6 + 1e-22, -0.0}) {
    timing.median = value;
    EXPECT_EQ(report_from_json(to_json(report), "t").records.front().time->median, value);
    EXPECT_EQ(report_from_cbor(to_cbor(report), "t").records.front().time->median, value);
  }
}

TEST(ReportIo, ReadsAndWritesTheSameUnderACommaLocale) {
  auto const text = to_json(sample_report());
  CommaLocale const locale;
  EXPECT_EQ(to_json(sample_report()), text);
  EXPECT_EQ(to_json(report_from_json(text, "t")), text);
}

TEST(ReportIo, WritesRecordsOnOneLine) {
  for (auto const& record : sample_report().records) {
    auto const line = record_to_json_line(record);
    EXPECT_EQ(line.find('\n'), line.npos);
    EXPECT_EQ(record_to_json_line(record_from_json(line, "t")), line);
  }
}

TEST(ReportIo, ComesBackAsRecords) {
  auto const records = sample_report().records;
  auto const back = records_from_cbor(records_to_cbor(records), "t");
  ASSERT_EQ(back.size(), records.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    EXPECT_EQ(record_to_json_line(back[i]), record_to_json_line(records[i]));
}

TEST(ReportIo, RefusesToStoreWhatIsNotFinite) {
  auto report = small_report();
  report.records.front().time->mean = NAN;
  EXPECT_THROW(to_json(report), Error);
  EXPECT_THROW(to_cbor(report), Error);
}

TEST(ReportIo, FindsTheFileInAFolder) {
  auto const folder = testing::TempDir() + "maru_report_io." + std::to_string(::getpid());
  std::filesystem::remove_all(folder);
  make_writable_directory(folder);
  write_file(folder + "/report.json", to_json(small_report()));
  write_file(folder + "/other.cbor", text_of(to_cbor(small_report())));
  EXPECT_EQ(to_json(read_report(folder)), to_json(small_report()));
  EXPECT_EQ(to_json(read_report(folder + "/report.json")), to_json(small_report()));
  EXPECT_EQ(to_json(read_report(folder + "/other.cbor")), to_json(small_report()));
  EXPECT_THROW(read_report(folder + "/none"), Error);
  std::filesystem::remove_all(folder);
}

TEST(ReportIo, SchemaIsTheDocumentedOne) { expect_golden("docs/report.schema.json", report_schema()); }

TEST(Report, RanksAreWrittenAsRanges) {
  EXPECT_EQ(format_ranks({}), "");
  EXPECT_EQ(format_ranks({7}), "7");
  EXPECT_EQ(format_ranks({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(format_ranks({3, 2, 1}), "3,2,1");
  for (auto const& ranks : {std::vector<std::int64_t>{}, {0}, {0, 1, 2, 5}, {4, 2}, {0, 2, 4, 6}})
    EXPECT_EQ(parse_ranks(format_ranks(ranks)), ranks);
}

TEST(Report, RanksThatAreNoneAreRefused) {
  for (auto const* text : {"-", "1-", "-1", "2-1", ",", "1,", ",1", "1,,2", "a", "1-2-3", " 1", "1 ", "0-9999999999",
                           "99999999999999999999", "0-1048576,0-1048576"})
    EXPECT_THROW(parse_ranks(text), Error) << text;
}

TEST(Report, FiguresFollowTheCost) {
  Record record;
  EXPECT_TRUE(figures(record).empty());
  record.time.emplace().median = 2;
  record.time->median_ci = Interval{1, 4};
  EXPECT_EQ(figures(record).size(), 1U);
  record.cost.bytes = 8;
  auto bandwidth = figures(record).at(1);
  EXPECT_EQ(bandwidth.name, "bandwidth");
  EXPECT_EQ(bandwidth.value, 4);
  EXPECT_EQ(bandwidth.ci->low, 2);
  EXPECT_EQ(bandwidth.ci->high, 8);
  record.cost.bus_bytes = 12;
  EXPECT_EQ(figures(record).at(1).name, "algorithm_bandwidth");
  EXPECT_EQ(figures(record).at(2).value, 6);
  record.cost.flops = 1;
  EXPECT_EQ(figures(record).at(1).name, "flops");
  EXPECT_EQ(figures(record).size(), 2U);
  record.time->median = 0;
  EXPECT_EQ(figures(record).size(), 1U);
}

TEST(Report, KeysTellGroupsApartAndQuestionsDoNot) {
  auto record = small_report().records.front();
  auto other = record;
  other.group = {"world", 0, {0, 1, 2}};
  EXPECT_EQ(question(record), question(other));
  EXPECT_NE(key(record), key(other));
  other.labels.set("size_bytes", std::int64_t{4});
  EXPECT_NE(question(record), question(other));
}

} // namespace
} // namespace maru
