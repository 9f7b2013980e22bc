// SPDX-License-Identifier: Apache-2.0
// The NCCL backend as the module exports it, over the fakes of NCCL and of the CUDA runtime.
#include "tests/fakes/cuda_nccl_testing.hpp"

#include <array>
#include <chrono>

namespace maru {
namespace {

constexpr std::array kinds{CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
                           CollectiveKind::all_to_all, CollectiveKind::broadcast,  CollectiveKind::reduce,
                           CollectiveKind::send_recv};

Backend const& nccl() { return backend("nccl"); }

std::string describe(Collective const& c) { return std::string(name(c.kind)) + " " + labels(Operation(c)).line(); }

class Nccl : public OnFourRanks {};

TEST_F(Nccl, ComputesEveryCollective) {
  Party const group({everybody()});
  for (auto const kind : kinds)
    for (auto const dtype : {Dtype::f32, Dtype::f64, Dtype::s32})
      for (bool const in_place : {false, true})
        for (int const variant : {0, 1, 2}) {
          auto const question = group.ask({.kind = kind,
                                           .dtype = dtype,
                                           .bytes = 4096 + 96,
                                           .in_place = in_place,
                                           .root = 2,
                                           .graph = variant == 1,
                                           .registered = variant == 2});
          SCOPED_TRACE(describe(question));
          if (nccl().supports(question)) {
            EXPECT_TRUE(in_place && (kind == CollectiveKind::all_to_all || kind == CollectiveKind::send_recv));
            continue;
          }
          auto const work = nccl().prepare(question, group.site());
          for (int repeat = 0; repeat < 2; ++repeat) {
            auto const verification = work->verify();
            EXPECT_TRUE(verification.checked);
            EXPECT_EQ(verification.wrong, 0U) << verification.detail;
            bool const receives = kind != CollectiveKind::reduce || world->rank() == 2;
            EXPECT_EQ(verification.elements > 0, receives);
            EXPECT_GT(work->lane().time(*work, 5), 0.0);
          }
        }
}

TEST_F(Nccl, SamplesAreNoShorterThanItsEventsAllow) {
  Party const group({everybody()});
  auto const work = nccl().prepare(group.ask({.bytes = 64}), group.site());
  EXPECT_GE(work->lane().shortest_sample(), 1e-3);
  EXPECT_GT(work->lane().shortest_warmup(), 0);
}

TEST_F(Nccl, NamesWhatAnswers) {
  Party const group({everybody()});
  auto const name_of = [&](CollectiveKind kind) {
    auto const work = nccl().prepare(group.ask({.kind = kind, .bytes = 1 << 16}), group.site());
    work->verify();
    return work->implementation();
  };
  EXPECT_EQ(name_of(CollectiveKind::all_reduce), "RING/SIMPLE 16 channels");
  EXPECT_EQ(name_of(CollectiveKind::all_to_all), "ncclAlltoAll 2 channels");
  EXPECT_EQ(name_of(CollectiveKind::send_recv), "send/recv group 2 channels");
}

TEST_F(Nccl, ListensOnlyWhileItVerifies) {
  Party const group({everybody()});
  auto const work = nccl().prepare(group.ask({.bytes = 4096}), group.site());
  Log const log;
  work->lane().time(*work, 20);
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
  work->verify();
  EXPECT_EQ(log.lines(), std::vector<std::string>{"reported"});
}

TEST_F(Nccl, FindsWrongResults) {
  Party const group({everybody()});
  Setting const fault("MARU_FAKE_NCCL_CORRUPT", "1");
  for (auto const kind : kinds) {
    auto const work = nccl().prepare(group.ask({.kind = kind, .bytes = 4096, .root = 1}), group.site());
    EXPECT_EQ(work->verify().wrong, world->rank() == 1 ? 1U : 0U) << name(kind);
  }
}

TEST_F(Nccl, MakesACommunicatorOnce) {
  Party const group({everybody()});
  nccl().prepare(group.ask({.bytes = 64}), group.site());
  Log const log;
  nccl().prepare(group.ask({.bytes = 128}), group.site());
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
}

TEST_F(Nccl, SplitsGroupsOfOneSizeFromTheWhole) {
  Party const whole({everybody()});
  nccl().prepare(whole.ask({.bytes = 64}), whole.site());
  for (auto const& groups : {std::vector<Members>{{0, 1}, {2, 3}}, std::vector<Members>{{0, 2}, {1, 3}}}) {
    Party const pairs(groups);
    Log const log;
    for (int repeat = 0; repeat < 2; ++repeat) {
      auto const work = nccl().prepare(pairs.ask({.kind = CollectiveKind::all_gather, .bytes = 64}), pairs.site());
      EXPECT_EQ(work->verify().wrong, 0U);
    }
    auto const lines = log.lines();
    EXPECT_EQ(lines, (std::vector<std::string>{"split 2 of 4", "reported", "reported"}));
  }
}

// Rounds come and go, and each communicator holds memory of the device.
TEST_F(Nccl, ForgetsTheGroupsOfARoundAndNoOthers) {
  Party const whole({everybody()}), pairs({{0, 1}, {2, 3}});
  auto const ask = [](Party const& party, CollectiveKind kind) {
    nccl().prepare(party.ask({.kind = kind, .bytes = 64}), party.site());
  };
  ask(whole, CollectiveKind::all_gather);
  ask(pairs, CollectiveKind::all_gather); // asked again at any time
  for (int repeat = 0; repeat < 2; ++repeat) {
    Log const log;
    for (auto const& groups : {std::vector<Members>{{0, 3}, {1, 2}}, std::vector<Members>{{0, 1}, {2, 3}}}) {
      Party round(groups);
      round.passing = true;
      ask(round, CollectiveKind::send);
      ask(round, CollectiveKind::ping_pong);
      nccl_module().forget();
    }
    ask(pairs, CollectiveKind::send);
    EXPECT_EQ(log.lines(), (std::vector<std::string>{"split 2 of 4", "destroyed 2"}));
  }
}

TEST_F(Nccl, ForgetsWhomOnlyARoundBroughtTogether) {
  Party pair({{1, 3}, {0}, {2}});
  if (pair.members.size() < 2) return;
  pair.passing = true;
  for (int repeat = 0; repeat < 2; ++repeat) {
    Log const log;
    auto work = nccl().prepare(pair.ask({.bytes = 64}), pair.site());
    EXPECT_EQ(work->verify().wrong, 0U);
    work.reset();
    nccl_module().forget();
    EXPECT_EQ(log.lines(),
              (std::vector<std::string>{"joined 2", "split 2 of 2", "reported", "destroyed 2", "destroyed 2"}));
  }
}

TEST_F(Nccl, ExchangesBetweenTwo) {
  Party const pairs({{0, 1}, {2, 3}});
  for (auto const kind : {CollectiveKind::ping_pong, CollectiveKind::send})
    for (int const root : {0, 1})
      for (int const variant : {0, 1, 2}) {
        auto const question = pairs.ask(
            {.kind = kind, .bytes = 4096 + 96, .root = root, .graph = variant == 1, .registered = variant == 2});
        SCOPED_TRACE(describe(question));
        ASSERT_FALSE(nccl().supports(question));
        auto const work = nccl().prepare(question, pairs.site());
        for (int repeat = 0; repeat < 2; ++repeat) {
          auto const verification = work->verify();
          EXPECT_TRUE(verification.checked);
          EXPECT_EQ(verification.wrong, 0U) << verification.detail;
          bool const receives = kind == CollectiveKind::ping_pong || pairs.own->rank() != root;
          EXPECT_EQ(verification.elements, receives ? (4096U + 96U) / 4 : 0U);
          EXPECT_GT(work->lane().time(*work, 5), 0.0);
        }
        bool const sends = pairs.own->rank() == root;
        EXPECT_EQ(work->implementation(), kind == CollectiveKind::ping_pong ? "send, recv 2 channels"
                                          : sends                           ? "ncclSend 2 channels"
                                                  : "ncclRecv"); // of which the fake tells nothing
      }
}

// What is faulty is the receivers' result.
TEST_F(Nccl, FindsWrongExchangesBetweenTwo) {
  Party const pairs({{0, 1}, {2, 3}});
  Setting const fault("MARU_FAKE_NCCL_CORRUPT", "3");
  for (auto const kind : {CollectiveKind::ping_pong, CollectiveKind::send}) {
    auto const work = nccl().prepare(pairs.ask({.kind = kind, .bytes = 4096}), pairs.site());
    EXPECT_EQ(work->verify().wrong, world->rank() == 3 ? 1U : 0U) << name(kind);
  }
}

TEST_F(Nccl, RefusesExchangesOfMoreThanTwoAndInPlace) {
  for (auto const kind : {CollectiveKind::ping_pong, CollectiveKind::send}) {
    auto const reason = [&](Collective const& question) {
      auto const skipped = nccl().supports(question);
      return skipped ? skipped->reason : "none";
    };
    auto const of_two = std::string(name(kind)) + " is of two ranks, not of ";
    EXPECT_EQ(reason({.kind = kind, .bytes = 64, .ranks = 2}), "none");
    EXPECT_EQ(reason({.kind = kind, .bytes = 64, .ranks = 3}), of_two + "3");
    EXPECT_EQ(reason({.kind = kind, .bytes = 64, .ranks = 4}), of_two + "4");
    EXPECT_EQ(reason({.kind = kind, .bytes = 64, .in_place = true, .ranks = 2}),
              "there is no " + std::string(name(kind)) + " in place");
  }
  EXPECT_TRUE(nccl().supports(Collective{.kind = CollectiveKind::send, .bytes = 64, .root = 2, .ranks = 2}));
}

// Nobody outside of the group need come.
TEST_F(Nccl, LetsUnequalGroupsMeetByThemselves) {
  Party const groups({{0, 1, 2}, {3}});
  if (world->rank() == 3) return;
  Log const log;
  auto const work = nccl().prepare(groups.ask({.bytes = 64}), groups.site());
  EXPECT_EQ(work->verify().wrong, 0U);
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"joined 3", "split 3 of 3", "reported"}));
}

TEST_F(Nccl, RefusesWhatItCannotDo) {
  Collective const good{.bytes = 64, .ranks = 4};
  EXPECT_FALSE(nccl().supports(good));
  auto const refuses = [&](auto change) {
    auto question = good;
    change(question);
    return nccl().supports(question).has_value();
  };
  EXPECT_TRUE(refuses([](Collective& c) { c.dtype = Dtype::bf16; }));
  EXPECT_TRUE(refuses([](Collective& c) { c.ranks = 1; }));
  EXPECT_TRUE(refuses([](Collective& c) { c.bytes = 3; }));
  EXPECT_TRUE(refuses([](Collective& c) {
    c.kind = CollectiveKind::reduce;
    c.root = 4;
  }));
  EXPECT_TRUE(nccl().supports(Gemm{}));
}

// From here on communicators are broken; each test takes members of its own.
TEST_F(Nccl, TellsEverybodyWhoCouldNotJoin) {
  Party const groups({{0, 1, 3}, {2}});
  if (world->rank() == 2) return;
  Setting const fault("MARU_FAKE_NCCL_REFUSE", "0,1,3");
  for (int repeat = 0; repeat < 2; ++repeat) // the second time at once, from memory
    EXPECT_THAT(
        refusal([&] { nccl().prepare(groups.ask({.bytes = 64}), groups.site()); }),
        testing::MatchesRegex("no NCCL communicator of 3 ranks: rank 0 on .*unhandled system error.*interface.*"));
}

TEST_F(Nccl, EndsAWaitWhenAnErrorComesLate) {
  Party const groups({{0, 2, 3}, {1}});
  if (world->rank() == 1) return;
  auto const work = nccl().prepare(groups.ask({.bytes = 64}), groups.site());
  Setting const fault("MARU_FAKE_NCCL_LATE", "all");
  EXPECT_EQ(work->verify().wrong, 0U);
  work->lane().time(*work, 1);
  auto const begun = std::chrono::steady_clock::now();
  // The third call hangs, and the rank waits for the device.
  EXPECT_THAT(refusal([&] { work->lane().time(*work, 1); }), testing::HasSubstr("remote process exited"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_THAT(refusal([&] { work->call(); }), testing::HasSubstr("remote process exited"));
}

TEST_F(Nccl, LetsGoOfTheDeviceWhenACallFails) {
  Party const groups({{1, 2, 3}, {0}});
  if (world->rank() == 0) return;
  auto work = nccl().prepare(groups.ask({.bytes = 64}), groups.site());
  Setting const fault("MARU_FAKE_NCCL_LATE", "all");
  EXPECT_EQ(work->verify().wrong, 0U);
  // The second of these calls hangs, the third finds the communicator broken.
  EXPECT_THAT(refusal([&] { work->lane().time(*work, 3); }), testing::HasSubstr("remote process exited"));
  work.reset(); // waits for the device
}

} // namespace
} // namespace maru
