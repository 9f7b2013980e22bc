// SPDX-License-Identifier: Apache-2.0
// The mpi backend under mpirun: every kind, dtype, place, size and group is right, and one rank is told why not.
#include "core/backend.hpp"
#include "core/world.hpp"
#include "kernels/collective/pattern.hpp"
#include "tests/mpi/main.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <vector>

namespace maru {
namespace {

Backend const& mpi() {
  for (auto const* const backend : builtin_backends())
    if (std::string_view(backend->name) == "mpi") return *backend;
  throw std::runtime_error("no mpi backend is registered");
}

/// World ranks of this rank's group: all, or the pair it is in (the last rank of an odd number is alone).
std::vector<std::int64_t> members_of(std::string_view kind) {
  std::int64_t const rank = world->rank(), size = world->size();
  std::int64_t const first = kind == "world" ? 0 : rank - rank % 2, last = kind == "world" ? size : first + 2;
  std::vector<std::int64_t> members(static_cast<std::size_t>(std::min(last, size) - first));
  std::iota(members.begin(), members.end(), first);
  return members;
}

void expect_right(Work& work, Collective const& c, int index) {
  auto const verification = work.verify();
  EXPECT_TRUE(verification.checked);
  EXPECT_EQ(verification.elements, parts_of(c, index).output);
  EXPECT_EQ(verification.wrong, 0U) << "rank " << world->rank() << ": " << verification.detail;
}

using Case = std::tuple<CollectiveKind, Dtype, bool, std::uint64_t, std::string>;

std::string case_name(testing::TestParamInfo<Case> const& info) {
  auto const& [kind, dtype, in_place, bytes, group] = info.param;
  return std::string(name(kind)) + "_" + std::string(name(dtype)) + (in_place ? "_in_" : "_out_of_") + "place_" +
         std::to_string(bytes) + "_" + group;
}

class MpiCollectives : public testing::TestWithParam<Case> {};

TEST_P(MpiCollectives, AreRightOnEveryMember) {
  auto const& [kind, dtype, in_place, bytes, group] = GetParam();
  auto const members = members_of(group);
  auto const index = static_cast<int>(world->rank() - members.front()), ranks = static_cast<int>(members.size());
  for (int const root : is_rooted(kind) ? std::vector{0, ranks - 1} : std::vector{0}) {
    Collective const c{kind, dtype, bytes, in_place, root, ranks};
    if (auto const skipped = mpi().supports(c)) {
      EXPECT_FALSE(skipped->reason.empty());
      bool const other_ranks = is_of_two(kind) && (ranks != 2 || in_place);
      EXPECT_TRUE(ranks == 1 || part_count(c) == 0 || other_ranks) << skipped->reason;
      continue;
    }
    EXPECT_GT(ranks, 1);
    auto const work = mpi().prepare(c, {.seed = 3, .members = members, .index = index});
    expect_right(*work, c, index);
    for (int call = 0; call < 3; ++call) work->call();
    expect_right(*work, c, index);
  }
}

INSTANTIATE_TEST_SUITE_P(Mpi, MpiCollectives,
                         testing::Combine(testing::Values(CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                                          CollectiveKind::reduce_scatter, CollectiveKind::all_to_all,
                                                          CollectiveKind::broadcast, CollectiveKind::reduce,
                                                          CollectiveKind::send_recv, CollectiveKind::ping_pong,
                                                          CollectiveKind::send),
                                          testing::Values(Dtype::f32, Dtype::f64, Dtype::s32), testing::Bool(),
                                          testing::Values(8, 100, (1 << 20) + 12), testing::Values("world", "pairs")),
                         case_name);

TEST(MpiBackend, RefusesWhatItCannotDo) {
  auto const reason = [](Collective const& c) {
    auto const skipped = mpi().supports(c);
    return skipped ? skipped->reason : std::string();
  };
  EXPECT_EQ(reason({.bytes = 64, .ranks = 1}), "one rank: nothing to communicate with");
  EXPECT_NE(reason({.dtype = Dtype::bf16, .bytes = 64, .ranks = 2}), "");
  EXPECT_NE(reason({.bytes = 3, .ranks = 2}), "");
  EXPECT_NE(reason({.kind = CollectiveKind::all_gather, .bytes = 8, .ranks = 3}), "");
  EXPECT_NE(reason({.kind = CollectiveKind::reduce, .bytes = 64, .root = 2, .ranks = 2}), "");
  EXPECT_NE(reason({.bytes = std::uint64_t{1} << 34, .ranks = 2}), "");
  EXPECT_EQ(reason({.bytes = 64, .ranks = 2}), "");
}

} // namespace
} // namespace maru
