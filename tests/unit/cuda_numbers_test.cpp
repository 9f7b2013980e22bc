// SPDX-License-Identifier: Apache-2.0
// What the CUDA kernels and their verification calculate with, as far as it needs no toolkit.
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cublaslt_names.hpp"
#include "kernels/gemm/gemm_tolerance.hpp"
#include "kernels/minifloat.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace maru {
namespace {

Gemm gemm(Dtype in, Dtype out, std::int64_t k, std::int64_t mn = 1024) {
  return {.in = in, .out = out, .m = mn, .n = mn, .k = k};
}

TEST(MiniFloat, DecodesTheValuesOfItsSpecification) {
  EXPECT_EQ(decode(f8e4m3_format, 0x7E), 448); // Micikevicius et al. 2022, table 1
  EXPECT_EQ(decode(f8e4m3_format, 0x08), 0x1p-6);
  EXPECT_EQ(decode(f8e4m3_format, 0x07), 0.875 * 0x1p-6);
  EXPECT_EQ(decode(f8e4m3_format, 0x01), 0x1p-9);
  EXPECT_TRUE(std::isnan(decode(f8e4m3_format, 0xFF)));
  EXPECT_EQ(decode(f8e5m2_format, 0x7B), 57344);
  EXPECT_EQ(decode(f8e5m2_format, 0xFB), -57344);
  EXPECT_EQ(decode(f8e5m2_format, 0x04), 0x1p-14);
  EXPECT_EQ(decode(f8e5m2_format, 0x01), 0x1p-16);
  EXPECT_TRUE(std::isinf(decode(f8e5m2_format, 0x7C)));
  EXPECT_TRUE(std::isnan(decode(f8e5m2_format, 0x7D)));
  EXPECT_EQ(decode(f16_format, 0x3C00), 1);
  EXPECT_EQ(decode(f16_format, 0xFBFF), -65504);
  EXPECT_EQ(decode(f16_format, 0x0001), 0x1p-24);
}

TEST(MiniFloat, DecodesPairsOfFourBits) {
  std::vector<double> const magnitudes{0, 0.5, 1, 1.5, 2, 3, 4, 6}; // OCP Microscaling 1.0, section 5.3.3
  for (unsigned code = 0; code < 8; ++code) {
    EXPECT_EQ(decode(f4e2m1_format, code), magnitudes[code]);
    EXPECT_EQ(decode(f4e2m1_format, code | 8), -magnitudes[code]);
  }
  unsigned char const pairs[] = {0x71, 0x2A}; // 0.5 and 6, then -1 and 1
  EXPECT_EQ(decode(Dtype::nvf4, pairs, 0), 0.5);
  EXPECT_EQ(decode(Dtype::nvf4, pairs, 1), 6);
  EXPECT_EQ(decode(Dtype::nvf4, pairs, 2), -1);
  EXPECT_EQ(decode(Dtype::nvf4, pairs, 3), 1);
}

TEST(MiniFloat, DecodesWholeArrays) {
  double const f64[] = {1.5, -2.25};
  float const f32[] = {0.1F, -3};
  std::uint16_t const bf16[] = {0x3F80, 0xC040};
  std::int8_t const s8[] = {-63, 63};
  std::int32_t const s32[] = {1 << 30, -7};
  EXPECT_EQ(decode(Dtype::f64, f64, 1), -2.25);
  EXPECT_EQ(decode(Dtype::f32, f32, 0), static_cast<double>(0.1F));
  EXPECT_EQ(decode(Dtype::tf32, f32, 1), -3);
  EXPECT_EQ(decode(Dtype::bf16, bf16, 1), -3);
  EXPECT_EQ(decode(Dtype::s8, s8, 0), -63);
  EXPECT_EQ(decode(Dtype::s32, s32, 0), 1 << 30);
}

TEST(MiniFloat, DecodesBlockScales) {
  EXPECT_EQ(decode_scale(Dtype::mxf8, 127), 1);
  EXPECT_EQ(decode_scale(Dtype::mxf8, 126), 0.5);
  EXPECT_TRUE(std::isnan(decode_scale(Dtype::mxf8, 255)));
  EXPECT_EQ(decode_scale(Dtype::nvf4, 0x38), 1);
  EXPECT_EQ(decode_scale(Dtype::nvf4, 0x40), 2);
  EXPECT_EQ(decode_scale(Dtype::nvf4, 0x30), 0.5);
}

TEST(ScaleLayout, FollowsTheTilesOfTheLibrary) {
  ScaleLayout const layout(Dtype::mxf8, 300, 32 * 9); // 3 tiles of rows, 3 of blocks
  EXPECT_EQ(layout.bytes(), 3 * 3 * 512);
  EXPECT_EQ(layout.index(0, 0), 0);
  EXPECT_EQ(layout.index(0, 3), 3);
  EXPECT_EQ(layout.index(32, 0), 4);
  EXPECT_EQ(layout.index(96, 3), 15);
  EXPECT_EQ(layout.index(1, 0), 16);
  EXPECT_EQ(layout.index(127, 3), 511);
  EXPECT_EQ(layout.index(0, 4), 512);
  EXPECT_EQ(layout.index(128, 0), 3 * 512);
}

TEST(ScaleLayout, GivesEveryScaleAPlaceOfItsOwn) {
  for (auto const dtype : {Dtype::mxf8, Dtype::nvf4}) {
    std::int64_t const rows = 256, k = 12 * scale_block(dtype);
    ScaleLayout const layout(dtype, rows, k);
    std::set<std::int64_t> places;
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t block = 0; block < 12; ++block) places.insert(layout.index(row, block));
    EXPECT_EQ(places.size(), static_cast<std::size_t>(layout.bytes()));
    EXPECT_EQ(*places.begin(), 0);
    EXPECT_EQ(*places.rbegin(), layout.bytes() - 1);
  }
}

TEST(ScaleLayout, IsEmptyWithoutBlockScales) { EXPECT_EQ(ScaleLayout(Dtype::bf16, 300, 300).bytes(), 0); }

TEST(GemmTolerance, ExpectsTheSizeOfTheProduct) {
  // The mean square of the very values that matrices are filled with.
  double f32 = 0, s8 = 0, nvf4 = 0;
  constexpr int count = 100000;
  for (std::uint64_t i = 0; i < count; ++i) {
    f32 += std::pow(static_cast<double>(random_value<float>(5, i)), 2) / count;
    s8 += std::pow(static_cast<double>(random_value<std::int8_t>(5, i)), 2) / count;
  }
  for (unsigned code = 0; code < 16; ++code) nvf4 += std::pow(decode(f4e2m1_format, code), 2) / 16;
  EXPECT_NEAR(mean_square(Dtype::f32), f32, 0.01 * f32);
  EXPECT_NEAR(mean_square(Dtype::s8), s8, 0.01 * s8);
  double const scales = (0.25 + 1 + 4) / 3;
  EXPECT_DOUBLE_EQ(mean_square(Dtype::nvf4), scales * nvf4);
  EXPECT_DOUBLE_EQ(mean_square(Dtype::mxf8), scales / 3);
  EXPECT_DOUBLE_EQ(gemm_tolerance(gemm(Dtype::bf16, Dtype::f32, 900)).size, 10);
  EXPECT_DOUBLE_EQ(gemm_tolerance(gemm(Dtype::f8e5m2, Dtype::bf16, 900)).size, 20); // scales of 1/2 and 4
}

TEST(GemmTolerance, LeavesNoRoomForAWrongElement) {
  // A wrong tile, a shifted element, a swapped row: wrong by about the size of an element. A lost piece of 64 of 8192
  // terms: by a tenth of it in the root mean square.
  for (auto const& [in, out] : {std::pair{Dtype::f64, Dtype::f64},
                                {Dtype::f32, Dtype::f32},
                                {Dtype::tf32, Dtype::f32},
                                {Dtype::f16, Dtype::f16},
                                {Dtype::bf16, Dtype::bf16},
                                {Dtype::bf16, Dtype::f32},
                                {Dtype::f8e4m3, Dtype::bf16},
                                {Dtype::f8e5m2, Dtype::bf16},
                                {Dtype::mxf8, Dtype::bf16},
                                {Dtype::nvf4, Dtype::bf16}}) {
    auto const tolerance = gemm_tolerance(gemm(in, out, 8192));
    EXPECT_LT(tolerance.relative + tolerance.absolute / tolerance.size, 0.12) << name(in);
    EXPECT_LT(tolerance.norm, 0.5 * std::sqrt(64.0 / 8192)) << name(in);
    EXPECT_GT(tolerance.norm, 0.5 * tolerance.relative) << name(in);
  }
  EXPECT_LT(gemm_tolerance(gemm(Dtype::bf16, Dtype::f32, 8192)).absolute, 1e-3 * 30);
  auto const integers = gemm_tolerance(gemm(Dtype::s8, Dtype::s32, 8192));
  EXPECT_EQ(integers.relative + integers.absolute + integers.norm, 0);
}

/// A product in f32 added up one by one, as a plain kernel does, and as a tensor core does: in groups, cut off.
template <class Add> void expect_within(Gemm const& g, Add const& add) {
  auto const tolerance = gemm_tolerance(g);
  double squares = 0;
  for (std::uint64_t element = 0; element < static_cast<std::uint64_t>(g.m * g.n); ++element) {
    double exact = 0;
    float sum = 0;
    for (std::uint64_t l = 0; l < static_cast<std::uint64_t>(g.k); ++l) {
      auto const place = element * static_cast<std::uint64_t>(g.k) + l;
      float const a = random_value<Bf16>(1, place).widen(), b = random_value<Bf16>(2, place).widen();
      exact += static_cast<double>(a) * static_cast<double>(b);
      sum = add(sum, a * b);
    }
    double const error = std::abs(static_cast<double>(sum) - exact);
    squares += error * error;
    EXPECT_LE(error, tolerance.relative * std::abs(exact) + tolerance.absolute) << element;
  }
  double const norm = std::sqrt(squares / static_cast<double>(g.m * g.n)) / tolerance.size;
  EXPECT_LE(norm, tolerance.norm);
  EXPECT_GE(norm, tolerance.norm / 100) << "the tolerance says nothing";
}

TEST(GemmTolerance, AdmitsSumsRoundedToNearest) {
  expect_within(gemm(Dtype::f32, Dtype::f32, 4096, 16), [](float sum, float term) { return sum + term; });
}

TEST(GemmTolerance, AdmitsSumsThatAreCutOff) {
  // Towards zero after each term: worse than any tensor core, which does so once for 4 or more.
  int calls = 0;
  double group = 0;
  expect_within(gemm(Dtype::bf16, Dtype::f32, 4096, 16), [&](float sum, float term) {
    group += static_cast<double>(term);
    if (++calls % 4 != 0) return sum;
    double const whole = static_cast<double>(sum) + group;
    group = 0;
    auto const rounded = static_cast<float>(whole);
    return std::abs(static_cast<double>(rounded)) > std::abs(whole) ? std::nextafter(rounded, 0.0F) : rounded;
  });
}

TEST(GemmTolerance, AdmitsSumsOfFourteenBits) {
  // Groups of 32 products and the sum so far, all cut off below 2^-13 of the largest's power of two.
  auto const g = gemm(Dtype::f8e4m3, Dtype::bf16, 8192, 32);
  auto const tolerance = gemm_tolerance(g);
  double const scales = static_cast<double>(f8_scale_a * f8_scale_b);
  double squares = 0;
  for (std::uint64_t element = 0; element < 1024; ++element) {
    double exact = 0, sum = 0;
    for (std::uint64_t group = 0; group < 8192 / 32; ++group) {
      std::array<double, 33> terms{};
      for (std::uint64_t l = 0; l < 32; ++l) {
        auto const place = (element * 8192 + group * 32 + l);
        // Four significant bits, as f8e4m3 has them.
        auto const cut = [](float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xFFF00000U); };
        terms[l] = static_cast<double>(cut(random_value<float>(1, place))) *
                   static_cast<double>(cut(random_value<float>(2, place)));
        exact += terms[l];
      }
      terms[32] = sum;
      double largest = 0;
      for (double const term : terms) largest = std::max(largest, std::abs(term));
      double const unit = std::ldexp(1.0, std::ilogb(largest) - 13);
      sum = 0;
      for (double const term : terms) sum += std::trunc(term / unit) * unit;
    }
    double const error = scales * std::abs(sum - exact);
    squares += error * error;
    EXPECT_LE(error, tolerance.relative * scales * std::abs(exact) + tolerance.absolute) << element;
  }
  double const norm = std::sqrt(squares / 1024) / tolerance.size;
  EXPECT_LE(norm, tolerance.norm);
  EXPECT_GE(norm, tolerance.norm / 50) << "the tolerance says nothing";
}

TEST(GemmTolerance, KnowsHowFarSumsOfUnitsAreExact) {
  EXPECT_TRUE(sums_are_exact(gemm(Dtype::bf16, Dtype::bf16, 1 << 24)));
  EXPECT_TRUE(sums_are_exact(gemm(Dtype::f8e4m3, Dtype::bf16, 1 << 20)));
  EXPECT_FALSE(sums_are_exact(gemm(Dtype::f8e4m3, Dtype::bf16, (1 << 20) + 1)));
  // Five deviations of the largest sum stay below 2^13, the least that 14 bits hold exactly.
  EXPECT_LT(5 * 2.0 / 3 * std::sqrt(0x1p20), 0x1p13);
}

TEST(RotatingSets, AreTogetherLargerThanTwiceTheCache) {
  std::uint64_t const l2 = 50 << 20, plenty = std::uint64_t{1} << 36;
  for (std::uint64_t const bytes : {std::uint64_t{1} << 20, std::uint64_t{3} << 20, std::uint64_t{100} << 20}) {
    auto const sets = rotating_sets(bytes, l2, plenty);
    EXPECT_GT(sets * bytes, 2 * l2);
    EXPECT_LE((sets - 1) * bytes, 2 * l2);
  }
  EXPECT_EQ(rotating_sets(std::uint64_t{1} << 30, l2, plenty), 1U);
  EXPECT_EQ(rotating_sets(768, l2, plenty), 1024U);
}

TEST(RotatingSets, KeepToTheirRoom) {
  EXPECT_EQ(rotating_sets(30 << 20, 50 << 20, 70 << 20), 2U);
  EXPECT_EQ(rotating_sets(30 << 20, 50 << 20, 20 << 20), 1U);
}

TEST(CublasLtNames, StandForTheNumbersOfItsHeader) {
  // From each of the runs that the numbers come in, cuBLAS 13.1.
  EXPECT_EQ(extent_text(tile_extent(1)), "8x8");
  EXPECT_EQ(extent_text(tile_extent(23)), "128x256");
  EXPECT_EQ(extent_text(tile_extent(35)), "256x32");
  EXPECT_EQ(extent_text(tile_extent(36)), "8x128");
  EXPECT_EQ(extent_text(tile_extent(176)), "128x320");
  EXPECT_EQ(extent_text(tile_extent(311)), "768x64");
  EXPECT_EQ(extent_text(tile_extent(312)), "64x16");
  EXPECT_EQ(extent_text(tile_extent(513)), "256x256");
  EXPECT_EQ(extent_text(tile_extent(630)), "768x80");
  EXPECT_EQ(extent_text(tile_extent(634)), "512x1024");
  EXPECT_EQ(extent_text(tile_extent(635)), "?");
  EXPECT_EQ(extent_text(tile_extent(-1)), "?");
  EXPECT_EQ(extent_text(cluster_extent(3)), "2x1");
  EXPECT_EQ(extent_text(cluster_extent(51)), "1x15");
  EXPECT_EQ(extent_text(cluster_extent(52)), "?");
  EXPECT_EQ(stages_text(16), "64x4");
  EXPECT_EQ(stages_text(35), "64xauto");
  EXPECT_EQ(stages_text(99), "?");
}

} // namespace
} // namespace maru
