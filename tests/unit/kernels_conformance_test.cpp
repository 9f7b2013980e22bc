// SPDX-License-Identifier: Apache-2.0
// Every registered backend against one table of operations: it says why not, or it is right. A new row of either table
// is exercised unasked.
#include "core/backend.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace maru {
namespace {

Gemm gemm(Dtype in, Dtype out, std::int64_t m, std::int64_t n, std::int64_t k) {
  return {.in = in, .out = out, .m = m, .n = n, .k = k};
}

std::vector<Operation> operations() {
  std::vector<Operation> table;
  for (auto const& [in, out] : {std::pair{Dtype::f64, Dtype::f64}, std::pair{Dtype::f32, Dtype::f32},
                                std::pair{Dtype::bf16, Dtype::f32}, std::pair{Dtype::s8, Dtype::s32}}) {
    table.emplace_back(gemm(in, out, 1, 1, 1));
    table.emplace_back(gemm(in, out, 1, 7, 3));
    table.emplace_back(gemm(in, out, 64, 64, 64));
    table.emplace_back(gemm(in, out, 33, 65, 129));
    table.emplace_back(gemm(in, out, 257, 1, 511));
    table.emplace_back(gemm(in, out, 257, 263, 301)); // beyond the full comparison
  }
  for (auto const kind : {MemoryKind::copy, MemoryKind::scale, MemoryKind::add, MemoryKind::triad})
    for (std::uint64_t const bytes : {8U, 13U, 1000U, 1U << 20U}) table.emplace_back(Memory{kind, bytes});
  for (auto const* model : {"gpt3-125m", "llama3-8b"}) {
    Step step;
    step.model = find_transformer(model);
    step.model.hidden = 96;
    step.model.ffn = 200;
    step.model.head_dim = 4;
    step.layers = 3;
    step.sequences = 2;
    step.tokens = 33;
    table.emplace_back(step);
  }
  table.emplace_back(Spin{1e-4, 0});
  table.emplace_back(Spin{1e-5, 0.5});
  return table;
}

std::uint64_t expected_elements(Operation const& operation) {
  if (auto const* const g = std::get_if<Gemm>(&operation)) return static_cast<std::uint64_t>(g->m * g->n);
  if (auto const* const m = std::get_if<Memory>(&operation)) return m->bytes / sizeof(double);
  if (auto const* const s = std::get_if<Step>(&operation)) { // outputs, gradients of the input, of weights, weights
    auto const size = s->layers * layer_parameters(s->model) + s->sequences * s->tokens * s->model.hidden;
    return 2 * static_cast<std::uint64_t>(size);
  }
  return 1;
}

void expect_right(Verification const& verification, Operation const& operation) {
  EXPECT_TRUE(verification.checked);
  // A step is checked at a small size too.
  auto const beside =
      std::holds_alternative<Step>(operation) ? verification.elements - expected_elements(operation) : 0;
  EXPECT_EQ(verification.elements, expected_elements(operation) + beside);
  EXPECT_LT(beside, 1U << 20);
  EXPECT_EQ(verification.wrong, 0U) << verification.detail;
  EXPECT_GE(verification.max_error, 0);
  EXPECT_LE(verification.max_error, 1);
  EXPECT_FALSE(verification.method.empty());
  EXPECT_TRUE(verification.detail.empty());
}

using Case = std::tuple<Backend const*, Operation>;

std::string case_name(testing::TestParamInfo<Case> const& info) {
  auto const& [backend, operation] = info.param;
  std::string text = std::string(backend->name) + "_" + std::string(name(operation)) + "_" + std::to_string(info.index);
  std::ranges::replace_if(
      text, [](unsigned char c) { return !std::isalnum(c); }, '_');
  return text;
}

class Conformance : public testing::TestWithParam<Case> {};

TEST_P(Conformance, SaysWhyNotOrIsRight) {
  auto const& [backend, operation] = GetParam();
  if (auto const skipped = backend->supports(operation)) {
    EXPECT_FALSE(skipped->reason.empty());
    EXPECT_EQ(skipped->reason.find('\n'), std::string::npos);
    GTEST_SKIP() << skipped->reason;
  }
  for (int const threads : {1, 2}) {
    auto const work = backend->prepare(operation, {.threads = threads, .seed = 7});
    work->call();
    expect_right(work->verify(), operation);
    EXPECT_GT(work->lane().time(*work, 2), 0);
    expect_right(work->verify(), operation);
  }
}

/// Every backend with the operations of its family; a collective needs partners and is tested under MPI.
std::vector<Case> cases() {
  std::vector<Case> result;
  for (auto const* const backend : builtin_backends())
    for (auto const& operation : operations())
      if (family(operation) == backend->family) result.emplace_back(backend, operation);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Builtin, Conformance, testing::ValuesIn(cases()), case_name);

TEST(Backends, RefuseOtherFamiliesWithAReason) {
  for (auto const* const backend : builtin_backends()) {
    EXPECT_STRNE(backend->family, "") << backend->name;
    for (auto const& operation : operations()) {
      if (family(operation) == backend->family) continue;
      auto const skipped = backend->supports(operation);
      ASSERT_TRUE(skipped) << backend->name;
      EXPECT_FALSE(skipped->reason.empty());
    }
  }
}

TEST(Backends, AreNamedOnceAndHelpInOneLine) {
  std::set<std::string_view> names;
  for (auto const* const backend : builtin_backends()) {
    std::string_view const help = backend->help;
    EXPECT_TRUE(names.insert(backend->name).second) << backend->name;
    EXPECT_FALSE(std::string_view(backend->device).empty());
    EXPECT_FALSE(help.empty());
    EXPECT_EQ(help.find('\n'), help.npos);
  }
}

TEST(Backends, AnswerEveryOperationOfTheTable) {
  for (auto const& operation : operations())
    EXPECT_TRUE(std::ranges::any_of(builtin_backends(), [&](auto const* backend) {
      return !backend->supports(operation);
    })) << name(operation);
}

TEST(Backends, RefuseWhatNobodyCanDo) {
  std::vector<Operation> const impossible{gemm(Dtype::f32, Dtype::f32, 0, 4, 4),
                                          gemm(Dtype::f32, Dtype::f32, 4, 4, -1),
                                          gemm(Dtype::s8, Dtype::f64, 4, 4, 4),
                                          gemm(Dtype::f64, Dtype::f64, 4, std::int64_t{1} << 40, 4),
                                          Memory{MemoryKind::copy, 7},
                                          Spin{-1, 0},
                                          Spin{std::nan(""), 0},
                                          Collective{.bytes = 1024, .ranks = 1}};
  for (auto const* const backend : builtin_backends())
    for (auto const& operation : impossible) {
      auto const skipped = backend->supports(operation);
      ASSERT_TRUE(skipped.has_value()) << backend->name << " " << name(operation);
      EXPECT_FALSE(skipped->reason.empty());
    }
}

TEST(Backends, SayInOneLineThatMemoryIsShort) {
  for (auto const* const backend : builtin_backends())
    for (std::uint64_t const bytes : {std::uint64_t{1} << 50, std::uint64_t{1} << 63}) {
      Operation const huge = Memory{MemoryKind::triad, bytes};
      if (backend->supports(huge)) continue;
      try {
        backend->prepare(huge, {});
        ADD_FAILURE() << backend->name << " claims to have " << bytes << " bytes";
      } catch (Error const& error) {
        EXPECT_EQ(error.code(), Exit::incomplete);
        EXPECT_NE(std::string_view(error.what()).find("GiB"), std::string_view::npos) << error.what();
      }
    }
}

} // namespace
} // namespace maru
