// SPDX-License-Identifier: Apache-2.0
// The NCCL backend as the module exports it, over the fakes of NCCL and of the CUDA runtime.
#include "core/error.hpp"
#include "core/module.hpp"
#include "tests/mpi/main.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace maru {
namespace {

using Members = std::vector<std::int64_t>;
constexpr std::array kinds{CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
                           CollectiveKind::all_to_all, CollectiveKind::broadcast,  CollectiveKind::reduce,
                           CollectiveKind::send_recv};

Backend const& nccl() {
  static auto const module = load_module("cuda_nccl", MARU_NCCL_MODULE);
  if (!module.table) throw Error(Exit::incomplete, module.reason);
  return *module.table->backends[0];
}

Members everybody() {
  Members members;
  for (int rank = 0; rank < world->size(); ++rank) members.push_back(rank);
  return members;
}

/// Sets a variable of the environment for a while.
class Setting {
public:
  Setting(char const* name, std::string const& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Setting() { ::unsetenv(name_); }
  Setting(Setting const&) = delete;
  Setting& operator=(Setting const&) = delete;

private:
  char const* name_;
};

/// What the fake writes down while it lives, of this rank.
class Log {
public:
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::ifstream in(path_);
    auto const mine = "rank " + std::to_string(world->rank()) + " ";
    for (std::string line; std::getline(in, line);) lines.push_back(line.substr(mine.size()));
    return lines;
  }
  ~Log() { ::unlink(path_.c_str()); }

private:
  std::string path_ = "/tmp/maru-nccl-log." + std::to_string(::getpid());
  Setting setting_{"MARU_FAKE_NCCL_LOG", path_};
};

/// A group of the world and this rank's place in it. All ranks of the world make it, with a group for each.
struct Group {
  Members members;
  std::vector<Members> groups;
  std::unique_ptr<World> own;

  explicit Group(std::vector<Members> all) : groups(std::move(all)) {
    for (std::size_t i = 0; i < groups.size(); ++i)
      for (auto const rank : groups[i])
        if (rank == world->rank()) {
          members = groups[i];
          own = world->split(static_cast<int>(i));
        }
  }

  template <class AnySite> static void tell_groups(AnySite& site, std::vector<Members> const& groups) {
    if constexpr (requires { site.groups; }) site.groups = groups;
  }
  Site site() const {
    // All ranks use the first device.
    Site site{.members = members, .index = own->rank(), .group = own.get(), .rehearsal = true};
    tell_groups(site, groups);
    return site;
  }
  Collective ask(Collective question) const {
    question.ranks = static_cast<int>(members.size());
    return question;
  }
};
template <class AnySite> constexpr bool knows_groups = requires(AnySite& site) { site.groups; };

/// The reason, when it throws.
template <class Action> std::string refusal(Action&& action) {
  try {
    action();
  } catch (Error const& error) {
    return error.what();
  }
  return {};
}

std::string describe(Collective const& c) { return std::string(name(c.kind)) + " " + labels(Operation(c)).line(); }

class Nccl : public testing::Test {
protected:
  void SetUp() override {
    if (world->size() != 4) GTEST_SKIP() << "made for four ranks";
  }
};

TEST_F(Nccl, ComputesEveryCollective) {
  Group const group({everybody()});
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

TEST_F(Nccl, NamesWhatAnswers) {
  Group const group({everybody()});
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
  Group const group({everybody()});
  auto const work = nccl().prepare(group.ask({.bytes = 4096}), group.site());
  Log const log;
  work->lane().time(*work, 20);
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
  work->verify();
  EXPECT_EQ(log.lines(), std::vector<std::string>{"reported"});
}

TEST_F(Nccl, FindsWrongResults) {
  Group const group({everybody()});
  Setting const fault("MARU_FAKE_NCCL_CORRUPT", "1");
  for (auto const kind : kinds) {
    auto const work = nccl().prepare(group.ask({.kind = kind, .bytes = 4096, .root = 1}), group.site());
    EXPECT_EQ(work->verify().wrong, world->rank() == 1 ? 1U : 0U) << name(kind);
  }
}

TEST_F(Nccl, MakesACommunicatorOnce) {
  Group const group({everybody()});
  nccl().prepare(group.ask({.bytes = 64}), group.site());
  Log const log;
  nccl().prepare(group.ask({.bytes = 128}), group.site());
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
}

TEST_F(Nccl, SplitsGroupsOfOneSizeFromTheWhole) {
  if (!knows_groups<Site>) GTEST_SKIP() << "sites do not know the other groups";
  Group const whole({everybody()});
  nccl().prepare(whole.ask({.bytes = 64}), whole.site());
  for (auto const& groups : {std::vector<Members>{{0, 1}, {2, 3}}, std::vector<Members>{{0, 2}, {1, 3}}}) {
    Group const pairs(groups);
    Log const log;
    for (int repeat = 0; repeat < 2; ++repeat) {
      auto const work = nccl().prepare(pairs.ask({.kind = CollectiveKind::all_gather, .bytes = 64}), pairs.site());
      EXPECT_EQ(work->verify().wrong, 0U);
    }
    auto const lines = log.lines();
    EXPECT_EQ(lines, (std::vector<std::string>{"split 2 of 4", "reported", "reported"}));
  }
}

// Nobody outside of the group need come.
TEST_F(Nccl, LetsUnequalGroupsMeetByThemselves) {
  Group const groups({{0, 1, 2}, {3}});
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
  Group const groups({{0, 1, 3}, {2}});
  if (world->rank() == 2) return;
  Setting const fault("MARU_FAKE_NCCL_REFUSE", "0,1,3");
  for (int repeat = 0; repeat < 2; ++repeat) // the second time at once, from memory
    EXPECT_THAT(
        refusal([&] { nccl().prepare(groups.ask({.bytes = 64}), groups.site()); }),
        testing::MatchesRegex("no NCCL communicator of 3 ranks: rank 0 on .*unhandled system error.*interface.*"));
}

TEST_F(Nccl, EndsAWaitWhenAnErrorComesLate) {
  Group const groups({{0, 2, 3}, {1}});
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
  Group const groups({{1, 2, 3}, {0}});
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
