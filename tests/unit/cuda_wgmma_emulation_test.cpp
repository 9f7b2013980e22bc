// SPDX-License-Identifier: Apache-2.0
// Runs the kernel of kernels/gemm/wgmma_kernel.hpp itself, every thread of a cluster, on an emulation of what the PTX
// ISA says about the instructions beneath it. Threads take turns at random; the copy engine finishes copies in any
// order and as late as it likes; products read shared memory no sooner than they are waited for. So whatever relies on
// luck shows.
#include "kernels/gemm/wgmma_kernel.hpp"
#include "tests/unit/tensor_emulation.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

namespace maru::tensor {
namespace {

using Tile = WgmmaTile;
using Condition = std::function<bool()>;
struct Stop {};

/// A rendezvous of so many threads, again and again.
struct Meeting {
  int arrived = 0;
  long round = 0;
};

/// As the PTX ISA defines an mbarrier; see cuda_wgmma_protocol_test.cpp.
struct Barrier {
  int arrivals = 0, pending = 0;
  long bytes = 0;
  std::uint32_t phase = 0;
  void settle() {
    if (pending != 0 || bytes != 0) return;
    ++phase;
    pending = arrivals;
  }
  void arrive() {
    EXPECT_GT(pending, 0);
    --pending;
    settle();
  }
  void complete(long count) {
    bytes -= count;
    settle();
  }
};

struct Block {
  Shared shared{Tile::shared_bytes};
  std::map<std::uint32_t, Barrier> barriers;
  std::map<int, Meeting> meetings;                           ///< by id of a named barrier; warps count from 100 on
  std::array<std::array<std::uint32_t, 32>, 12> addresses{}; ///< that the lanes of a warp name to stmatrix
};

struct Actor {
  int block = 0, thread = 0;
  Condition ready; ///< what it waits for
  bool ended = false;
  std::binary_semaphore turn{0};
  std::vector<std::function<void()>> open;               ///< products not yet in a group
  std::deque<std::vector<std::function<void()>>> groups; ///< in flight
  std::deque<std::shared_ptr<bool>> stores; ///< groups of stores, oldest first: whether their shared memory was read
};

/// A cluster and the clock that moves it.
struct Machine {
  std::array<Block, Tile::cluster> blocks;
  std::vector<std::unique_ptr<Actor>> actors;
  std::vector<std::function<void()>> loads, stores; ///< copies that are under way
  Meeting everyone;
  std::binary_semaphore back{0};
  std::mt19937 random;
  bool stopping = false;
  std::uint32_t first_block = 0, grid = 0;
};

Machine* machine = nullptr;
thread_local Actor* self = nullptr;

void wait_for(Condition condition) {
  self->ready = std::move(condition);
  machine->back.release();
  self->turn.acquire();
  if (machine->stopping) throw Stop{};
}

void meet(Meeting& meeting, int count) {
  long const round = meeting.round;
  if (++meeting.arrived == count) {
    meeting.arrived = 0;
    ++meeting.round;
  }
  wait_for([&meeting, round] { return meeting.round > round; });
}

/// In place of ptx::Sm90.
struct Emulated {
  struct Map {
    Matrix* matrix;
    Matrix* writes;
    int box_rows;
  };

  static void meet_warp() { meet(own().meetings[100 + thread() / 32], 32); }
  static Block& own() { return machine->blocks[static_cast<std::size_t>(self->block)]; }
  static int thread() { return self->thread; }
  static std::uint32_t block() { return machine->first_block + static_cast<std::uint32_t>(self->block); }
  static std::uint32_t blocks() { return machine->grid; }
  static std::uint32_t cluster_block() { return static_cast<std::uint32_t>(self->block); }
  template <int registers> static void give_registers() {}
  template <int registers> static void take_registers() {}
  static void prefetch_map(Map const&) {}

  static void barrier_init(std::uint32_t barrier, int arrivals) { own().barriers[barrier] = {arrivals, arrivals}; }
  static void barrier_init_fence() {}
  static void barrier_expect(std::uint32_t barrier, std::uint32_t bytes) {
    own().barriers.at(barrier).bytes += bytes;
    own().barriers.at(barrier).arrive();
  }
  static void barrier_arrive(std::uint32_t barrier, std::uint32_t to) {
    machine->blocks.at(to).barriers.at(barrier).arrive();
  }
  static void barrier_wait(std::uint32_t barrier, std::uint32_t parity) {
    wait_for([&state = own().barriers.at(barrier), parity] { return state.phase % 2 != parity; });
  }
  static void barrier_wait_cluster(std::uint32_t barrier, std::uint32_t parity) { barrier_wait(barrier, parity); }
  static void cluster_sync() { meet(machine->everyone, static_cast<int>(machine->actors.size())); }
  static void warpgroup_sync(int id) { meet(own().meetings[id], 128); }

  static void load_box(std::uint32_t to, Map const& map, int column, int row, std::uint32_t barrier) {
    load_box(to, map, column, row, barrier, static_cast<std::uint16_t>(1U << self->block));
  }
  static void load_box(std::uint32_t to, Map const& map, int column, int row, std::uint32_t barrier,
                       std::uint16_t mask) {
    for (std::size_t block = 0; block < Tile::cluster; ++block)
      if (mask >> block & 1)
        machine->loads.emplace_back([=, &target = machine->blocks[block]] {
          auto& from = *map.matrix;
          for (int r = 0; r < map.box_rows; ++r)
            for (int c = 0; c < 64; ++c)
              target.shared.put(boxed(to, r, c),
                                from.has(row + r, column + c) ? from.at(row + r, column + c) : std::int16_t{0});
          target.barriers.at(barrier).complete(map.box_rows * 128L);
        });
  }
  static void store_box(Map const& map, int column, int row, std::uint32_t from) {
    auto const read = self->stores.emplace_back(std::make_shared<bool>(false));
    machine->stores.emplace_back([=, &shared = own().shared] {
      for (int r = 0; r < map.box_rows; ++r)
        for (int c = 0; c < 64; ++c)
          if (map.matrix->has(row + r, column + c)) {
            map.matrix->at(row + r, column + c) = shared.get(boxed(from, r, c));
            ++map.writes->at(row + r, column + c);
          }
      *read = true;
    });
  }
  /// Groups may be read in any order; the wait is for all but the last ones.
  template <int pending> static void stores_read() {
    wait_for([&stores = self->stores] {
      while (stores.size() > pending && *stores.front()) stores.pop_front();
      return stores.size() <= pending;
    });
  }
  static void stores_done() { stores_read<0>(); }
  static void async_fence() {}

  /// Small integers stand for bf16.
  static std::uint32_t pack_bf16(float low, float high) {
    return (static_cast<std::uint32_t>(static_cast<int>(high)) << 16) |
           (static_cast<std::uint32_t>(static_cast<int>(low)) & 0xFFFFU);
  }
  /// Lanes 8j to 8j+7 name the rows of matrix j; lane l holds values 2·(l%4) and +1 of row l/4 of each.
  static void stmatrix(std::uint32_t address, std::uint32_t r0, std::uint32_t r1, std::uint32_t r2, std::uint32_t r3) {
    auto const warp = static_cast<std::size_t>(thread() / 32), lane = static_cast<std::size_t>(thread() % 32);
    auto& addresses = own().addresses[warp];
    addresses[lane] = address;
    meet_warp();
    std::array const r{r0, r1, r2, r3};
    for (std::size_t j = 0; j < 4; ++j)
      for (std::uint32_t half = 0; half < 2; ++half)
        own().shared.put(addresses[8 * j + lane / 4] + static_cast<std::uint32_t>(lane % 4) * 4 + half * 2,
                         static_cast<std::int16_t>(r[j] >> (16 * half)));
    if (lane < 4) { // eight rows at once: in different banks, or they queue
      std::set<std::uint32_t> banks;
      for (std::size_t i = 0; i < 8; ++i) banks.insert(addresses[8 * lane + i] / 16 % 8);
      EXPECT_EQ(banks.size(), 8U);
    }
    meet_warp();
  }

  static void wgmma_fence() {}
  static void wgmma_commit() {
    self->groups.push_back(std::move(self->open));
    self->open.clear();
  }
  /// A warp executes it as one (.sync.aligned); the four warps of a warpgroup do not wait for one another.
  template <int pending> static void wgmma_wait() {
    for (; self->groups.size() > pending; self->groups.pop_front())
      for (auto const& product : self->groups.front()) product();
    meet_warp();
  }
  static void multiply_bf16(float (&d)[128], std::uint64_t a, std::uint64_t b, bool add) {
    self->open.emplace_back([=, d = &d[0]] { product(d, a, b, add); });
  }

private:
  /// m64n256k16; figure "WGMMA .m64nNk16 register fragment layout for accumulator matrix D".
  static void product(float* d, std::uint64_t a, std::uint64_t b, bool add) {
    EXPECT_EQ(a >> 62, 1U) << "swizzle of 128 bytes";
    EXPECT_EQ(b >> 62, 1U) << "swizzle of 128 bytes";
    EXPECT_EQ((a | b) >> 49 & 7, 0U) << "base offset";
    int const lane = thread() % 32, first_row = thread() % 128 / 32 * 16 + lane / 4;
    int left[2][16];
    for (int k = 0; k < 16; ++k)
      for (int half = 0; half < 2; ++half) left[half][k] = described(own().shared, a, first_row + 8 * half, k);
    for (int i = 0; i < 128; i += i % 2 ? 3 : 1) { // i and i + 2 share a column
      int const column = i / 4 * 8 + lane % 4 * 2 + i % 2;
      int sum[2] = {0, 0};
      for (int k = 0; k < 16; ++k) {
        int const right = described(own().shared, b, column, k);
        sum[0] += left[0][k] * right;
        sum[1] += left[1][k] * right;
      }
      for (int half = 0; half < 2; ++half)
        d[i + 2 * half] = (add ? d[i + 2 * half] : 0) + static_cast<float>(sum[half]);
    }
  }
};

class Play {
public:
  explicit Play(unsigned seed) {
    machine_.random.seed(seed);
    machine = &machine_;
  }

  /// One cluster of a grid of so many.
  void run(int cluster, int clusters, Emulated::Map const& a, Emulated::Map const& b, Emulated::Map const& c,
           TileGrid const& grid) {
    machine_.first_block = static_cast<std::uint32_t>(cluster * Tile::cluster);
    machine_.grid = static_cast<std::uint32_t>(clusters * Tile::cluster);
    std::vector<std::thread> threads;
    for (int block = 0; block < Tile::cluster; ++block)
      for (int thread = 0; thread < Tile::threads; ++thread)
        if (thread == 0 || thread >= 128) { // the others of the first warpgroup do nothing
          auto& actor = *machine_.actors.emplace_back(std::make_unique<Actor>());
          actor.block = block;
          actor.thread = thread;
          actor.ready = [] { return true; };
          threads.emplace_back([&] { live(actor, a, b, c, grid); });
        }
    EXPECT_TRUE(turns()) << "stuck";
    machine_.stopping = true;
    for (auto& actor : machine_.actors)
      if (!actor->ended) {
        actor->turn.release();
        machine_.back.acquire();
      }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(machine_.loads.empty() && machine_.stores.empty()) << "copies outlive the cluster";
  }

private:
  void live(Actor& actor, Emulated::Map const& a, Emulated::Map const& b, Emulated::Map const& c,
            TileGrid const& grid) {
    self = &actor;
    actor.turn.acquire();
    try {
      if (!machine_.stopping) WgmmaKernel<Emulated>::run(a, b, c, grid, 0);
    } catch (Stop const&) {
    }
    actor.ended = true;
    machine_.back.release();
  }

  /// False when nobody can move any more. Stores are put off until somebody waits for them.
  bool turns() {
    auto& actors = machine_.actors;
    for (;;) {
      bool const copied = machine_.random() % 32 == 0 && copy(machine_.loads);
      std::size_t const first = machine_.random() % actors.size();
      Actor* next = nullptr;
      bool all_ended = true;
      for (std::size_t i = 0; i < actors.size() && !next; ++i) {
        auto& actor = *actors[(first + i) % actors.size()];
        all_ended = all_ended && actor.ended;
        if (!actor.ended && actor.ready()) next = &actor;
      }
      if (next) {
        next->turn.release();
        machine_.back.acquire();
      } else if (all_ended || (!copied && !copy(machine_.loads) && !copy(machine_.stores))) {
        return all_ended;
      }
    }
  }
  bool copy(std::vector<std::function<void()>>& engine) {
    if (engine.empty()) return false;
    std::swap(engine[machine_.random() % engine.size()], engine.back());
    auto const done = std::move(engine.back());
    engine.pop_back();
    done();
    return true;
  }

  Machine machine_;
};

struct Case {
  Shape shape;
  int clusters;
};

class WgmmaKernelTest : public testing::TestWithParam<Case> {};

TEST_P(WgmmaKernelTest, EmulatedProductIsRight) {
  auto const [s, clusters] = GetParam();
  Matrix a(s.m, s.k, 1), b(s.n, s.k, 2), c(s.m, s.n), writes(s.m, s.n);
  Emulated::Map const a_map{&a, nullptr, Tile::m}, b_map{&b, nullptr, Tile::b_rows}, c_map{&c, &writes, 64};
  TileGrid const grid{blocks(s.m, Tile::m * Tile::cluster), blocks(s.n, Tile::n), blocks(s.k, Tile::k)};
  for (int cluster = 0; cluster < clusters; ++cluster)
    Play(static_cast<unsigned>(cluster + 1)).run(cluster, clusters, a_map, b_map, c_map, grid);
  expect_product(a, b, c, writes);
}

// One tile; less than a tile; three tiles of one cluster with an odd number of tile rows and k beyond the ring; more
// clusters than tiles.
INSTANTIATE_TEST_SUITE_P(Shapes, WgmmaKernelTest,
                         testing::Values(Case{{256, 256, 64}, 1}, Case{{1, 8, 8}, 1}, Case{{129, 520, 328}, 1},
                                         Case{{300, 264, 136}, 3}, Case{{8, 8, 72}, 2}));

} // namespace
} // namespace maru::tensor
