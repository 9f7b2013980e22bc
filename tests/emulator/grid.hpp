// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/emulator/fiber.hpp"
#include "tests/emulator/task.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

/// Runs grids of threads on one thread of the host. Each is a fiber, that goes on until it has to wait; the blocks of a
/// cluster run at once, clusters one after another.
namespace maru::emulator {

/// What the hardware would not do, or would do to nobody's joy: a deadlock, an address outside of shared memory, a
/// warp whose threads meet at different instructions …
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Dimensions {
  unsigned x = 1, y = 1, z = 1;
  std::size_t count() const { return std::size_t{x} * y * z; }
};

struct Shape {
  Dimensions grid, block;
  std::size_t shared_bytes = 0;
  unsigned cluster = 1; ///< along x
};

/// Orders in which what is unordered happens. Seed 0: threads in their order, and all that the hardware does in the
/// background at the last moment. Other seeds: threads in changing orders, some warps held back for a while, and the
/// background's work late (seed % 3 == 0), at once (1), or at random times (2). Odd seeds also leave dynamic shared
/// memory on a boundary of 16 bytes only.
void set_seed(std::uint64_t seed);

/// Throws Failure.
void run_grid(Shape const& shape, std::function<void()> const& kernel);

// What follows is for the emulated instructions.

struct Block;
struct Cluster;

struct Waiting {
  char const* what = nullptr;
  std::uint32_t number = 0; ///< which barrier, which phase: for the reader of a dump
  bool (*over)(void*) = nullptr;
  void* context = nullptr;
};

/// The groups of one thread that wait to be waited for.
struct Groups {
  std::vector<std::shared_ptr<Task>> open;
  std::deque<std::vector<std::shared_ptr<Task>>> committed;
  void commit() { committed.push_back(std::move(open)), open.clear(); }
  /// Does what all but the last `pending` groups hold.
  void finish(std::size_t pending);
};

struct Warp;
struct Thread {
  Dimensions index;
  int number = 0; ///< in the block
  Block* block = nullptr;
  Warp* warp = nullptr;
  Fiber* fiber = nullptr;
  Waiting waiting;
  bool ended = false;
  Groups copies; ///< cp.async
  Groups stores; ///< cp.async.bulk, of shared memory; what they write comes later
  std::vector<std::shared_ptr<Task>> writes;
  std::vector<std::uint32_t> unfenced;     ///< granules of shared memory that it wrote and the engine cannot see yet
  std::vector<std::uint32_t> new_barriers; ///< initialised and not made known

  int lane() const { return number % 32; }
};

/// Lanes of a warp on their way to do one thing together.
struct Meeting {
  std::uint32_t arrived = 0;
  std::uint64_t turn = 0;
  char const* what = "";
  std::array<void*, 32> lanes{};
};

struct TensorQueue;

struct Warp {
  int number = 0;
  Block* block = nullptr;
  std::uint32_t lanes = 0; ///< that exist
  std::map<std::uint32_t, Meeting> meetings;
  std::shared_ptr<TensorQueue> tensor; ///< wgmma in flight
  std::size_t products = 0;            ///< wgmma issued
  std::vector<int> register_counts;    ///< by setmaxnreg
};

struct NamedBarrier {
  unsigned arrived = 0, expected = 0;
  std::uint64_t turn = 0;
};

/// mbarrier, as the PTX ISA describes it.
struct PhaseBarrier {
  int expected = 0, pending = 0;
  std::int64_t bytes = 0;
  std::uint32_t phase = 0;
  bool known = false;         ///< to other blocks and the engine
  bool remote = false;        ///< another block arrived in this phase
  bool remote_before = false; ///< or in the one before
};

struct Product {
  std::uint64_t a = 0, b = 0;
  bool add = false;
  bool operator==(Product const&) const = default;
};

struct Block {
  Dimensions index;
  unsigned rank = 0; ///< in the cluster
  Cluster* cluster = nullptr;
  std::vector<Thread> threads;
  std::deque<Warp> warps;
  std::array<NamedBarrier, 16> barriers;
  std::map<std::uint32_t, PhaseBarrier> phase_barriers; ///< by address
  std::vector<std::vector<Product>> products;           ///< of each warpgroup
  std::vector<std::uint16_t> unfenced;                  ///< who wrote each 16 bytes of shared memory, plus 1
  std::vector<unsigned char> engine_view;               ///< shared memory as of the last fence
  unsigned char* window = nullptr;                      ///< byte 0 of shared memory
  std::uint32_t dynamic_begin = 0, dynamic_end = 0;
  int free_registers = 0, launch_registers = 0;
  int alive = 0;
};

struct Cluster {
  Shape shape;
  std::deque<Block> blocks;
  std::uint64_t turn = 0; ///< of the cluster's barrier
  int arrived = 0;
  int alive = 0;
};

Thread& self();
[[noreturn]] void fail(std::string const& why);
std::string name_of(Thread const& thread);

template <class Over> void wait_until(char const* what, std::uint32_t number, Over over) {
  if (over()) return;
  self().waiting = {what, number, [](void* context) { return (*static_cast<Over*>(context))(); }, &over};
  Fiber::pause();
  self().waiting = {};
}

/// The lanes of the mask meet; the last does `action` for all, given what each of them brought.
template <class Mine, class Action> void meet(char const* what, std::uint32_t mask, Mine& mine, Action const& action) {
  Thread& me = self();
  std::uint32_t const bit = 1U << me.lane();
  mask &= me.warp->lanes;
  if (!(mask & bit)) fail(std::string("is not in its own mask at ") + what);
  Meeting& meeting = me.warp->meetings[mask];
  if (meeting.arrived == 0)
    meeting.what = what;
  else if (std::strcmp(meeting.what, what) != 0)
    fail(std::string("comes to ") + what + " where others of its warp wait at " + meeting.what);
  meeting.arrived |= bit;
  meeting.lanes[static_cast<std::size_t>(me.lane())] = &mine;
  if (meeting.arrived == mask) {
    action([&](int lane) -> Mine& { return *static_cast<Mine*>(meeting.lanes[static_cast<std::size_t>(lane)]); });
    meeting.arrived = 0;
    ++meeting.turn;
    return;
  }
  wait_until(what, 0, [&meeting, turn = meeting.turn] { return meeting.turn != turn; });
}

constexpr std::uint32_t all_lanes = ~0U;
/// For instructions of a whole warp.
template <class Mine, class Action> void meet_all(char const* what, Mine& mine, Action const& action) {
  if (self().warp->lanes != all_lanes) fail(std::string("is in a warp of fewer than 32 threads at ") + what);
  meet(what, all_lanes, mine, action);
}

/// barrier.sync: the block's barrier 0 to 15. 0 threads: all of the block.
void sync_block(unsigned id, unsigned threads);
void sync_warp(std::uint32_t mask);
void sync_cluster();

// Shared memory. Addresses are those of the window shared::cta: below 1024 lies what the system keeps for itself, then
// the variables, then what the launch asked for.
unsigned char* dynamic_memory();
std::uint32_t shared_address(void const* pointer);
/// Fails unless [address, address + bytes) is shared memory of the block, on such a boundary.
unsigned char* shared_pointer(Block& block, std::uint32_t address, std::size_t bytes, std::uint32_t boundary);

} // namespace maru::emulator
