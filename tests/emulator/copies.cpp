// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/copies.hpp"

#include "tests/emulator/grid.hpp"

namespace maru::emulator {
namespace {

constexpr std::int64_t most_bytes = (1 << 20) - 1; // that a phase can count
constexpr int most_arrivals = (1 << 20) - 1;

std::string text(std::uint32_t value) { return std::to_string(value); }

PhaseBarrier& barrier_at(Block& block, std::uint32_t address) {
  auto const found = block.phase_barriers.find(address);
  if (found == block.phase_barriers.end()) fail("uses an mbarrier at " + text(address) + " that nobody initialised");
  return found->second;
}

/// A phase ends when nothing is awaited any more, and the next begins at once.
void settle(PhaseBarrier& barrier) {
  if (barrier.bytes < -most_bytes || barrier.bytes > most_bytes) fail("makes an mbarrier's count of bytes overflow");
  if (barrier.pending != 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.remote_before = barrier.remote;
  barrier.remote = false;
}

void arrive(PhaseBarrier& barrier, std::uint32_t address) {
  if (barrier.pending == 0) fail("arrives too often at the mbarrier at " + text(address));
  --barrier.pending;
  settle(barrier);
}

/// The block of this rank, which must not have ended.
Block& peer(Cluster& cluster, unsigned rank) {
  if (rank >= cluster.blocks.size()) fail("names block " + text(rank) + " of a smaller cluster");
  Block& block = cluster.blocks[rank];
  if (block.alive == 0) fail("reaches into the shared memory of a block that has ended");
  return block;
}

void require_known(PhaseBarrier const& barrier, std::uint32_t address) {
  if (!barrier.known) fail("uses the mbarrier at " + text(address) + " from afar, which was not made known by a fence");
}

TensorMap map_of(void const* map) {
  TensorMap result;
  std::memcpy(&result, map, sizeof result);
  if (result.mark != TensorMap::the_mark) fail("names something that is no tensor map");
  return result;
}

/// The bits above the mask by three choose which pieces of 16 bytes change places.
std::uint32_t swizzled(std::uint32_t address, std::uint32_t mask) { return address ^ ((address >> 3) & mask); }

/// Calls `each` with the address of an element in shared memory, and its place in global memory or null outside.
template <class Each>
void for_each_element(TensorMap const& map, int column, int row, std::uint32_t address, Each const& each) {
  for (std::uint32_t r = 0; r < map.box_rows; ++r)
    for (std::uint32_t c = 0; c < map.box_columns; ++c) {
      std::int64_t const at_row = std::int64_t{row} + r, at_column = std::int64_t{column} + c;
      bool const inside = at_row >= 0 && at_column >= 0 && at_row < static_cast<std::int64_t>(map.rows) &&
                          at_column < static_cast<std::int64_t>(map.columns);
      unsigned char* const global = inside ? map.base + static_cast<std::uint64_t>(at_row) * map.row_stride +
                                                 static_cast<std::uint64_t>(at_column) * map.element_bytes
                                           : nullptr;
      each(swizzled(address + (r * map.box_columns + c) * map.element_bytes, map.swizzle_mask), global);
    }
}

void deliver(Block& block, TensorMap const& map, int column, int row, std::uint32_t to, std::uint32_t barrier) {
  if (block.alive == 0) fail("(the copy engine) writes into the shared memory of a block that has ended");
  for_each_element(map, column, row, to, [&](std::uint32_t address, unsigned char const* global) {
    auto* const shared = block.window + address;
    if (global)
      std::memcpy(shared, global, map.element_bytes);
    else
      std::memset(shared, 0, map.element_bytes);
    std::memcpy(&block.engine_view[address], shared, map.element_bytes);
  });
  auto& phase_barrier = barrier_at(block, barrier);
  require_known(phase_barrier, barrier);
  phase_barrier.bytes -= map.box_bytes();
  settle(phase_barrier);
}

} // namespace

void barrier_init(std::uint32_t barrier, int arrivals) {
  Thread& me = self();
  shared_pointer(*me.block, barrier, 8, 8);
  if (arrivals < 1 || arrivals > most_arrivals) fail("initialises an mbarrier with an impossible count");
  if (me.block->phase_barriers.contains(barrier)) fail("initialises the mbarrier at " + text(barrier) + " again");
  PhaseBarrier fresh;
  fresh.expected = fresh.pending = arrivals;
  me.block->phase_barriers[barrier] = fresh;
  me.new_barriers.push_back(barrier);
}

void barrier_init_fence() {
  Thread& me = self();
  for (auto const address : me.new_barriers) me.block->phase_barriers[address].known = true;
  me.new_barriers.clear();
}

void barrier_arrive(std::uint32_t barrier) { arrive(barrier_at(*self().block, barrier), barrier); }

void barrier_arrive(std::uint32_t barrier, unsigned rank) {
  Block const& own = *self().block;
  Block& block = peer(*own.cluster, rank);
  auto& target = barrier_at(block, barrier);
  if (&block != &own) {
    require_known(target, barrier);
    target.remote = true;
  }
  arrive(target, barrier);
}

void barrier_arrive_expect(std::uint32_t barrier, std::uint32_t bytes) {
  auto& target = barrier_at(*self().block, barrier);
  target.bytes += bytes;
  arrive(target, barrier);
}

/// Of the running phase's parity it is false, of the one before it is true: for a new barrier, parity 1.
bool barrier_test(std::uint32_t barrier, std::uint32_t parity, bool cluster_scope) {
  auto const& target = barrier_at(*self().block, barrier);
  if (parity > 1) fail("waits for a parity of " + text(parity));
  bool const over = target.phase % 2 != parity;
  if (over && target.phase > 0 && target.remote_before && !cluster_scope)
    fail("waits at the mbarrier at " + text(barrier) + " for other blocks without acquiring from the cluster");
  return over;
}

void barrier_wait(std::uint32_t barrier, std::uint32_t parity, bool cluster_scope) {
  auto const& target = barrier_at(*self().block, barrier);
  wait_until(parity ? "waits for an odd phase of the mbarrier at" : "waits for an even phase of the mbarrier at",
             barrier, [&target, parity] { return target.phase % 2 != parity; });
  barrier_test(barrier, parity, cluster_scope);
}

void copy_16(std::uint32_t to, void const* from, int bytes) {
  if (bytes < 0 || bytes > 16) fail("copies an impossible number of bytes by cp.async");
  if (bytes > 0 && reinterpret_cast<std::uintptr_t>(from) % 16 != 0) fail("copies from an unaligned place by cp.async");
  auto* const place = shared_pointer(*self().block, to, 16, 16);
  self().copies.open.push_back(begin(Ends::when_waited_for, [=] {
    std::memset(place, 0, 16);
    if (bytes > 0) std::memcpy(place, from, static_cast<std::size_t>(bytes));
  }));
}
void copy_commit() { self().copies.commit(); }
void copy_wait(std::size_t pending) { self().copies.finish(pending); }

void load_box(std::uint32_t to, void const* map, int column, int row, std::uint32_t barrier, std::uint32_t mask) {
  auto const what = map_of(map);
  Block& own = *self().block;
  shared_pointer(own, to, what.box_bytes(), 128);
  if (mask == 0) fail("loads a box for nobody");
  for (unsigned rank = 0; rank < 16; ++rank) {
    if (!(mask >> rank & 1)) continue;
    Block& block = peer(*own.cluster, rank);
    begin(Ends::by_itself,
          [&block, what, column, row, to, barrier] { deliver(block, what, column, row, to, barrier); });
  }
}

void store_box(void const* map, int column, int row, std::uint32_t from) {
  auto const what = map_of(map);
  Thread& me = self();
  shared_pointer(*me.block, from, what.box_bytes(), 128);
  check_fenced(*me.block, from, what.box_bytes());
  auto const held = std::make_shared<std::vector<unsigned char>>();
  auto const read = begin(Ends::when_waited_for, [block = me.block, held, what, column, row, from] {
    for_each_element(what, column, row, from, [&](std::uint32_t address, unsigned char const*) {
      held->insert(held->end(), block->window + address, block->window + address + what.element_bytes);
    });
  });
  me.stores.open.push_back(read);
  me.writes.push_back(begin(
      Ends::when_waited_for,
      [held, what, column, row, from] {
        std::size_t next = 0;
        for_each_element(what, column, row, from, [&](std::uint32_t, unsigned char* global) {
          if (global) std::memcpy(global, held->data() + next, what.element_bytes);
          next += what.element_bytes;
        });
      },
      read));
}
void stores_commit() { self().stores.commit(); }
void stores_read(std::size_t pending) { self().stores.finish(pending); }
void stores_done(std::size_t pending) {
  Thread& me = self();
  me.stores.finish(pending);
  if (pending > 0) return; // the last groups may come first, which is allowed
  for (auto const& write : me.writes) write->perform();
  me.writes.clear();
}

void async_fence() {
  Thread& me = self();
  for (auto const granule : me.unfenced)
    if (me.block->unfenced[granule] == me.number + 1) me.block->unfenced[granule] = 0;
  me.unfenced.clear();
  // Ordinary stores are not watched: this takes those of the other threads for fenced as well.
  Block& block = *me.block;
  std::memcpy(&block.engine_view[block.dynamic_begin], block.window + block.dynamic_begin,
              block.dynamic_end - block.dynamic_begin);
  barrier_init_fence();
}

void note_store(std::uint32_t address, std::size_t bytes) {
  Thread& me = self();
  for (std::uint32_t granule = address / 16; granule <= (address + bytes - 1) / 16; ++granule) {
    me.block->unfenced[granule] = static_cast<std::uint16_t>(me.number + 1);
    me.unfenced.push_back(granule);
  }
}

void check_fenced(Block const& block, std::uint32_t address, std::size_t bytes) {
  for (std::uint32_t granule = address / 16; granule <= (address + bytes - 1) / 16; ++granule)
    if (block.unfenced[granule] != 0)
      fail("lets the engine read what thread " + text(block.unfenced[granule] - 1U) + " stored and did not fence");
  if (address >= block.dynamic_begin && std::memcmp(block.window + address, &block.engine_view[address], bytes) != 0)
    fail("lets the engine read what was stored after the last fence");
}

} // namespace maru::emulator
