// SPDX-License-Identifier: Apache-2.0
// Steps that ranks share give the numbers of one rank alone; an overlap's two results are right, alone and together.
#include "core/backend.hpp"
#include "kernels/collective/mpi_flight.hpp"
#include "kernels/step/verify.hpp"
#include "tests/mpi/main.hpp"

#include <gtest/gtest.h>
#include <numeric>

namespace maru {
namespace {

Backend const& backend(std::string_view name) {
  for (auto const* const known : builtin_backends())
    if (known->name == name) return *known;
  throw std::runtime_error("no such backend is registered");
}

std::vector<std::int64_t> all_ranks() {
  std::vector<std::int64_t> members(static_cast<std::size_t>(world->size()));
  std::iota(members.begin(), members.end(), 0);
  return members;
}

Step step_of(std::string_view model, int tp) {
  Step step;
  step.model = find_transformer(model);
  bool const shares_keys = step.model.kv_heads < step.model.heads;
  step.model.heads = 24; // 2, 3 and 4 divide all of these
  step.model.kv_heads = shares_keys ? 12 : 24;
  step.model.head_dim = 8;
  step.model.hidden = 48;
  step.model.ffn = 96;
  step.tp = tp;
  step.dp = world->size() / tp;
  step.ranks = world->size();
  step.layers = 2;
  step.tokens = 16;
  return step;
}

std::vector<int> layouts() {
  std::vector<int> result;
  for (int tp = 1; tp <= world->size(); ++tp)
    if (world->size() % tp == 0) result.push_back(tp);
  return result;
}

TEST(Steps, SharedAmongRanksGiveTheNumbersOfOneAlone) {
  auto const members = all_ranks();
  for (auto const* model : {"gpt3-125m", "llama3-8b"})
    for (int const tp : layouts()) {
      auto const step = step_of(model, tp);
      ASSERT_FALSE(backend("step_mpi").supports(step));
      auto const work = backend("step_mpi").prepare(step, {.seed = 11, .members = members, .index = world->rank()});
      for (int round = 0; round < 2; ++round) {
        auto const verification = work->verify();
        EXPECT_TRUE(verification.checked);
        EXPECT_EQ(verification.wrong, 0U) << model << " tp=" << tp << ": " << verification.detail;
        EXPECT_LE(verification.max_error, 1);
        work->call();
      }
      EXPECT_EQ(work->take_parts().size(), 5U);
      EXPECT_EQ(work->beside().size(), world->size() > 1 ? 1U : 0U);
      for (auto* const other : work->beside()) other->call();
    }
}

TEST(Steps, AMissingSumIsFound) {
  if (world->size() == 1) return;
  auto const step = step_of("gpt3-125m", world->size());
  StepPlace place;
  place.tensor = world->rank();
  EXPECT_GT(check_small_step(step, place, 3).wrong, 0U);
  place.sum_tensor = mpi_summation(all_ranks());
  EXPECT_EQ(check_small_step(step, place, 3).wrong, 0U);
}

TEST(Steps, ALayoutOfOtherRanksIsRefused) {
  auto step = step_of("gpt3-125m", 1);
  step.dp = world->size() + 1;
  EXPECT_TRUE(backend("step_mpi").supports(step));
}

TEST(Overlaps, BothResultsAreRight) {
  auto const members = all_ranks();
  for (auto const dtype : {Dtype::f32, Dtype::f64})
    for (auto const kind :
         {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
          CollectiveKind::all_to_all, CollectiveKind::broadcast, CollectiveKind::reduce, CollectiveKind::send_recv})
      for (int const taken : {0, 1}) {
        Overlap overlap;
        overlap.gemm = {.in = dtype, .out = dtype, .m = 100, .n = 33, .k = 65};
        overlap.collective = {.kind = kind, .dtype = dtype, .bytes = 100000, .ranks = world->size()};
        overlap.taken = taken;
        overlap.threads = 2;
        if (auto const skipped = backend("overlap_mpi").supports(overlap)) {
          EXPECT_EQ(world->size(), 1) << skipped->reason;
          continue;
        }
        auto const work = backend("overlap_mpi")
                              .prepare(overlap, {.threads = 2, .seed = 5, .members = members, .index = world->rank()});
        for (int round = 0; round < 2; ++round) {
          auto const verification = work->verify();
          EXPECT_EQ(verification.wrong, 0U) << name(kind) << " taken=" << taken << ": " << verification.detail;
          EXPECT_GE(verification.elements, 3300U);
          ASSERT_EQ(work->beside().size(), 2U);
          for (auto* const other : work->beside()) other->call();
          work->call();
        }
        auto const parts = work->take_parts();
        ASSERT_EQ(parts.size(), 2U);
        for (double const seconds : parts) EXPECT_GT(seconds, 0);
        for (double const seconds : work->take_parts()) EXPECT_EQ(seconds, 0) << "taken once";
      }
}

TEST(Overlaps, NoThreadLeftIsRefused) {
  Overlap overlap;
  overlap.gemm = {.m = 8, .n = 8, .k = 8};
  overlap.collective = {.bytes = 1024, .ranks = 2};
  overlap.taken = 2;
  overlap.threads = 2;
  auto const skipped = backend("overlap_mpi").supports(overlap);
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->reason, "2 of a rank's 2 threads taken: none is left to multiply");
}

} // namespace
} // namespace maru
