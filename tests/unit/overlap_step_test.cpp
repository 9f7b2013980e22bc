// SPDX-License-Identifier: Apache-2.0
// What overlaps and steps ask, cost and conclude; and one rank's step against its own derivatives.
#include "bench/composite.hpp"
#include "bench/groups.hpp"
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/transformer.hpp"
#include "kernels/step/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <tuple>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Case> cases_of(std::string const& probe, Parameters const& parameters, int devices = 0) {
  static std::vector<Backend const*> const backends(builtin_backends().begin(), builtin_backends().end());
  ProbeContext context{backends, 1 << 20};
  context.device.visible = devices;
  return list_cases({probe, parameters}, context);
}

std::string fault_of(std::string const& probe, Parameters const& parameters) {
  try {
    cases_of(probe, parameters);
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    return error.what();
  }
  return "no error";
}

Step step_of(std::string_view model, int tp = 1, int dp = 1) {
  Step step;
  step.model = find_transformer(model);
  step.tp = tp;
  step.dp = dp;
  step.ranks = tp * dp;
  return step;
}

TEST(Transformers, ParametersAreThoseOfTheirNames) {
  auto const& largest = find_transformer("gpt3-175b");
  auto const parameters =
      static_cast<double>(largest.layers * layer_parameters(largest) + largest.vocab * largest.hidden);
  EXPECT_NEAR(parameters, 175e9, 0.5e9);
  auto const& llama = find_transformer("llama3-8b");
  EXPECT_NEAR(static_cast<double>(llama.layers * layer_parameters(llama) + 2 * llama.vocab * llama.hidden), 8.03e9,
              1e7);
  EXPECT_THROW(find_transformer("gpt3-1.2b"), Error);
  std::set<std::string_view> names;
  for (auto const& model : transformers()) EXPECT_TRUE(names.insert(model.name).second) << model.name;
}

// Equation 3 of Narayanan et al. 2021 without recomputation and without the output layer: 72·B·s·l·h²·(1 + s/6h).
TEST(Cost, OfAStepIsThatOfThePaper) {
  auto step = step_of("gpt3-1.3b", 2, 3);
  step.layers = 4;
  step.sequences = 5;
  step.tokens = 1024;
  double const h = 2048, s = 1024;
  EXPECT_DOUBLE_EQ(cost(step).flops, 3 * 72 * 5 * s * 4 * h * h * (1 + s / (6 * h)));
  EXPECT_EQ(labels(step).line(), "dtype=f32 model=gpt3-1.3b layers=4 tp=2 dp=3 mb=5 seq=1024");
  EXPECT_EQ(name(step), "step");
  EXPECT_EQ(family(step), "step");
}

TEST(Cost, OfAnOverlapIsTheProductsAndTheCollectives) {
  Overlap overlap;
  overlap.gemm = {.in = Dtype::f32, .out = Dtype::f32, .m = 2, .n = 3, .k = 5};
  overlap.collective = {.bytes = 1000, .ranks = 4};
  overlap.taken = 1;
  EXPECT_EQ(cost(overlap).flops, 4 * 60);
  EXPECT_EQ(cost(overlap).bus_bytes, 1500);
  EXPECT_EQ(labels(overlap).line(), "dtype=f32 m=2 n=3 k=5 collective=all_reduce size_bytes=1000 taken=1");
  EXPECT_EQ(family(overlap), "overlap");
}

TEST(Groups, BlocksOfNeighbours) {
  std::vector<std::string> const hosts(5, "h");
  EXPECT_THAT(make_groups("blocks:2", hosts), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4)));
  EXPECT_THAT(make_groups("blocks:8", hosts), ElementsAre(ElementsAre(0, 1, 2, 3, 4)));
  EXPECT_THROW(check_group_kind("blocks:0"), Error);
  EXPECT_THROW(check_group_kind("blocks:"), Error);
}

TEST(StepProbe, ListsLayoutsInGroupsOfTheirSize) {
  auto const cases = cases_of("step", {{"model", {"llama3-8b"}}, {"tp", {"1", "4"}}, {"dp", {"1", "2"}}});
  ASSERT_EQ(cases.size(), 4U);
  EXPECT_EQ(cases[0].group_kind, "rank");
  EXPECT_EQ(cases[1].group_kind, "blocks:2");
  EXPECT_EQ(cases[3].group_kind, "blocks:8");
  for (auto const& item : cases) EXPECT_TRUE(item.backend) << item.skip_reason;
}

TEST(StepProbe, IsRefusedBeforeItIsPreparedWhereARankHasTooLittleMemory) {
  auto const item = cases_of("step", {}).at(0);
  auto step = std::get<Step>(item.operation);
  EXPECT_FALSE(item.backend->supports(step)) << "not known";
  step.memory_bytes = std::int64_t{1} << 40;
  EXPECT_FALSE(item.backend->supports(step));
  step.memory_bytes = 64 << 20;
  auto const skipped = item.backend->supports(step);
  ASSERT_TRUE(skipped);
  EXPECT_THAT(skipped->reason, HasSubstr("share of the host's memory is 0.1: fewer layers"));
}

TEST(StepProbe, FaultsAreOneLine) {
  EXPECT_THAT(fault_of("step", {{"model", {"gpt3-1.2b"}}}), HasSubstr("did you mean 'gpt3-1.3b'"));
  EXPECT_THAT(fault_of("step", {{"model", {"custom"}}}), HasSubstr("no widths"));
  EXPECT_THAT(fault_of("step", {{"model", {"llama3-8b"}}, {"tp", {"16"}}}),
              HasSubstr("kv_heads 8 cannot be cut into tp=16"));
  EXPECT_THAT(fault_of("step", {{"layers", {"13"}}}), HasSubstr("has 12 layers, not 13"));
  EXPECT_THAT(fault_of("step", {{"mb", {"1000000"}}, {"seq", {"1000000"}}}), HasSubstr("mb times seq"));
  EXPECT_THAT(fault_of("step", {{"tp", {"0"}}}), HasSubstr("tp"));
}

TEST(OverlapProbe, EachSizeWithEachShareTaken) {
  auto const cases = cases_of("overlap", {{"sizes", {"1K", "1M"}}, {"taken", {"0", "1", "2"}}, {"groups", {"node"}}});
  ASSERT_EQ(cases.size(), 6U);
  EXPECT_EQ(std::get<Overlap>(cases[4].operation).collective.bytes, 1U << 20);
  EXPECT_EQ(std::get<Overlap>(cases[4].operation).taken, 1);
  EXPECT_THAT(fault_of("overlap", {{"groups", {"rank"}}}), HasSubstr("nobody to communicate with"));
  EXPECT_THAT(fault_of("overlap", {{"operations", {"all_redcue"}}}), HasSubstr("did you mean 'all_reduce'"));
  EXPECT_THAT(fault_of("overlap", {{"sizes", {"0"}}}), HasSubstr("at least 1"));
}

TEST(CompositeProbes, AHostDoesNotAnswerForADevice) {
  for (auto const& [probe, reason] : {std::pair{"overlap", "need module cuda_nccl"}, {"step", "devices yet"}}) {
    auto const cases = cases_of(probe, {}, 1);
    ASSERT_FALSE(cases.empty());
    EXPECT_FALSE(cases.front().backend);
    EXPECT_THAT(cases.front().skip_reason, HasSubstr(reason));
  }
}

/// The first case's operation and backend, and how many cases there are.
std::tuple<Overlap, std::string, std::size_t> overlaps_beside(Backend const& device, Parameters const& parameters) {
  std::vector<Backend const*> backends{&device};
  backends.insert(backends.end(), builtin_backends().begin(), builtin_backends().end());
  ProbeContext context{backends, 1 << 20};
  context.device.visible = 1;
  auto const cases = list_cases({"overlap", parameters}, context);
  return {std::get<Overlap>(cases.at(0).operation), cases[0].backend ? cases[0].backend->name : "none", cases.size()};
}

TEST(OverlapProbe, AsksADeviceWhatKeepsItBusy) {
  Backend const device{"overlap_device", "cuda",   "", false, [](Operation const&) { return std::optional<Skipped>(); },
                       nullptr,          "overlap"};
  auto const [asked, backend, count] = overlaps_beside(device, {});
  EXPECT_EQ(backend, "overlap_device");
  EXPECT_EQ(count, 3U * 5U);
  EXPECT_EQ(asked.gemm.m, 8192);
  EXPECT_EQ(asked.gemm.in, Dtype::bf16);
  EXPECT_EQ(asked.gemm.out, Dtype::bf16);
  EXPECT_EQ(asked.collective.bytes, 16U << 20);
  EXPECT_EQ(asked.taken, 0);
  auto const [tf32, same, ten] = overlaps_beside(device, {{"dtype", {"tf32"}}, {"sizes", {"1K", "1M"}}});
  EXPECT_EQ(tf32.gemm.out, Dtype::f32);
  EXPECT_EQ(ten, 10U);
  // A host that is asked for by name is asked what a host is.
  auto const [hosts, by_name, six] = overlaps_beside(device, {{"backend", {"overlap_mpi"}}});
  EXPECT_EQ(by_name, "overlap_mpi");
  EXPECT_EQ(six, 6U);
  EXPECT_EQ(hosts.gemm.m, 1024);
  EXPECT_EQ(hosts.gemm.in, Dtype::f32);
  EXPECT_THAT(fault_of("overlap", {{"dtype", {"bf16"}}}), HasSubstr("overlap dtype 'bf16'"));
}

TEST(CompositeBackends, RefuseWithAReason) {
  auto const reason = [](char const* backend, Operation const& operation) {
    for (auto const* const known : builtin_backends())
      if (std::string_view(known->name) == backend) {
        auto const skipped = known->supports(operation);
        return skipped ? skipped->reason : std::string("none");
      }
    return std::string("no such backend");
  };
  auto step = step_of("gpt3-125m", 2, 2);
  step.ranks = 3;
  EXPECT_EQ(reason("step_mpi", step), "tp=2 and dp=2 are 4 ranks, and here 3 are left");
  EXPECT_EQ(reason("step_mpi", step_of("gpt3-125m")), "none");
  EXPECT_THAT(reason("step_mpi", step_of("gpt3-125m", 5)), HasSubstr("cannot be cut"));
  step = step_of("gpt3-125m");
  step.dtype = Dtype::bf16;
  EXPECT_THAT(reason("step_mpi", step), HasSubstr("in f32, not bf16"));
  EXPECT_THAT(reason("step_mpi", step_of("custom")), HasSubstr("cannot be cut"));
  Overlap overlap;
  overlap.gemm = {.m = 8, .n = 8, .k = 8};
  overlap.collective = {.bytes = 1024, .ranks = 1};
  EXPECT_THAT(reason("overlap_mpi", overlap), HasSubstr("one rank"));
  overlap.collective.kind = CollectiveKind::ping_pong;
  EXPECT_THAT(reason("overlap_mpi", overlap), HasSubstr("begun and finished apart"));
  overlap.gemm.in = Dtype::bf16;
  EXPECT_THAT(reason("overlap_mpi", overlap), HasSubstr("no gemm"));
}

TEST(Composite, EfficiencyIsTheShareOfTheShorterThatIsHidden) {
  Measured measured;
  // All hidden, half of it, none of it, and worse than one after the other.
  measured.samples = {4, 5, 6, 9};
  measured.beside = {{4, 4, 4, 4}, {2, 2, 2, 2}};
  measured.parts = {{4, 5, 6, 8}, {3, 3, 3, 9}};
  auto const result = overlap_result(measured);
  EXPECT_EQ(result.compute.median, 4);
  EXPECT_EQ(result.communication.median, 2);
  EXPECT_EQ(result.efficiency.median, 0.25) << "between 0, 0, 0.5 and 1";
  EXPECT_FALSE(result.efficiency.median_ci) << "four turns have no interval of 95 %";
  EXPECT_EQ(result.compute_slowdown.median, (1.25 + 1.5) / 2);
  EXPECT_EQ(result.communication_slowdown.median, 1.5);
}

// A machine that becomes twice as slow half way: each turn is slow as a whole, and what comes of it is the same.
TEST(Composite, DriftCancels) {
  Measured measured;
  for (double const slow : {1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0}) {
    measured.samples.push_back(5 * slow);
    for (auto* const lists : {&measured.beside, &measured.parts}) {
      lists->resize(2);
      (*lists)[0].push_back(4 * slow);
      (*lists)[1].push_back(2 * slow);
    }
  }
  auto const result = overlap_result(measured);
  EXPECT_EQ(result.efficiency.median, 0.5);
  ASSERT_TRUE(result.efficiency.median_ci);
  EXPECT_EQ(result.efficiency.median_ci->low, 0.5);
  EXPECT_EQ(result.efficiency.median_ci->high, 0.5);
}

TEST(Composite, AStepSaysWhatCommunicationAdds) {
  auto step = step_of("gpt3-125m", 2);
  Measured measured;
  measured.samples = {2, 2, 2};
  measured.beside = {{1.5, 1.5, 1.25}};
  measured.parts = {{1, 1, 1}, {0.25, 0.25, 0.25}, {0.125, 0.125, 0.125}, {0.0625, 0.0625, 0.0625}, {0.5, 0.5, 0.5}};
  auto result = step_result(step, measured);
  EXPECT_EQ(result.exposed.median, 0.5);
  EXPECT_EQ(result.compute_only.median, 1.5);
  EXPECT_EQ(result.optimizer, 0.0625);
  EXPECT_EQ(result.communication, 0.5);
  EXPECT_EQ(result.tokens_per_second, 128);
  EXPECT_EQ(result.flops_per_rank, cost(step).flops / 2 / 2);
  EXPECT_EQ(result.parameters, 12 * 768 * 768 / 2);
  measured.beside.clear();
  EXPECT_EQ(step_result(step, measured).exposed.median, 0) << "nobody to communicate with";
}

TEST(StepLayer, PartsOfTheRanksAreTheWhole) {
  for (auto const* model : {"gpt3-125m", "llama3-8b"}) {
    auto const small = small_step(step_of(model, 3));
    for (auto const which : all_weights) {
      std::set<std::int64_t> seen;
      std::int64_t size = 0;
      for (int rank = 0; rank < 3; ++rank) {
        StepPlace place;
        place.tensor = rank;
        LayerShape const shape(small, place);
        for (std::int64_t i = 0; i < shape.size(which); ++i)
          seen.insert(shape.whole_index(which, i / shape.columns(which), i % shape.columns(which)));
        size += shape.size(which);
      }
      EXPECT_EQ(static_cast<std::int64_t>(seen.size()), size) << "none twice";
      EXPECT_EQ(*seen.begin(), 0);
      EXPECT_EQ(*seen.rbegin(), size - 1);
    }
  }
}

TEST(Step, GradientsAreTheDerivativesOfTheLoss) {
  for (auto const* model : {"gpt3-125m", "llama3-8b"})
    for (int const threads : {1, 2})
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        StepPlace place;
        place.threads = threads;
        auto const verification = check_small_step(step_of(model), place, seed);
        EXPECT_EQ(verification.wrong, 0U) << model << ": " << verification.detail;
        EXPECT_GT(verification.elements, 1000U);
      }
}

TEST(Step, TrainingLowersTheLoss) {
  StepEngine engine(small_step(step_of("llama3-8b")), {}, 5);
  StepSeconds seconds;
  double const before = engine.loss();
  for (int i = 0; i < 20; ++i) engine.step(true, seconds);
  EXPECT_LT(engine.loss(), before);
  EXPECT_GT(seconds.products, 0);
  EXPECT_GT(seconds.optimizer, 0);
}

TEST(Step, WhatIsNotFiniteIsFound) {
  StepEngine engine(small_step(step_of("gpt3-125m")), {}, 5);
  EXPECT_GT(check_finite(engine).wrong, 0U) << "poison, before the first step";
  StepSeconds seconds;
  engine.step(true, seconds);
  auto const verification = check_finite(engine);
  EXPECT_EQ(verification.wrong, 0U) << verification.detail;
}

} // namespace
} // namespace maru
