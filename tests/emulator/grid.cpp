// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/grid.hpp"

#include "tests/emulator/scheduler.hpp"

#include <algorithm>
#include <cstdlib>

// What the linker knows about the section of the __shared__ variables; null when there are none.
extern "C" {
extern unsigned char __start_maru_shared[] __attribute__((weak)); // NOLINT
extern unsigned char __stop_maru_shared[] __attribute__((weak));  // NOLINT
}

namespace maru::emulator {
namespace {

constexpr std::uint32_t system_bytes = 1024; // of a block's shared memory, from compute capability 8.0 on
constexpr std::size_t window_bytes = std::size_t{256} << 10U;
constexpr std::size_t most_shared_bytes = std::size_t{227} << 10U;
constexpr int poison = 0xFF; // NaN in every float format

std::size_t variable_bytes() { return static_cast<std::size_t>(__stop_maru_shared - __start_maru_shared); }

/// Shared memory of one block. Its boundaries are the window's.
unsigned char* window(std::size_t i) {
  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };
  static std::vector<std::unique_ptr<unsigned char, Free>> windows;
  while (windows.size() <= i)
    windows.emplace_back(static_cast<unsigned char*>(std::aligned_alloc(window_bytes, window_bytes)));
  return windows[i].get();
}

void lay_out_memory(Block& block, std::size_t shared_bytes) {
  block.window = window(block.rank);
  auto const variables = static_cast<std::uint32_t>((variable_bytes() + 15) / 16 * 16);
  block.dynamic_begin = (system_bytes + variables + 1023) / 1024 * 1024;
  if (seed() % 2 == 1) block.dynamic_begin = system_bytes + variables + static_cast<std::uint32_t>(seed() % 61) * 16;
  block.dynamic_end = block.dynamic_begin + static_cast<std::uint32_t>(shared_bytes);
  if (block.dynamic_end > window_bytes) throw Failure("the variables in shared memory are too large");
  std::memset(block.window, poison, window_bytes);
  block.unfenced.assign(window_bytes / 16, 0);
  block.engine_view.assign(window_bytes, poison);
}

void make_threads(Block& block, Dimensions const& size) {
  auto const count = size.count();
  block.threads.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& thread = block.threads[i];
    thread.index = {static_cast<unsigned>(i % size.x), static_cast<unsigned>(i / size.x % size.y),
                    static_cast<unsigned>(i / size.x / size.y)};
    thread.number = static_cast<int>(i);
    thread.block = &block;
    if (i % 32 == 0) {
      auto& warp = block.warps.emplace_back();
      warp.number = static_cast<int>(i / 32);
      warp.block = &block;
    }
    thread.warp = &block.warps.back();
    thread.warp->lanes |= 1U << (i % 32);
  }
  block.products.resize((block.warps.size() + 3) / 4);
  block.alive = static_cast<int>(count);
  // What a launch gives at most: the file of 65536 registers, in steps of 8 for a thread.
  block.launch_registers = static_cast<int>(std::min<std::size_t>(65536 / count / 8 * 8, 248));
}

/// Instructions of a warpgroup are those of all its warps.
void check_warpgroups(Block const& block) {
  for (auto const& warp : block.warps) {
    auto const group = static_cast<std::size_t>(warp.number) / 4;
    auto const& first = block.warps[group * 4];
    if (warp.products != block.products[group].size())
      throw Failure("a warp of a warpgroup left out wgmma instructions of the others");
    if (warp.register_counts != first.register_counts)
      throw Failure("the warps of a warpgroup differ in their setmaxnreg instructions");
  }
}

void run_blocks(Shape const& shape, std::size_t first, std::function<void()> const& kernel) {
  Cluster cluster;
  cluster.shape = shape;
  if (variable_bytes() > 0) std::memset(__start_maru_shared, poison, variable_bytes());
  for (unsigned rank = 0; rank < shape.cluster; ++rank) {
    auto const i = first + rank;
    auto& block = cluster.blocks.emplace_back();
    block.index = {static_cast<unsigned>(i % shape.grid.x), static_cast<unsigned>(i / shape.grid.x % shape.grid.y),
                   static_cast<unsigned>(i / shape.grid.x / shape.grid.y)};
    block.rank = rank;
    block.cluster = &cluster;
    lay_out_memory(block, shape.shared_bytes);
    make_threads(block, shape.block);
    cluster.alive += block.alive;
  }
  run_cluster(cluster, kernel);
  for (auto const& block : cluster.blocks) check_warpgroups(block);
  // There is one copy of the variables.
  if (shape.cluster > 1)
    for (std::size_t i = 0; i < variable_bytes(); ++i)
      if (__start_maru_shared[i] != poison) throw Failure("__shared__ variables in clusters are not emulated");
}

} // namespace

void run_grid(Shape const& shape, std::function<void()> const& kernel) {
  if (shape.grid.count() == 0 || shape.block.count() == 0 || shape.block.count() > 1024 || shape.grid.y > 65535 ||
      shape.grid.z > 65535 || shape.block.z > 64 || shape.cluster == 0 || shape.cluster > 8 ||
      shape.grid.x % shape.cluster != 0 || shape.shared_bytes > most_shared_bytes)
    throw Failure("no device takes a grid of this shape");
  for (std::size_t first = 0; first < shape.grid.count(); first += shape.cluster) run_blocks(shape, first, kernel);
}

void sync_block(unsigned id, unsigned threads) {
  Block& block = *self().block;
  if (id >= block.barriers.size()) fail("names a barrier beyond 15");
  if (threads == 0) threads = static_cast<unsigned>(block.threads.size() + 31) / 32 * 32;
  auto& barrier = block.barriers[id];
  if (barrier.arrived == 0) barrier.expected = threads;
  if (barrier.expected != threads) fail("counts other threads at a barrier than those who wait there");
  if (threads % 32 != 0) fail("counts threads at a barrier that are no whole warps");
  // A warp that is not full counts as one that is.
  auto const& last = block.warps.back();
  bool const partial = &last == self().warp && last.lanes != all_lanes;
  bool const counts_for_absent = partial && self().lane() == 0;
  barrier.arrived += counts_for_absent ? 33 - static_cast<unsigned>(__builtin_popcount(last.lanes)) : 1;
  if (barrier.arrived == barrier.expected) {
    barrier.arrived = 0;
    ++barrier.turn;
    return;
  }
  wait_until("waits at barrier", id, [&barrier, turn = barrier.turn] { return barrier.turn != turn; });
}

void sync_warp(std::uint32_t mask) {
  int nothing = 0;
  meet("__syncwarp", mask, nothing, [](auto const&) {});
}

void sync_cluster() {
  Cluster& cluster = *self().block->cluster;
  ++cluster.arrived;
  // Those who ended are not waited for.
  auto const over = [&cluster, turn = cluster.turn] {
    if (cluster.turn == turn && cluster.arrived == cluster.alive) {
      cluster.arrived = 0;
      ++cluster.turn;
    }
    return cluster.turn != turn;
  };
  wait_until("waits at the cluster's barrier", 0, over);
}

unsigned char* dynamic_memory() {
  Block const& block = *self().block;
  return block.window + block.dynamic_begin;
}

std::uint32_t shared_address(void const* pointer) {
  Block const& block = *self().block;
  auto const* const at = static_cast<unsigned char const*>(pointer);
  if (at >= __start_maru_shared && at < __stop_maru_shared)
    return system_bytes + static_cast<std::uint32_t>(at - __start_maru_shared);
  if (at < block.window || at > block.window + block.dynamic_end)
    fail("takes the shared address of what is not in its shared memory");
  return static_cast<std::uint32_t>(at - block.window);
}

unsigned char* shared_pointer(Block& block, std::uint32_t address, std::size_t bytes, std::uint32_t boundary) {
  if (address % boundary != 0)
    fail("uses address " + std::to_string(address) + " of shared memory, which is no multiple of " +
         std::to_string(boundary));
  if (address >= block.dynamic_begin && address + bytes <= block.dynamic_end) return block.window + address;
  if (address >= system_bytes && address + bytes <= system_bytes + variable_bytes())
    return __start_maru_shared + (address - system_bytes);
  fail("uses address " + std::to_string(address) + ", which is outside of its shared memory (" +
       std::to_string(block.dynamic_begin) + " to " + std::to_string(block.dynamic_end) + ")");
}

} // namespace maru::emulator
