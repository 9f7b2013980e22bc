// SPDX-License-Identifier: Apache-2.0
// Reports come from other machines and other people's disks. Whatever is in the file, a reader gives a Report or an
// Error of one short line; tests/fuzz/report_fuzz.cpp goes on where this ends.
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/report_io.hpp"
#include "tests/unit/sample_report.hpp"

#include <cctype>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

namespace maru {
namespace {

using Reader = std::function<Report(std::string const&)>;

Report read_json(std::string const& text) { return report_from_json(text, "r"); }
Report read_cbor(std::string const& text) { return report_from_cbor(std::as_bytes(std::span(text)), "r"); }
std::string small_json() { return to_json(small_report()); }
std::string small_cbor() {
  auto const bytes = to_cbor(small_report());
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// The error's line, or nothing where it was read after all. Anything else than maru::Error fails the test.
std::string fault_of(Reader const& read, std::string const& text) {
  try {
    read(text);
    return {};
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    std::string line = error.what();
    EXPECT_TRUE(line.starts_with("r: ")) << line;
    EXPECT_LT(line.size(), 400U);
    for (char const c : line) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << line;
    return line;
  }
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto const at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ReportReader, RefusesEveryCutReport) {
  auto const json = small_json(), cbor = small_cbor();
  for (std::size_t size = 0; size + 2 < json.size(); ++size) ASSERT_NE(fault_of(read_json, json.substr(0, size)), "");
  for (std::size_t size = 0; size < cbor.size(); ++size) ASSERT_NE(fault_of(read_cbor, cbor.substr(0, size)), "");
}

// One random change: a byte flipped, put in, taken out, or a piece of the text copied over another.
std::string mutated(std::string text, std::mt19937_64& random) {
  auto const at = [&] { return random() % text.size(); };
  switch (random() % 4) {
  case 0: text[at()] = static_cast<char>(random()); break;
  case 1: text.insert(at(), 1, "\"{}[],:-0129eE.\\\xff\x9b"[random() % 18]); break;
  case 2: text.erase(at(), 1 + random() % 8); break;
  default: {
    auto const piece = text.substr(at(), 1 + random() % 16);
    text.replace(at(), piece.size(), piece);
  }
  }
  return text;
}

TEST(ReportReader, SurvivesMutations) {
  std::mt19937_64 random(20261122);
  auto const json = small_json(), cbor = small_cbor();
  for (int i = 0; i < 10000; ++i) {
    auto text = json, bytes = cbor;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      text = mutated(text, random);
      bytes = mutated(bytes, random);
    }
    fault_of(read_json, text);
    fault_of(read_cbor, bytes);
  }
}

// Numbers, words, lists and objects in the place of every other value.
TEST(ReportReader, SurvivesEveryValueReplaced) {
  auto const json = nlohmann::ordered_json::parse(small_json()).dump(1); // a line for each value
  for (std::size_t at = json.find(": "); at != json.npos; at = json.find(": ", at + 1)) {
    auto const end = json.find('\n', at);
    bool const comma = json[end - 1] == ',';
    for (auto const* value : {"null", "true", "-1", "0.5", "1e308", "1e999", "18446744073709551616",
                              "9223372036854775808", "\"x\"", "[]", "[[]]", "{}", "{\"a\":1}"})
      fault_of(read_json, json.substr(0, at + 2) + value + (comma ? "," : "") + json.substr(end));
  }
}

TEST(ReportReader, NamesThePlaceAndTheFault) {
  auto const json = small_json();
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"started\":1795320132.25", "\"started\": \"now\"")),
            "r: run.started: expected a number");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"wrong\":0", "\"wrong\": -1")),
            "r: records[0].verification.wrong: expected a whole number, not negative");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"rank\":1", "\"rank\": 9223372036854775808")),
            "r: ranks[1].rank: expected a whole number of 63 bits");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"0-1\"", "\"1-0\"")),
            "r: records[0].group.ranks: expected ranks such as \"0-3,8\"");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"status\":\"ok\"", "\"status\": \"fine\"")),
            "r: records[0].status: expected one of the known words");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"plan_digest\"", "\"plan_di\"")), "r: run.plan_digest: missing");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"factor\":0.5", "\"fac\\u001btor\": null")),
            "r: records[0].labels.fac\\u001btor: expected a number or a string");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"maru_report\": 1", "\"maru_report\": 2")),
            "r: report format 2, this program reads 1");
}

TEST(ReportReader, RefusesWhatIsNoReport) {
  for (auto const* text :
       {"", " ", "\n", "[]", "{}", "null", "1", "\"x\"", "maru", "{\"maru_report\":null}", "{\"maru_report\":1}",
        "{\"maru_report\":1.0}", "{\"maru_report\":\"\\u001b[2J\"}", "{\"maru_report\":1}{}"})
    EXPECT_NE(fault_of(read_json, text), "") << text;
  for (auto const& text :
       {std::string(), std::string(1, '\0'), std::string("\xa0"), std::string("\xff"), std::string("\xf6")})
    EXPECT_NE(fault_of(read_cbor, text), "");
}

TEST(ReportReader, TakesUnknownKeysAndTheLastOfTwo) {
  auto const json = small_json();
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"run\": {", "\"later\": [{}], \"run\": {\"more\": null,")), "");
  auto const twice = replaced(json, "\"plan\":\"quick\"", "\"plan\": \"first\", \"plan\": \"last\"");
  EXPECT_EQ(read_json(twice).run.plan, "last");
}

TEST(ReportReader, TakesTheLastOfTwoLists) {
  auto const json = small_json();
  auto const host = json.find("\"hosts\": [");
  for (auto const* before :
       {"\"hosts\": [{\"name\": 1}],\n", "\"hosts\": [{}, 3],\n", "\"hosts\": 5,\n", "\"hosts\": {\"a\": [1]},\n"})
    EXPECT_EQ(to_json(read_json(std::string(json).insert(host, before))), json) << before;
  for (auto const* after : {"5", "{}", "\"x\"", "null"})
    EXPECT_EQ(fault_of(read_json, replaced(json, "\"cut\": [", fmt::format("\"hosts\": {},\n\"cut\": [", after))),
              "r: hosts: expected a list");
  EXPECT_EQ(fault_of(read_json, replaced(json, "\"run\": {", "\"run\": [{}],\n\"ran\": {")),
            "r: run: expected an object");
}

// What is wrong is told in one order, however the file is read: syntax, version, then the fields as they are listed.
TEST(ReportReader, TellsTheFirstOfManyFaults) {
  auto const bad =
      replaced(replaced(small_json(), "\"rank\":1", "\"rank\": -0.5"), "\"status\":\"ok\"", "\"status\": 1");
  EXPECT_EQ(fault_of(read_json, bad), "r: ranks[1].rank: expected a whole number of 63 bits");
  EXPECT_EQ(fault_of(read_json, replaced(bad, "\"plan\":", "\"pl\":")), "r: run.plan: missing");
  EXPECT_EQ(fault_of(read_json, replaced(bad, "\"maru_report\": 1", "\"maru_report\": 7")),
            "r: report format 7, this program reads 1");
  EXPECT_TRUE(fault_of(read_json, bad.substr(0, bad.size() - 3)).starts_with("r: not readable at byte"));
}

TEST(ReportReader, PassesOverListsThatItDoesNotKnow) {
  auto const json = small_json();
  std::string list = "\"later\": [";
  for (int i = 0; i < 100000; ++i) list += "[{\"a\": [1, \"x\"]}], ";
  EXPECT_EQ(to_json(read_json(replaced(json, "\"run\": {", list + "null],\n\"run\": {"))), json);
}

TEST(ReportReader, TakesTheLastOfTwoLabelsAtThePlaceOfTheFirst) {
  auto const text = replaced(small_json(), "\"factor\":0.5", "\"factor\": null, \"zeal\": 3, \"factor\": 0.25");
  auto const labels = read_json(text).records[0].labels;
  EXPECT_EQ(labels.text("factor"), "0.25");
  EXPECT_LT(labels.line().find("factor"), labels.line().find("zeal"));
}

TEST(ReportReader, KeepsLabelsOnce) {
  auto report = small_report();
  auto const record = report.records[0];
  report.records.push_back(record);
  report.records.push_back(record);
  report.records[1].labels.set("other", std::int64_t{1});
  auto const read = read_json(to_json(report));
  EXPECT_EQ(&read.records[0].labels.entries(), &read.records[2].labels.entries());
  EXPECT_NE(read.records[0].labels, read.records[1].labels);
}

TEST(ReportReader, KeepsWhatAVerdictRestsOn) {
  auto const file = testing::TempDir() + "maru_figures.json";
  auto report = small_report();
  write_file(file, to_json(report));
  auto const read = read_report(file, Keep::figures);
  std::filesystem::remove(file);
  for (auto& record : report.records) {
    EXPECT_FALSE(record.samples.seconds.empty());
    record.samples = {};
    record.spread.reset();
    record.trace.reset();
    record.ceiling.reset();
  }
  for (auto& map : report.links) map.nodes = {}, map.ranking = {}, map.links = {};
  EXPECT_EQ(to_json(read), to_json(report));
}

TEST(ReportReader, RefusesDeepNestingWithoutRecursing) {
  constexpr std::size_t depth = 1000000;
  EXPECT_EQ(fault_of(read_json, std::string(depth, '[')), "r: nested deeper than 32");
  EXPECT_EQ(fault_of(read_cbor, std::string(depth, '\x81')), "r: nested deeper than 32");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_NE(fault_of(read_json, objects), "");
  EXPECT_NE(fault_of(read_cbor, std::string(depth, '\x9f')), "");
}

TEST(ReportReader, DoesNotBelieveClaimedLengths) {
  for (auto const* head : {"\x9b", "\xbb", "\x7b", "\x5b"})
    for (auto const* length :
         {"\x7f\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xfe"})
      EXPECT_NE(fault_of(read_cbor, head + std::string(length) + "\x01\x02"), "");
  // As a value within a report: {"maru_report": 1, "records": [2^40 of them
  EXPECT_NE(fault_of(read_cbor, "\xa2\x6bmaru_report\x01\x67records\x9b" + std::string("\0\0\1\0\0\0\0\0", 8)), "");
}

TEST(ReportReader, RefusesWhatCborCanSayAndJsonCannot) {
  auto const cbor = small_cbor();
  double const started = small_report().run.started;
  std::string encoded(1, '\xfb');
  for (int shift = 56; shift >= 0; shift -= 8) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &started, sizeof bits);
    encoded += static_cast<char>(bits >> shift);
  }
  for (auto const& value :
       {std::string("\xf9\x7e\x00", 3), std::string("\xf9\x7c\x00", 3), std::string("\xf9\xfc\x00", 3),
        std::string("\xfb\x7f\xf8\0\0\0\0\0\0", 9), std::string("\xf7"), std::string("\x41x")})
    EXPECT_NE(fault_of(read_cbor, replaced(cbor, encoded, value)), "");
}

TEST(ReportReader, RefusesObjectsWithTooManyKeys) {
  std::string keys = "{\"maru_report\":1";
  for (int i = 0; i < 200000; ++i) keys += ",\"k" + std::to_string(i) + "\":0";
  EXPECT_EQ(fault_of(read_json, keys + "}"), "r: an object of over 256 keys");
}

TEST(ReportReader, RefusesMoreRanksThanMemoryHolds) {
  std::string list = "\"records\": [";
  auto const json = replaced(small_json(), "\"0-1\"", "\"0-1048575\"");
  auto const begin = json.find(list) + list.size(), end = json.find("\n],\n\"cut\"");
  std::string records;
  for (int i = 0; i < 80; ++i) records += (i ? "," : "") + json.substr(begin, end - begin);
  EXPECT_EQ(fault_of(read_json, json.substr(0, begin) + records + json.substr(end)),
            "r: records: expected fewer ranks in all");
}

TEST(ReportReader, ShortensLongText) {
  std::string text;
  text.resize(10000000, 'x');
  EXPECT_NE(fault_of(read_json, text), "");
  EXPECT_NE(fault_of(read_json, "\"" + text + "\""), "");
  EXPECT_NE(fault_of(read_json, "{\"maru_report\":\"" + text + "\"}"), "");
  EXPECT_NE(fault_of(read_json, replaced(small_json(), "\"factor\":0.5", "\"" + text + "\": null")), "");
  EXPECT_EQ(fault_of(read_json, replaced(small_json(), "\"quick\"", "\"" + text + "\"")), "");
}

TEST(ReportReader, RefusesTextThatIsNotUtf8) {
  for (auto const* bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xc3"})
    EXPECT_NE(fault_of(read_json, replaced(small_json(), "quick", bytes)), "");
}

} // namespace
} // namespace maru
