// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// mbarrier, cp.async and the copy engine, as the PTX ISA describes them ("Parallel Synchronization and Communication
/// Instructions", "Data Movement and Conversion Instructions"). Everything asynchronous goes through begin().
namespace maru::emulator {

// mbarrier. Addresses are of the block's own shared memory, or the same offset in another block of the cluster.

void barrier_init(std::uint32_t barrier, int arrivals);
/// Before it, no other block and not the copy engine may use the barriers that this thread initialised.
void barrier_init_fence();
void barrier_arrive(std::uint32_t barrier);
void barrier_arrive(std::uint32_t barrier, unsigned rank);
void barrier_arrive_expect(std::uint32_t barrier, std::uint32_t bytes);
bool barrier_test(std::uint32_t barrier, std::uint32_t parity, bool cluster_scope);
void barrier_wait(std::uint32_t barrier, std::uint32_t parity, bool cluster_scope);

// cp.async: 16 bytes, of which so many are read and the others become zero.

void copy_16(std::uint32_t to, void const* from, int bytes);
void copy_commit();
void copy_wait(std::size_t pending);

// The copy engine.

/// What cuTensorMapEncodeTiled makes of its arguments, for two dimensions.
struct TensorMap {
  static constexpr std::uint64_t the_mark = 0x6d6172755f6d6170;
  std::uint64_t mark = the_mark;
  unsigned char* base = nullptr;
  std::uint64_t columns = 0, rows = 0, row_stride = 0; ///< elements, elements, bytes
  std::uint32_t box_columns = 0, box_rows = 0, element_bytes = 0;
  std::uint32_t swizzle_mask = 0; ///< bits of the address that are XORed with those three above: 0, 0x10, 0x30, 0x70

  std::uint32_t box_bytes() const { return box_columns * box_rows * element_bytes; }
};

/// To the same offset in every block of the mask, and completing on the barrier of the same offset there.
void load_box(std::uint32_t to, void const* map, int column, int row, std::uint32_t barrier, std::uint32_t mask);
/// Into this thread's open group.
void store_box(void const* map, int column, int row, std::uint32_t from);
void stores_commit();
/// Waits until all but the last `pending` groups have read shared memory; or, written global memory.
void stores_read(std::size_t pending);
void stores_done(std::size_t pending);
/// Ordinary stores of this thread to shared memory become visible to wgmma and the copy engine. Stores of stmatrix()
/// are told apart by thread; of others it is only known whether any thread has fenced since.
void async_fence();
void note_store(std::uint32_t address, std::size_t bytes);
/// Fails when the bytes hold what a thread has stored and not fenced.
void check_fenced(struct Block const& block, std::uint32_t address, std::size_t bytes);

} // namespace maru::emulator
