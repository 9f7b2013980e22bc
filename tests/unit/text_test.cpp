// SPDX-License-Identifier: Apache-2.0
// Text that comes from anywhere, and the words that are put around numbers that may be anything.
#include "core/phrases.hpp"
#include "core/text.hpp"
#include "exporters/grid.hpp"
#include "exporters/verdict_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace maru {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Text, CountsColumnsAsATerminalDoes) {
  EXPECT_EQ(width("±≤é"), 3U);
  EXPECT_EQ(width("서울-1"), 6U);
  EXPECT_EQ(width("東京 ＡＢ"), 9U);
  EXPECT_EQ(width("\U0001F3E0"), 2U);
  EXPECT_EQ(width("e\u0301"), 1U) << "an accent apart from its letter";
  EXPECT_EQ(width("\u1112\u1161\u11ab"), 2U) << "a Korean syllable in parts";
  EXPECT_EQ(width("→ · …"), 5U);
}

TEST(Text, WrapsAndClipsByColumn) {
  EXPECT_EQ(wrap("가나다 라마바사아", "- ", 8), "- 가나다\n  라마바\n  사아\n");
  EXPECT_EQ(wrap("가나", "", 1), "가\n나\n") << "no room is no reason never to end";
  EXPECT_EQ(wrap("", "x ", 10), "x \n");
  EXPECT_EQ(clip("가나다라", 5), "가나…");
  EXPECT_EQ(clip("가나다라", 4), "가…") << "half a letter is none";
  EXPECT_EQ(clip("가나다라", 8), "가나다라");
  EXPECT_EQ(clip("abc", 3), "abc");
  EXPECT_EQ(clip("e\u0301e\u0301e\u0301", 2), "e\u0301…");
}

TEST(Text, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "\uFFFD\uFFFD");           // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD"); // a surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("a\xe2\x82"), "a\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("마루 \U0001F3E0"), "마루 \U0001F3E0");
}

TEST(Text, LetsNoCodeThroughThatIsObeyedInsteadOfSeen) {
  EXPECT_EQ(one_line("a\tb\n\x7f\xc2\x9b\u2028z"), "a b    z");
  // An override of the direction shows "h1 fails" as "sliaf 1h".
  for (auto const* code : {"\u202e", "\u202a", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u200b", "\u2060",
                           "\ufeff", "\u00ad", "\U000E0041"})
    EXPECT_EQ(one_line(std::string("h1") + code + "x"), "h1 x");
  EXPECT_EQ(one_line("서울 \u0627\u0644\u0639\u0631\u0628"), "서울 \u0627\u0644\u0639\u0631\u0628")
      << "right-to-left letters are letters";
}

TEST(Text, ColumnsOfWideNamesStandUnderOneAnother) {
  Grid grid("  ", {{"node", false}, {"state", false}});
  grid.row({std::string("서울-1"), std::string("fail")});
  grid.row({std::string("h1"), std::string("pass")});
  EXPECT_EQ(grid.text(), "  node    state\n  서울-1  fail\n  h1      pass\n");
}

Verdict of_a_host(std::string const& name) {
  Verdict verdict;
  verdict.state = State::fail;
  auto& host = verdict.hosts.emplace_back();
  host.host = name;
  host.state = State::fail;
  host.reason = "slow " + name;
  return verdict;
}

TEST(Text, OfVerdictsHasNoOverrideInAnyFormat) {
  auto const verdict = of_a_host("h\u202e1\U000E0041");
  for (auto const* format : verdict_formats()) {
    auto const text = format->render(verdict);
    EXPECT_THAT(text, Not(HasSubstr("\u202e"))) << format->name;
    EXPECT_THAT(text, Not(HasSubstr("\U000E0041"))) << format->name;
  }
  auto const tree = nlohmann::json::parse(find_verdict_format("json")->render(verdict));
  EXPECT_EQ(tree.at("hosts")[0].at("host"), "h\u202e1\U000E0041") << "escaped, and not lost";
}

TEST(Text, OfAVerdictKeepsTo80ColumnsWithWideNames) {
  std::string name;
  for (int i = 0; i < 60; ++i) name += "서";
  std::istringstream lines(find_verdict_format("table")->render(of_a_host(name)));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width(line), 80U) << line;
}

TEST(Phrases, OfNumbersStayReadable) {
  constexpr double huge = 1e308, endless = std::numeric_limits<double>::infinity();
  EXPECT_EQ(fixed(12.345, 1), "12.3");
  EXPECT_EQ(fixed(-0.5, 2), "-0.50");
  EXPECT_EQ(fixed(123456789, 0), "123456789");
  EXPECT_EQ(fixed(huge, 1), "1.00e+308");
  EXPECT_EQ(fixed(endless, 1), "not a number");
  EXPECT_EQ(fixed(std::nan(""), 1), "not a number");
  EXPECT_EQ(figure_text(612e12, Unit::flop_per_second), "612 TFLOP/s");
  EXPECT_EQ(figure_text(12.3e-6, Unit::second), "12.3 us");
  EXPECT_EQ(figure_text(-12.3e-6, Unit::second), "-12.3 us");
  EXPECT_EQ(figure_text(huge, Unit::second), "1.00e+308 s");
  EXPECT_EQ(figure_text(huge, Unit::byte_per_second), "1.00e+308 B/s");
  EXPECT_EQ(figure_text(endless, Unit::byte_per_second), "not a number");
}

TEST(Phrases, OfLists) {
  EXPECT_EQ(counted(1, "host") + ", " + counted(0, "rank"), "1 host, 0 ranks");
  EXPECT_EQ(listed({"a", "b", "c", "d", "e"}), "a, b, c, d, e") << "\"and 1 more\" is no shorter";
  EXPECT_EQ(listed({"a", "b", "c", "d", "e", "f"}), "a, b, c, d and 2 more");
  EXPECT_EQ(listed({}), "");
}

} // namespace
} // namespace maru
