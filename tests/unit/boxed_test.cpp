// SPDX-License-Identifier: Apache-2.0
#include "core/boxed.hpp"

#include <gtest/gtest.h>
#include <string>

namespace maru {
namespace {

TEST(Boxed, CopiesAreDeep) {
  Boxed<std::string> one = std::string("x");
  auto other = one;
  *other += "y";
  EXPECT_EQ(*one, "x");
  EXPECT_EQ(*other, "xy");
  one = other;
  EXPECT_EQ(*one, "xy");
  EXPECT_NE(&*one, &*other);
}

TEST(Boxed, IsEmptyAsAnOptionalIs) {
  Boxed<std::string> empty;
  EXPECT_FALSE(empty);
  EXPECT_FALSE(Boxed<std::string>(empty).has_value());
  EXPECT_FALSE(Boxed<std::string>(std::optional<std::string>()));
  EXPECT_EQ(empty.emplace(3, 'a'), "aaa");
  auto const moved = std::move(empty);
  EXPECT_EQ(moved->size(), 3U);
  EXPECT_FALSE(empty); // NOLINT(bugprone-use-after-move): what is left is empty
  Boxed<std::string> reset = moved;
  reset.reset();
  EXPECT_FALSE(reset);
  EXPECT_LE(sizeof(Boxed<std::string>), sizeof(void*));
}

} // namespace
} // namespace maru
