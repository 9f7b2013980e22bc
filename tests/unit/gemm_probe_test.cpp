// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "bench/probes/gemm_shapes.hpp"
#include "core/error.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::HasSubstr;

bool contains(std::vector<GemmShape> const& shapes, std::int64_t m, std::int64_t n, std::int64_t k) {
  return std::find(shapes.begin(), shapes.end(), GemmShape{m, n, k}) != shapes.end();
}

std::string fault_of(std::vector<std::string> const& words) {
  try {
    transformer_shapes(words);
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    return error.what();
  }
  return "no error";
}

TEST(GemmShapes, Words) {
  EXPECT_EQ(parse_gemm_shape("small", false), (GemmShape{1024, 1024, 1024}));
  EXPECT_EQ(parse_gemm_shape("large", true), (GemmShape{16384, 16384, 16384}));
  EXPECT_EQ(parse_gemm_shape("1x2x3", true), (GemmShape{1, 2, 3}));
  EXPECT_THROW(parse_gemm_shape("1x2", true), Error);
  EXPECT_THROW(parse_gemm_shape("huge", true), Error);
}

// By hand from Llama 3 70B's config.json: hidden 8192, ffn 28672, 64 heads of 128, 8 key-value heads, vocab 128256.
TEST(GemmShapes, Llama3OnEightRanks) {
  auto const shapes = transformer_shapes({"model:llama3-70b", "tp=8", "mb=2", "seq=4096"});
  EXPECT_TRUE(contains(shapes, 8192, 1280, 8192)) << "queries of 8 heads, one key and one value head: 10 x 128";
  EXPECT_TRUE(contains(shapes, 8192, 8192, 1024)) << "attention's output";
  EXPECT_TRUE(contains(shapes, 8192, 7168, 8192)) << "gate and up";
  EXPECT_TRUE(contains(shapes, 8192, 8192, 3584)) << "down";
  EXPECT_TRUE(contains(shapes, 8192, 16032, 8192)) << "output layer";
  EXPECT_TRUE(contains(shapes, 8192, 8192, 7168)) << "gradient of the input of gate and up";
  EXPECT_TRUE(contains(shapes, 7168, 8192, 8192)) << "gradient of their weights";
}

TEST(GemmShapes, TheLayersOfAModelAreItsFlops) {
  // Forward, gradients of inputs and of weights are equally many: 6 operations per parameter and token in all.
  auto const shapes = transformer_shapes({"model:llama2-7b", "tp=2", "seq=4095"});
  double flops = 0;
  for (auto const& [m, n, k] : shapes)
    flops += 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  double const parameters = 4096.0 * (3 * 4096 + 4096 + 2 * 11008 + 11008 + 32000) / 2;
  EXPECT_DOUBLE_EQ(flops, 6 * parameters * 4095);
}

TEST(GemmShapes, MoreRanksThanKeyHeads) {
  auto const shapes = transformer_shapes({"model:llama3-8b", "tp=16", "seq=1024"});
  EXPECT_TRUE(contains(shapes, 1024, (2 + 2) * 128, 4096)) << "each rank keeps a copy of a key and a value head";
}

TEST(GemmShapes, CustomAndReplaced) {
  auto const shapes = transformer_shapes(
      {"model:custom", "hidden=64", "ffn=128", "heads=4", "kv_heads=4", "head_dim=16", "vocab=100", "seq=32"});
  EXPECT_TRUE(contains(shapes, 32, 192, 64));
  EXPECT_TRUE(contains(transformer_shapes({"model:llama3-8b", "vocab=1000", "seq=16"}), 16, 1000, 4096));
}

TEST(GemmShapes, FaultsAreOneLine) {
  EXPECT_THAT(fault_of({"model:llama3-70"}), HasSubstr("did you mean 'llama3-70b'"));
  EXPECT_THAT(fault_of({"llama3-8b"}), HasSubstr("does not begin with 'model:'"));
  EXPECT_THAT(fault_of({"model:llama3-8b", "tp=3"}), HasSubstr("cannot be cut into tp=3"));
  EXPECT_THAT(fault_of({"model:llama3-8b", "tq=3"}), HasSubstr("did you mean 'tp'"));
  EXPECT_THAT(fault_of({"model:llama3-8b", "tp"}), HasSubstr("tp"));
  EXPECT_THAT(fault_of({"model:llama3-8b", "tp=0"}), HasSubstr("tp"));
  EXPECT_THAT(fault_of({"model:custom", "hidden=64"}), HasSubstr("is missing"));
  EXPECT_THAT(fault_of({"model:llama3-8b", "mb=1000000", "seq=1000000"}), HasSubstr("mb times seq"));
}

/// Runs the search against a made-up machine.
struct Searched {
  double best = 0;
  std::size_t cases = 0, rounds = 0;
};

Searched search(std::function<double(Gemm const&)> const& rate_of) {
  static std::vector<Backend const*> const backends(builtin_backends().begin(), builtin_backends().end());
  ProbeContext const context{backends, 1 << 20};
  ProbeRequest const request{.probe = "gemm_peak", .parameters = {{"dtypes", {"f32"}}}};
  auto const further = probe_of(request).further;
  Searched result;
  std::map<std::string, double> rates;
  for (auto cases = list_cases(request, context); !cases.empty() && result.rounds < 100; ++result.rounds) {
    for (auto const& item : cases) {
      double const rate = rate_of(std::get<Gemm>(item.operation));
      EXPECT_TRUE(rates.emplace(key(item), rate).second) << "asked twice: " << key(item);
      result.best = std::max(result.best, rate);
      ++result.cases;
    }
    cases = further(complete(request), context, rates);
  }
  return result;
}

double near(std::int64_t edge, double best) { return -std::abs(std::log2(static_cast<double>(edge) / best)); }

TEST(GemmPeak, FindsASummitOffTheGrid) {
  auto const machine = [](Gemm const& g) { return 100 + near(g.m, 3000) + near(g.n, 900) + near(g.k, 1700); };
  auto const found = search(machine);
  EXPECT_GT(found.best, 99.5);
  EXPECT_LT(found.cases, 80U) << "no brute force";
  EXPECT_LT(found.rounds, 25U);
}

TEST(GemmPeak, EndsWhereAllIsFlat) {
  auto const found = search([](Gemm const&) { return 100.0; });
  EXPECT_LT(found.rounds, 8U);
  EXPECT_LT(found.cases, 40U);
}

TEST(GemmPeak, EndsWhereNothingCanBeMeasured) {
  auto const found = search([](Gemm const&) { return 0.0; });
  EXPECT_EQ(found.rounds, 1U);
}

TEST(GemmPeak, NoiseDoesNotKeepItGoing) {
  std::uint64_t state = 7;
  auto const found = search([&](Gemm const&) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return 100 + 0.1 * static_cast<double>(state >> 40) / (1 << 24);
  });
  EXPECT_LT(found.cases, 60U);
}

} // namespace
} // namespace maru
