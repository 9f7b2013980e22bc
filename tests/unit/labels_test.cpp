// SPDX-License-Identifier: Apache-2.0
#include "core/labels.hpp"

#include "tests/unit/comma_locale.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

TEST(Labels, KeepTheOrderInWhichTheyWereWritten) {
  Labels labels{{"dtype", "f32"}, {"m", std::int64_t{512}}};
  labels.set("noise", 0.05);
  labels.set("m", std::int64_t{1024});
  EXPECT_EQ(labels.line(), "dtype=f32 m=1024 noise=0.05");
  EXPECT_EQ(labels.entries().size(), 3U);
}

TEST(Labels, AreFoundByKey) {
  Labels const labels{{"m", std::int64_t{512}}};
  EXPECT_EQ(std::get<std::int64_t>(*labels.find("m")), 512);
  EXPECT_EQ(labels.find("n"), nullptr);
  EXPECT_EQ(labels.text("m"), "512");
  EXPECT_EQ(labels.text("n"), "");
}

TEST(Labels, DifferByKindOfValue) {
  EXPECT_NE((Labels{{"a", std::int64_t{1}}}), (Labels{{"a", 1.0}}));
  EXPECT_NE((Labels{{"a", std::int64_t{1}}, {"b", std::int64_t{2}}}),
            (Labels{{"b", std::int64_t{2}}, {"a", std::int64_t{1}}}));
}

TEST(Labels, AreNotMovedByALocale) {
  CommaLocale const locale;
  EXPECT_EQ((Labels{{"a", 1234.5}, {"b", std::int64_t{1234567}}}).line(), "a=1234.5 b=1234567");
}

TEST(Labels, ACopyThatIsChangedLeavesTheOther) {
  Labels const one{{"a", std::int64_t{1}}};
  auto other = one;
  EXPECT_EQ(&one.entries(), &other.entries());
  other.set("a", std::int64_t{2});
  EXPECT_EQ(one.line(), "a=1");
  EXPECT_EQ(other.line(), "a=2");
  EXPECT_EQ(Labels(), Labels({}));
}

} // namespace
} // namespace maru
