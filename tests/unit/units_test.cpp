// SPDX-License-Identifier: Apache-2.0
#include "core/units.hpp"

#include "core/error.hpp"
#include "tests/unit/comma_locale.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace maru {
namespace {

template <class Parse> void expect_refused(Parse parse, std::initializer_list<char const*> texts) {
  for (std::string_view const text : texts) {
    try {
      parse(text);
      ADD_FAILURE() << "'" << text << "' was taken";
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), Exit::usage);
      EXPECT_TRUE(std::string_view(error.what()).starts_with("-b: ")) << error.what();
    }
  }
}

TEST(ParseBytes, TakesWhatNcclTestsTakes) {
  struct Known {
    char const* text;
    std::uint64_t bytes;
  };
  for (auto const& [text, bytes] :
       {Known{"0", 0}, Known{"8", 8}, Known{"8B", 8}, Known{"4K", 4096}, Known{"4k", 4096}, Known{"4KB", 4096},
        Known{"4KiB", 4096}, Known{"128M", 134217728}, Known{"1G", 1073741824}, Known{"2T", 2199023255552},
        Known{"1.5K", 1536}, Known{"0.5G", 536870912}, Known{"1e3", 1000}, Known{"1.9", 1}, Known{"1m", 1048576}})
    EXPECT_EQ(parse_bytes(text, "-b"), bytes) << text;
}

TEST(ParseRate, IsDecimal) {
  for (auto const& [text, rate] :
       {std::pair{"700T", 700e12}, {"48G", 48e9}, {"2.5e9", 2.5e9}, {"0.2G", 0.2e9}, {"1k", 1e3}})
    EXPECT_DOUBLE_EQ(parse_rate(text, "-b"), rate) << text;
  expect_refused([](auto text) { return parse_rate(text, "-b"); },
                 {"", "T", "0", "-1T", "1K", "1GB", "1 G", "nan", "inf", "1e30", "fast"});
}

TEST(ParseBytes, RefusesTheRest) {
  expect_refused([](auto text) { return parse_bytes(text, "-b"); },
                 {"",    " ",    "K",     "B",   "-1",  "-4K",  "4X",       "4KK",  "4 K", " 4", "4K ",
                  "4bB", "0x10", "1e400", "nan", "inf", "1e19", "9999999T", "1,5K", "+4",  "4i", "four"});
}

TEST(ParseDuration, TakesUnits) {
  struct Known {
    char const* text;
    double seconds;
  };
  for (auto const& [text, seconds] :
       {Known{"300us", 3e-4}, Known{"20ms", 0.02}, Known{"60s", 60}, Known{"60", 60}, Known{"5m", 300},
        Known{"5min", 300}, Known{"1h", 3600}, Known{"0.5s", 0.5}, Known{"1e-3", 1e-3}})
    EXPECT_DOUBLE_EQ(parse_duration(text, "-b"), seconds) << text;
}

TEST(ParseDuration, RefusesTheRest) {
  expect_refused(
      [](auto text) { return parse_duration(text, "-b"); },
      {"", "s", "0", "0s", "-1s", "1d", "1 s", "1S", "nan", "inf", "1e10", "1e999", "1:30", "5m30s", "1,5s"});
}

TEST(ParseInteger, HoldsTheRange) {
  EXPECT_EQ(parse_integer("0", "-b", 0, 9), 0);
  EXPECT_EQ(parse_integer("9", "-b", 0, 9), 9);
  EXPECT_EQ(parse_integer("-9", "-b", -9, 9), -9);
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(parse_integer("9223372036854775807", "-b", 0, most), most);
  expect_refused([](auto text) { return parse_integer(text, "-b", 0, 9); },
                 {"", "-1", "10", "1.0", "1e0", "0x1", "+1", " 1", "1 ", "9223372036854775808", "one"});
}

TEST(ParseNumber, TakesDecimals) {
  EXPECT_EQ(parse_number("2", "-b"), 2);
  EXPECT_EQ(parse_number("-0.25", "-b"), -0.25);
  expect_refused([](auto text) { return parse_number(text, "-b"); },
                 {"", "x", "1x", "1,5", "nan", "inf", "1e999", "1 "});
}

TEST(Parse, IsNotMovedByALocale) {
  CommaLocale const locale;
  EXPECT_EQ(parse_bytes("1.5K", "-b"), 1536U);
  EXPECT_EQ(parse_number("0.25", "-b"), 0.25);
  EXPECT_EQ(parse_duration("0.5s", "-b"), 0.5);
  EXPECT_THROW(parse_number("0,25", "-b"), Error);
}

TEST(UnitName, IsOpenMetricsWord) {
  EXPECT_EQ(unit_name(Unit::none), "");
  EXPECT_EQ(unit_name(Unit::second), "seconds");
  EXPECT_EQ(unit_name(Unit::byte_per_second), "bytes_per_second");
}

} // namespace
} // namespace maru
