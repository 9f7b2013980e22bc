// SPDX-License-Identifier: Apache-2.0
// The gemm check must be able to fail: every fault put into a right product is found, at small and at large shapes.
#include "kernels/gemm/check.hpp"
#include "kernels/gemm/naive.hpp"
#include "kernels/random.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <vector>

namespace maru {
namespace {

template <class Input, class Output> struct Types {
  using In = Input;
  using Out = Output;
};

template <class T> class GemmCheck : public testing::Test {
protected:
  using In = typename T::In;
  using Out = typename T::Out;

  void multiply(std::int64_t m, std::int64_t n, std::int64_t k) {
    shape_ = {.m = m, .n = n, .k = k};
    a_.resize(static_cast<std::size_t>(m * k));
    b_.resize(static_cast<std::size_t>(k * n));
    c_.resize(static_cast<std::size_t>(m * n));
    fill_random(std::span(a_), 11);
    fill_random(std::span(b_), 12);
    naive_gemm(shape_, a_.data(), b_.data(), c_.data());
  }
  Verification check() const { return check_product(Product<In, Out>{shape_, a_.data(), b_.data(), c_.data()}, 13); }
  Out& at(std::int64_t i, std::int64_t j) { return c_[static_cast<std::size_t>(i * shape_.n + j)]; }

  /// Replaces one element, and expects the check to name it and nothing else.
  void expect_found(std::int64_t i, std::int64_t j, Out fault) {
    Out const right = std::exchange(at(i, j), fault);
    auto const verification = check();
    EXPECT_EQ(verification.wrong, 1U) << i << "," << j;
    EXPECT_GT(verification.max_error, 1);
    EXPECT_TRUE(std::isfinite(verification.max_error));
    EXPECT_TRUE(verification.detail.starts_with("C[" + std::to_string(i) + "," + std::to_string(j) + "] is "))
        << verification.detail;
    at(i, j) = right;
  }
  /// A hundredth of an element's usual size; one for integers.
  Out slightly_off(std::int64_t i, std::int64_t j) {
    if constexpr (std::is_integral_v<Out>)
      return at(i, j) + 1;
    else
      return at(i, j) + static_cast<Out>(0.01 * std::sqrt(static_cast<double>(shape_.k)) / 3);
  }

  Gemm shape_;
  std::vector<In> a_, b_;
  std::vector<Out> c_;
};

using AllTypes =
    testing::Types<Types<double, double>, Types<float, float>, Types<Bf16, float>, Types<std::int8_t, std::int32_t>>;
TYPED_TEST_SUITE(GemmCheck, AllTypes);

struct Shape {
  std::int64_t m, n, k;
};
constexpr Shape small_shapes[]{{1, 1, 1}, {1, 7, 3}, {5, 1, 9}, {6, 5, 31}};
constexpr Shape large_shapes[]{{257, 263, 301}, {4099, 4097, 1}, {3, 2049, 4099}, {2051, 1, 8193}, {1, 4099, 4111}};

TYPED_TEST(GemmCheck, AcceptsTheRightProductAndCountsItsElements) {
  for (auto const& shapes : {std::span<Shape const>(small_shapes), std::span<Shape const>(large_shapes)})
    for (auto const [m, n, k] : shapes) {
      this->multiply(m, n, k);
      auto const verification = this->check();
      EXPECT_TRUE(verification.checked);
      EXPECT_EQ(verification.elements, static_cast<std::uint64_t>(m * n));
      EXPECT_EQ(verification.wrong, 0U) << verification.detail;
      EXPECT_LE(verification.max_error, 1);
      EXPECT_EQ(verification.method, static_cast<double>(m * n * k) <= naive_limit ? "naive" : "freivalds+naive");
    }
}

TYPED_TEST(GemmCheck, FindsOneWrongElementAnywhereInSmallProducts) {
  for (auto const [m, n, k] : small_shapes) {
    this->multiply(m, n, k);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        this->expect_found(i, j, this->slightly_off(i, j));
        this->expect_found(i, j, poison<typename TypeParam::Out>());
      }
  }
}

TYPED_TEST(GemmCheck, FindsOneWrongElementAnywhereInLargeProducts) {
  for (auto const [m, n, k] : large_shapes) {
    this->multiply(m, n, k);
    for (std::uint64_t s = 0; s < 6; ++s) {
      auto const i = s == 0 ? m - 1 : static_cast<std::int64_t>(random_bits(s, 0) >> 1) % m;
      auto const j = s == 1 ? n - 1 : static_cast<std::int64_t>(random_bits(s, 1) >> 1) % n;
      this->expect_found(i, j, this->slightly_off(i, j));
      this->expect_found(i, j, poison<typename TypeParam::Out>());
    }
  }
}

TYPED_TEST(GemmCheck, FindsInfinity) {
  if constexpr (!std::is_integral_v<typename TypeParam::Out>) {
    for (auto const [m, n, k] : {small_shapes[3], large_shapes[0]}) {
      this->multiply(m, n, k);
      this->expect_found(m / 2, n / 2, std::numeric_limits<typename TypeParam::Out>::infinity());
    }
  }
}

TYPED_TEST(GemmCheck, FindsAnUntouchedOutput) {
  for (auto const [m, n, k] : {small_shapes[3], large_shapes[0]}) {
    this->multiply(m, n, k);
    std::ranges::fill(this->c_, poison<typename TypeParam::Out>());
    auto const verification = this->check();
    EXPECT_GE(verification.wrong, static_cast<std::uint64_t>(m)); // at least once a row
    EXPECT_EQ(verification.elements, static_cast<std::uint64_t>(m * n));
  }
}

TYPED_TEST(GemmCheck, FindsTwoSwappedRowsAndColumns) {
  for (auto const [m, n, k] : {small_shapes[3], large_shapes[0]}) {
    this->multiply(m, n, k);
    for (std::int64_t j = 0; j < n; ++j) std::swap(this->at(1, j), this->at(3, j));
    EXPECT_GE(this->check().wrong, 2U);
    this->multiply(m, n, k);
    for (std::int64_t i = 0; i < m; ++i) std::swap(this->at(i, 0), this->at(i, 2));
    EXPECT_GE(this->check().wrong, static_cast<std::uint64_t>(m) / 2);
  }
}

/// A unit that computes in less than it claims: f32 asked, bf16 inside.
TEST(GemmCheckPrecision, FindsAProductOfTruncatedInputs) {
  for (auto const [m, n, k] : {small_shapes[3], large_shapes[0]}) {
    Gemm const shape{.m = m, .n = n, .k = k};
    std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)),
        c(static_cast<std::size_t>(m * n));
    fill_random(std::span(a), 1);
    fill_random(std::span(b), 2);
    auto coarse = a;
    for (auto& value : coarse) value = Bf16::truncate(value).widen();
    naive_gemm(shape, coarse.data(), b.data(), c.data());
    EXPECT_GT(check_product(Product<float, float>{shape, a.data(), b.data(), c.data()}, 3).wrong,
              static_cast<std::uint64_t>(m) / 2);
  }
}

} // namespace
} // namespace maru
