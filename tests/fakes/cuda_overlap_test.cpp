// SPDX-License-Identifier: Apache-2.0
// Overlaps on devices as the NCCL module exports them, over the fakes of NCCL and of the CUDA runtime. Products are
// those of the kernel `tiled`, which the fake does; cuBLASLt's module is not loaded.
#include "tests/fakes/cuda_nccl_testing.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace maru {
namespace {

using testing::HasSubstr;

// A k that wgmma does not take.
constexpr Gemm product{.in = Dtype::bf16, .out = Dtype::bf16, .m = 40, .n = 24, .k = 33};

class CudaOverlap : public OnFourRanks {
protected:
  void SetUp() override {
    OnFourRanks::SetUp();
    static auto const module = load_module("cuda", MARU_CUDA_MODULE);
    ASSERT_TRUE(module.table) << module.reason;
    module.table->accelerators->use(0);
  }
};

Backend const& overlap_cuda() { return backend("overlap_cuda"); }

Overlap asked(Party const& group, Collective const& collective, int taken = 0) {
  return {.gemm = product, .collective = group.ask(collective), .taken = taken};
}

std::unique_ptr<Work> prepare(Party const& group, Collective const& collective, int taken = 0) {
  return overlap_cuda().prepare(asked(group, collective, taken), group.site());
}

TEST_F(CudaOverlap, ComputesBothAtOnce) {
  Party const group({everybody()});
  for (auto const kind :
       {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
        CollectiveKind::all_to_all, CollectiveKind::broadcast, CollectiveKind::reduce, CollectiveKind::send_recv})
    for (int const taken : {0, 3}) {
      Collective const collective{.kind = kind, .bytes = 4096 + 96, .root = 2};
      SCOPED_TRACE(std::string(name(kind)) + " taken " + std::to_string(taken));
      ASSERT_FALSE(overlap_cuda().supports(asked(group, collective, taken)));
      auto const work = prepare(group, collective, taken);
      for (int repeat = 0; repeat < 2; ++repeat) {
        auto const verification = work->verify();
        EXPECT_TRUE(verification.checked);
        EXPECT_EQ(verification.wrong, 0U) << verification.detail;
        bool const receives = kind != CollectiveKind::reduce || world->rank() == 2;
        EXPECT_EQ(verification.elements > 40 * 24, receives);
        EXPECT_GE(verification.elements, 40U * 24U);
        EXPECT_THAT(verification.method, HasSubstr("device naive"));
        EXPECT_GT(work->lane().time(*work, 5), 0.0);
      }
    }
}

TEST_F(CudaOverlap, KnowsEachPartsOwnTime) {
  Party const group({everybody()});
  auto const work = prepare(group, {.bytes = 1 << 16});
  EXPECT_GE(work->lane().shortest_sample(), 1e-3);
  EXPECT_GT(work->lane().shortest_warmup(), 0);
  work->take_parts();
  for (std::uint64_t const calls : {1U, 7U, 200U}) { // more than are timed one by one
    double const whole = work->lane().time(*work, calls);
    auto const parts = work->take_parts();
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_GT(parts[0], 0);
    EXPECT_GT(parts[1], 0);
    bool const all_are_timed = calls < 64;
    double const mean = whole / static_cast<double>(calls);
    EXPECT_TRUE(!all_are_timed || std::max(parts[0], parts[1]) <= mean) << parts[0] << " " << parts[1] << " " << mean;
  }
  auto const beside = work->beside();
  ASSERT_EQ(beside.size(), 2U);
  for (auto* const alone : beside) {
    EXPECT_EQ(&alone->lane(), &work->lane());
    EXPECT_GT(alone->lane().time(*alone, 3), 0);
  }
  EXPECT_EQ(work->take_parts(), (std::vector<double>{0, 0})) << "the parts alone are not calls";
}

TEST_F(CudaOverlap, LeavesTheCollectiveAsManyBlocksAsAsked) {
  Party const group({everybody()});
  prepare(group, {.bytes = 64});
  for (auto const& [taken, channels, lines] :
       {std::tuple{0, "16", std::vector<std::string>{"reported"}},
        {5, "5", std::vector<std::string>{"split 4 of 4", "reported"}}, // those who have met need not meet again
        {5, "5", std::vector<std::string>{"reported"}}}) {
    Log const log;
    auto const work = prepare(group, {.bytes = 1 << 16}, taken);
    work->verify();
    EXPECT_EQ(log.lines(), lines);
    EXPECT_EQ(work->implementation(), std::string("tiled: mma.sync 128x128x32, rows copied value by value; ") +
                                          "RING/SIMPLE " + channels + " channels");
  }
}

TEST_F(CudaOverlap, RunsInGroupsAtOnce) {
  Party const whole({everybody()});
  prepare(whole, {.bytes = 64});
  Party const pairs({{0, 1}, {2, 3}});
  for (int const taken : {0, 2}) {
    Log const log;
    EXPECT_EQ(prepare(pairs, {.kind = CollectiveKind::all_gather, .bytes = 256}, taken)->verify().wrong, 0U);
    auto const lines = log.lines();
    EXPECT_EQ(lines, (std::vector<std::string>{"split 2 of 4", "reported"}));
  }
}

TEST_F(CudaOverlap, FindsWhatIsWrongInEither) {
  Party const group({everybody()});
  auto const work = prepare(group, {.bytes = 4096}, 2);
  {
    Setting const fault("MARU_FAKE_NCCL_CORRUPT", "1");
    auto const verification = work->verify();
    EXPECT_EQ(verification.wrong, world->rank() == 1 ? 1U : 0U);
    EXPECT_THAT(verification.detail, HasSubstr(world->rank() == 1 ? "element 1023 of member 1 is" : ""));
  }
  {
    Setting const fault("MARU_FAKE_GPU_WRONG", "1");
    auto const verification = work->verify();
    EXPECT_EQ(verification.wrong, 1U);
    EXPECT_THAT(verification.detail, HasSubstr("C[39,23] is"));
  }
  EXPECT_EQ(work->verify().wrong, 0U);
}

TEST_F(CudaOverlap, RefusesWhatItCannotDo) {
  Overlap const good{.gemm = product, .collective = {.bytes = 64, .ranks = 4}, .taken = 64};
  EXPECT_FALSE(overlap_cuda().supports(good));
  auto const reason = [&](auto change) {
    auto question = good;
    change(question);
    auto const skipped = overlap_cuda().supports(question);
    return skipped ? skipped->reason : "none";
  };
  EXPECT_EQ(reason([](Overlap& o) { o.taken = 65; }), "65 SMs taken: NCCL uses at most 64");
  EXPECT_THAT(reason([](Overlap& o) { o.collective.ranks = 1; }), HasSubstr("one rank"));
  EXPECT_THAT(reason([](Overlap& o) { o.collective.dtype = Dtype::bf16; }), HasSubstr("not bf16"));
  EXPECT_THAT(reason([](Overlap& o) { o.collective.graph = true; }), HasSubstr("graph"));
  EXPECT_THAT(reason([](Overlap& o) { o.collective.kind = CollectiveKind::ping_pong; }), HasSubstr("of two ranks"));
  EXPECT_EQ(reason([](Overlap& o) { o.gemm.in = o.gemm.out = Dtype::f64; }),
            "wgmma: has no gemm from f64 to f64; tiled: has no gemm from f64 to f64");
  EXPECT_THAT(overlap_cuda().supports(product)->reason, HasSubstr("has no gemm"));
}

// From here on communicators are broken; each test takes members of its own.
TEST_F(CudaOverlap, TellsEverybodyWhoCouldNotJoin) {
  Party const groups({{0, 1, 3}, {2}});
  if (world->rank() == 2) return;
  Setting const fault("MARU_FAKE_NCCL_REFUSE", "0,1,3");
  for (int const taken : {2, 2, 0}) // from the second time on at once, from memory
    EXPECT_THAT(refusal([&] { prepare(groups, {.bytes = 64}, taken); }),
                testing::MatchesRegex("no NCCL communicator of 3 ranks: rank 0 on .*unhandled system error.*"));
}

TEST_F(CudaOverlap, EndsAWaitWhenAnErrorComesLate) {
  Party const groups({{0, 2, 3}, {1}});
  if (world->rank() == 1) return;
  auto const work = prepare(groups, {.bytes = 64}, 2);
  Setting const fault("MARU_FAKE_NCCL_LATE", "all");
  EXPECT_EQ(work->verify().wrong, 0U);
  auto* const communication = work->beside()[1];
  communication->lane().time(*communication, 1);
  auto const begun = std::chrono::steady_clock::now();
  // The third collective hangs, and the rank waits for the device.
  EXPECT_THAT(refusal([&] { work->lane().time(*work, 1); }), HasSubstr("remote process exited"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_THAT(refusal([&] { work->call(); }), HasSubstr("remote process exited"));
  auto* const computation = work->beside()[0];
  EXPECT_THAT(refusal([&] { computation->lane().time(*computation, 1); }), HasSubstr("remote process exited"));
}

TEST_F(CudaOverlap, LetsGoOfTheDeviceWhenACallFails) {
  Party const groups({{1, 2, 3}, {0}});
  if (world->rank() == 0) return;
  auto work = prepare(groups, {.bytes = 64});
  Setting const fault("MARU_FAKE_NCCL_LATE", "all");
  EXPECT_EQ(work->verify().wrong, 0U);
  // The second of these calls hangs, the third finds the communicator broken.
  EXPECT_THAT(refusal([&] { work->lane().time(*work, 3); }), HasSubstr("remote process exited"));
  work.reset(); // waits for the device
}

} // namespace
} // namespace maru
