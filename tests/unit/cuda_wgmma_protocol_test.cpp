// SPDX-License-Identifier: Apache-2.0
// Plays the barriers of wgmma.cu with every actor stepping in random order: the producers and consuming warps of a
// cluster, and a copy engine that finishes its copies whenever it likes.
#include "kernels/gemm/tensor_layout.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace maru::tensor {
namespace {

using Tile = WgmmaTile;
constexpr int warps = 4 * Tile::consumers;

/// An mbarrier as the PTX ISA defines it: a phase ends when all arrivals and all expected bytes have come, and the next
/// begins with the same number of arrivals. A wait on a parity passes when the phase of that parity has ended, so that
/// a new barrier passes parity 1.
struct Barrier {
  int arrivals = 0, pending = 0;
  long bytes = 0;
  std::uint32_t phase = 0;

  explicit Barrier(int count) : arrivals(count), pending(count) {}
  bool arrive(long expected = 0) {
    if (pending == 0) return false;
    bytes += expected;
    --pending;
    settle();
    return true;
  }
  void complete(long count) {
    bytes -= count;
    settle();
  }
  bool passed(std::uint32_t parity) const { return phase % 2 != parity; }

private:
  void settle() {
    if (pending != 0 || bytes != 0) return;
    ++phase;
    pending = arrivals;
  }
};

/// What lies in a stage: the step (counted over all tiles) whose A, and whose share of B from each block.
struct Stage {
  Barrier full, empty;
  int a = -1;
  std::array<int, Tile::cluster> b;
  Stage(int full_arrivals, int empty_arrivals) : full(full_arrivals), empty(empty_arrivals) { b.fill(-1); }
  bool holds(int step) const {
    return a == step && std::all_of(b.begin(), b.end(), [&](int share) { return share == step; });
  }
};

/// One way to run it, right by default. The others must be found out.
struct Rules {
  int full_arrivals = Tile::full_arrivals, empty_arrivals = Tile::empty_arrivals;
  bool release_everywhere = true; ///< and not only in the own block
  bool release_at_once = false;   ///< while the products that read the stage are in flight
  std::uint32_t first_empty_parity = 1;
};

class Play {
public:
  Play(int tiles, int k_blocks, Rules const& rules, unsigned seed)
      : steps_(tiles * k_blocks), k_blocks_(k_blocks), rules_(rules), random_(seed), slow_(random_() % (warps + 3)),
        slow_block_(static_cast<int>(random_() % Tile::cluster)) {
    for (auto& block : blocks_)
      for (int i = 0; i < Tile::stages; ++i) block.stages.emplace_back(rules.full_arrivals, rules.empty_arrivals);
  }

  /// Empty when all went well.
  std::string run() {
    // Generous: every actor needs a handful of moves for a step, and most find nothing to do.
    for (long moves = 2000L * (steps_ + 10); moves > 0 && error_.empty(); --moves) {
      if (finished()) return {};
      move();
    }
    return error_.empty() ? "stuck" : error_;
  }

private:
  struct Copy {
    int block, stage, step, share; ///< share -1 is A
  };
  struct Consumer {
    Ring<Tile::stages> ring;
    int step = 0;
    int unreleased = -1, unreleased_step = -1; ///< stage that products in flight still read
  };
  struct Block {
    std::vector<Stage> stages;
    Ring<Tile::stages> ring;
    int step = 0;
    std::array<Consumer, warps> consumers;
  };

  bool finished() {
    if (!copies_.empty()) return false;
    for (auto const& block : blocks_)
      for (auto const& consumer : block.consumers)
        if (consumer.step < steps_ || consumer.unreleased >= 0) return false;
    return true;
  }

  void move() {
    auto const block = static_cast<int>(random_() % Tile::cluster);
    auto const who = random_() % (warps + 3);
    if (block == slow_block_ && who == slow_ && random_() % 64 != 0) return;
    switch (who) {
    case 0: return produce(block);
    case 1:
    case 2: return copy();
    default: return consume(blocks_[static_cast<std::size_t>(block)].consumers[who - 3], block);
    }
  }

  void produce(int index) {
    auto& block = blocks_[static_cast<std::size_t>(index)];
    if (block.step == steps_) return;
    auto& stage = block.stages[static_cast<std::size_t>(block.ring.stage)];
    auto const parity = block.ring.empty_parity() ^ (rules_.first_empty_parity ^ 1);
    if (!stage.empty.passed(parity)) return;
    if (!stage.full.arrive(Tile::stage_bytes)) error_ = "one arrival too many on full";
    copies_.push_back({index, block.ring.stage, block.step, -1});
    for (int everyone = 0; everyone < Tile::cluster; ++everyone)
      copies_.push_back({everyone, block.ring.stage, block.step, index});
    block.ring.advance();
    ++block.step;
  }

  void copy() {
    if (copies_.empty()) return;
    std::swap(copies_[random_() % copies_.size()], copies_.back());
    auto const done = copies_.back();
    copies_.pop_back();
    auto& block = blocks_[static_cast<std::size_t>(done.block)];
    auto& stage = block.stages[static_cast<std::size_t>(done.stage)];
    for (auto const& consumer : block.consumers)
      if (consumer.unreleased == done.stage && consumer.unreleased_step != done.step)
        error_ = "a stage was overwritten while it was read";
    (done.share < 0 ? stage.a : stage.b[static_cast<std::size_t>(done.share)]) = done.step;
    stage.full.complete(done.share < 0 ? Tile::a_bytes : Tile::b_bytes / Tile::cluster);
    if (stage.full.bytes < -(1L << 20) + 1 || stage.full.bytes >= 1L << 20) error_ = "the count of bytes overflows";
  }

  void consume(Consumer& warp, int index) {
    auto& block = blocks_[static_cast<std::size_t>(index)];
    if (warp.unreleased >= 0 && (warp.step == steps_ || warp.step % k_blocks_ == 0)) return release(warp, index);
    if (warp.step == steps_) return;
    auto& stage = block.stages[static_cast<std::size_t>(warp.ring.stage)];
    if (!stage.full.passed(warp.ring.full_parity())) return;
    if (!stage.holds(warp.step)) error_ = "a stage was read that holds something else";
    int const previous = warp.unreleased, previous_step = warp.unreleased_step;
    warp.unreleased = warp.ring.stage;
    warp.unreleased_step = warp.step;
    warp.ring.advance();
    ++warp.step;
    if (rules_.release_at_once) {
      auto const reading = warp;
      release(warp, index);
      warp.unreleased = reading.unreleased;
      warp.unreleased_step = reading.unreleased_step;
    } else if (previous >= 0) {
      Consumer before;
      before.unreleased = previous;
      before.unreleased_step = previous_step;
      release(before, index);
    }
  }

  void release(Consumer& warp, int index) {
    auto const& own = blocks_[static_cast<std::size_t>(index)].stages[static_cast<std::size_t>(warp.unreleased)];
    if (!own.holds(warp.unreleased_step)) error_ = "a stage changed while it was read";
    for (int everyone = 0; everyone < Tile::cluster; ++everyone)
      if (rules_.release_everywhere || everyone == index)
        if (!blocks_[static_cast<std::size_t>(everyone)]
                 .stages[static_cast<std::size_t>(warp.unreleased)]
                 .empty.arrive())
          error_ = "one arrival too many on empty";
    warp.unreleased = -1;
  }

  int steps_, k_blocks_;
  Rules rules_;
  std::mt19937 random_;
  std::mt19937::result_type slow_; ///< one actor gets a turn more rarely, so that others run far ahead of it
  int slow_block_;
  std::array<Block, Tile::cluster> blocks_;
  std::vector<Copy> copies_;
  std::string error_;
};

std::map<std::string, int> outcomes(Rules const& rules) {
  std::map<std::string, int> result;
  for (unsigned seed = 1; seed <= 20; ++seed)
    for (int tiles : {0, 1, 2, 3, 7})
      for (int k_blocks : {1, 3, 4, 5, 8}) ++result[Play(tiles, k_blocks, rules, seed).run()];
  return result;
}

TEST(WgmmaProtocol, NeitherSticksNorOverwrites) {
  auto const result = outcomes({});
  EXPECT_EQ(result.size(), 1U) << result.rbegin()->first;
  EXPECT_TRUE(result.contains(""));
}

TEST(WgmmaProtocol, ThePlayFindsWrongRules) {
  Rules own_consumers;
  own_consumers.empty_arrivals = warps;
  EXPECT_LT(outcomes(own_consumers)[""], 500);
  Rules nobody_tells_the_peer;
  nobody_tells_the_peer.release_everywhere = false;
  EXPECT_GT(outcomes(nobody_tells_the_peer)["stuck"], 0);
  Rules only_own;
  only_own.release_everywhere = false;
  only_own.empty_arrivals = warps;
  EXPECT_LT(outcomes(only_own)[""], 500);
  Rules early;
  early.release_at_once = true;
  EXPECT_LT(outcomes(early)[""], 500);
  Rules parity;
  parity.first_empty_parity = 0;
  EXPECT_GT(outcomes(parity)["stuck"], 0);
  Rules both_producers;
  both_producers.full_arrivals = 2;
  EXPECT_GT(outcomes(both_producers)["stuck"], 0);
}

/// Everything in shared memory that is in use at once.
TEST(WgmmaShared, PartsDoNotOverlap) {
  std::map<std::uint32_t, std::uint32_t> parts; // begin, end
  for (int stage = 0; stage < Tile::stages; ++stage) {
    parts[Tile::a_stage(stage)] = Tile::a_stage(stage) + Tile::a_bytes;
    parts[Tile::b_stage(stage)] = Tile::b_stage(stage) + Tile::b_bytes;
    parts[Tile::full_barrier(stage)] = Tile::full_barrier(stage) + 8;
    parts[Tile::empty_barrier(stage)] = Tile::empty_barrier(stage) + 8;
  }
  for (int consumer = 0; consumer < Tile::consumers; ++consumer)
    for (int chunk = 0; chunk < Tile::chunk_buffers; ++chunk)
      parts[Tile::chunk(consumer, chunk)] = Tile::chunk(consumer, chunk) + Tile::chunk_bytes;
  EXPECT_EQ(parts.size(), 4U * Tile::stages + static_cast<std::size_t>(Tile::consumers * Tile::chunk_buffers));
  std::uint32_t end = 0;
  for (auto const& [begin, part_end] : parts) {
    EXPECT_GE(begin, end);
    EXPECT_EQ(begin % 8, 0U);
    end = part_end;
  }
  EXPECT_EQ(end, Tile::shared_bytes);
}

} // namespace
} // namespace maru::tensor
