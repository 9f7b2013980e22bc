// SPDX-License-Identifier: Apache-2.0
// What every format of a verdict must do, and what each is for.
#include "exporters/text.hpp"
#include "exporters/verdict_format.hpp"
#include "exporters/verdict_text.hpp"
#include "tests/unit/comma_locale.hpp"
#include "tests/unit/golden.hpp"
#include "tests/unit/lines.hpp"
#include "tests/unit/sample_verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace maru {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string render(char const* format, Verdict const& verdict) { return find_verdict_format(format)->render(verdict); }

class EveryVerdictFormat : public testing::TestWithParam<VerdictFormat const*> {
protected:
  std::string render(Verdict const& verdict) const { return GetParam()->render(verdict); }
};

TEST_P(EveryVerdictFormat, WritesTheGoldenFile) {
  expect_golden(std::string("tests/golden/verdict.") + GetParam()->name, render(sample_verdict()));
}

TEST_P(EveryVerdictFormat, WritesTheSameUnderACommaLocale) {
  auto const before = render(sample_verdict());
  CommaLocale const locale;
  EXPECT_EQ(render(sample_verdict()), before);
}

TEST_P(EveryVerdictFormat, WritesWholeLinesOfPlainText) {
  for (auto const& verdict : {Verdict{}, sample_verdict(), hostile_verdict(), large_verdict(3, 1)}) {
    auto const text = render(verdict);
    EXPECT_TRUE(text.empty() || text.back() == '\n');
    EXPECT_EQ(valid_utf8(text), text);
    for (auto const& line : lines_of(text)) EXPECT_EQ(one_line(line), line);
  }
}

TEST_P(EveryVerdictFormat, IsFoundByName) { EXPECT_EQ(find_verdict_format(GetParam()->name), GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, EveryVerdictFormat, testing::ValuesIn(verdict_formats().begin(), verdict_formats().end()),
                         [](auto const& item) { return std::string(item.param->name); });

TEST(VerdictFormats, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (auto const* format : verdict_formats()) EXPECT_TRUE(names.insert(format->name).second);
  EXPECT_EQ(find_verdict_format("no such"), nullptr);
}

struct Known {
  std::vector<State> hosts, links;
  char const* text;
};

TEST(Headline, IsTheAnswer) {
  using enum State;
  for (auto const& [hosts, links, text] : {
           Known{{pass}, {}, "1 node passes"},
           Known{{pass, pass, pass}, {}, "3 nodes pass"},
           Known{{pass, warn}, {}, "2 nodes pass, 1 with a warning: h1"},
           Known{{fail}, {}, "1 node fails: h0"},
           Known{{pass, fail, pass}, {}, "1 of 3 nodes fails: h1"},
           Known{{fail, fail}, {}, "all 2 nodes fail: h0, h1"},
           Known{{fail, fail, fail, fail, fail, fail, pass}, {}, "6 of 7 nodes fail: h0, h1, h2, h3 and 2 more"},
           Known{{fail, unknown, pass}, {}, "1 of 3 nodes fails: h0; 1 unknown: h1"},
           Known{{pass, pass, unknown, pass}, {}, "1 of 4 nodes unknown: h2"},
           Known{{unknown}, {}, "1 node unknown: h0"},
           Known{{unknown, unknown}, {}, "all 2 nodes unknown: h0, h1"},
           Known{{pass, pass}, {fail}, "no node fails; 1 link fails: h0 → h1"},
           Known{{pass, unknown}, {fail}, "no node fails; 1 of 2 nodes unknown: h1; 1 link fails: h0 → h1"},
           Known{{pass, fail}, {fail, fail}, "1 of 2 nodes fails: h1; 2 links fail: h0 → h1, h0 → h1"},
           Known{{pass, fail}, {fail, warn}, "1 of 2 nodes fails: h1; 1 link fails: h0 → h1"},
           Known{{pass, pass}, {warn}, "2 nodes pass; 1 link warns: h0 → h1"},
           Known{{pass, pass}, {unknown}, "2 nodes pass; 1 link unknown: h0 → h1"},
           Known{{}, {}, "no node was judged"},
       }) {
    Verdict verdict;
    verdict.state = pass;
    for (auto const state : hosts) {
      verdict.hosts.emplace_back();
      verdict.hosts.back().host = "h" + std::to_string(verdict.hosts.size() - 1);
      verdict.hosts.back().state = state;
      verdict.state = worse(verdict.state, state);
    }
    for (auto const state : links) {
      verdict.links.emplace_back();
      verdict.links.back().from = "h0";
      verdict.links.back().to = "h1";
      verdict.links.back().state = state;
      verdict.state = worse(verdict.state, state);
    }
    EXPECT_EQ(headline(verdict), text);
  }
}

TEST(Headline, IsNeverBetterThanTheWhole) {
  auto verdict = large_verdict(2, 0);
  EXPECT_EQ(headline(verdict), "2 nodes pass");
  verdict.state = State::unknown;
  EXPECT_EQ(headline(verdict), "2 nodes pass; the verdict is unknown");
  EXPECT_EQ(headline(Verdict{}), "no node was judged; the verdict is unknown");
}

TEST(VerdictTable, KeepsTo80ColumnsAndBeginsWithTheAnswer) {
  for (auto const& verdict : {Verdict{}, sample_verdict(), hostile_verdict(), large_verdict(30, 10)}) {
    auto const lines = lines_of(render("table", verdict));
    EXPECT_EQ(lines.front().substr(0, 12), headline(verdict).substr(0, 12));
    for (auto const& line : lines) EXPECT_LE(width(line), 80U) << line;
  }
}

TEST(VerdictTable, DoesNotGrowWithTheCluster) {
  EXPECT_LT(render("table", large_verdict(25000, 0)).size(), 300U);
  EXPECT_LT(lines_of(render("table", large_verdict(25000, 12000))).size(), 260U);
  EXPECT_THAT(render("table", large_verdict(25000, 12000)), StartsWith("12000 of 25000 nodes fail: node0, node1, "));
}

TEST(VerdictTable, SaysBothFiguresOfWhatIsFlaky) {
  auto const text = render("table", sample_verdict());
  EXPECT_THAT(text, HasSubstr("640 TFLOP/s"));
  EXPECT_THAT(text, HasSubstr("701 TFLOP/s"));
}

/// What a shell would run of the text, one command in an element.
std::vector<std::string> commands_of(std::string const& text) {
  std::vector<std::string> commands;
  for (auto const& line : lines_of(text))
    if (!line.empty() && line.front() != '#') commands.push_back(line);
  return commands;
}

TEST(SlurmVerdict, DrainsWhatFailsAndNothingElse) {
  auto const commands = commands_of(render("slurm", sample_verdict()));
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_THAT(commands[0], StartsWith("scontrol update nodename=h17 state=drain reason=\"maru: rank 140"));
  EXPECT_THAT(commands[1], StartsWith("scontrol update nodename=h44 state=drain reason="));
  EXPECT_TRUE(commands_of(render("slurm", large_verdict(9, 0))).empty());
}

TEST(SlurmVerdict, LetsNothingBecomeACommand) {
  auto const commands = commands_of(render("slurm", hostile_verdict()));
  ASSERT_EQ(commands.size(), 1U) << "only good.example_1 has a usable name";
  std::string_view line = commands.front();
  constexpr std::string_view head = "scontrol update nodename=good.example_1 state=drain reason=\"";
  ASSERT_THAT(commands.front(), StartsWith(std::string(head)));
  line.remove_prefix(head.size());
  EXPECT_EQ(line.find_first_of("\"\\$`!'"), line.size() - 1) << "the closing quote";
}

TEST(Hostfile, HoldsWhatPasses) {
  EXPECT_THAT(commands_of(render("hostfile", sample_verdict())), testing::ElementsAre("h1", "h2", "h9", "h90"));
  EXPECT_THAT(commands_of(render("hostfile", hostile_verdict())),
              testing::ElementsAre("good.example_1", "good.example_1"));
  EXPECT_EQ(render("hostfile", Verdict{}), "");
}

TEST(DrainList, HoldsWhatFails) {
  auto const lines = lines_of(render("drain", sample_verdict()));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], StartsWith("h17  rank 140"));
  EXPECT_THAT(lines[1], StartsWith("h44  "));
  for (auto const& line : commands_of(render("drain", hostile_verdict())))
    EXPECT_THAT(line, StartsWith("good.example_1  "));
  EXPECT_EQ(render("drain", large_verdict(9, 0)), "");
}

TEST(JsonVerdict, IsJsonAndHoldsEverything) {
  auto const tree = nlohmann::json::parse(render("json", sample_verdict()));
  EXPECT_EQ(tree.at("maru_verdict"), 1);
  EXPECT_EQ(tree.at("state"), "fail");
  EXPECT_EQ(tree.at("hosts").size(), 8U);
  EXPECT_EQ(tree.at("hosts")[3].at("evidence")[0].at("value"), 612e12);
  EXPECT_EQ(tree.at("links")[0].at("to"), "h2");
  EXPECT_EQ(nlohmann::json::parse(render("json", hostile_verdict())).at("hosts")[8].at("host"), "h1\nreboot");
}

std::size_t occurrences(std::string const& text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(JunitVerdict, CountsAndEscapes) {
  auto const sample = render("junit", sample_verdict());
  EXPECT_THAT(sample, HasSubstr("name=\"maru validate\" tests=\"10\" failures=\"3\" errors=\"2\""));
  EXPECT_EQ(occurrences(sample, "<failure "), 3U);
  EXPECT_EQ(occurrences(sample, "<error "), 2U);
  auto const hostile = render("junit", hostile_verdict());
  EXPECT_THAT(hostile, Not(HasSubstr("<b>")));
  EXPECT_THAT(hostile, Not(HasSubstr("]]>")));
  for (auto const* element : {"testcase", "failure", "error", "system-out", "testsuite"})
    EXPECT_EQ(occurrences(hostile, std::string("<") + element + ">") +
                  occurrences(hostile, std::string("<") + element + " "),
              occurrences(hostile, std::string("</") + element + ">"))
        << element;
}

TEST(JunitVerdict, IsNotGreenWithoutAVerdict) {
  EXPECT_THAT(render("junit", Verdict{}), HasSubstr("tests=\"1\" failures=\"0\" errors=\"1\""));
  EXPECT_THAT(render("junit", large_verdict(2, 0)), HasSubstr("tests=\"2\" failures=\"0\" errors=\"0\""));
}

TEST(PlainHost, IsWhatNobodyReadsAsAnythingElse) {
  for (auto const* name : {"h1", "node-17.example.org", "a_b", "9"}) EXPECT_TRUE(is_plain_host(name)) << name;
  for (auto const* name : {"", "-h", ".h", "_h", "h 1", "h;1", "h\n1", "h$1", "h/1", "hé", "h:1", "#h"})
    EXPECT_FALSE(is_plain_host(name)) << name;
}

} // namespace
} // namespace maru
