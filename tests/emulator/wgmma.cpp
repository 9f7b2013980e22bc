// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/copies.hpp"
#include "tests/emulator/grid.hpp"
#include "tests/emulator/numbers.hpp"

#include <algorithm>

namespace maru::emulator {

/// What a warp has in flight. The hardware splits a warpgroup's product among the warps, 16 rows of A and D each, and
/// a warp's wait promises no more than that its own part is over: so each part is emulated by itself.
struct TensorQueue {
  static constexpr std::size_t rows = 16, columns = 256, per_lane = 128;

  /// Accumulators between the first product and the wait that gives them back, [16,256], 32 bits each.
  struct Sums {
    std::vector<std::uint32_t> elements;
    std::array<void*, 32> home{}; ///< the lanes' registers
    std::shared_ptr<Task> last;   ///< product
  };

  std::map<void*, std::shared_ptr<Sums>> sums; ///< by lane 0's registers
  std::shared_ptr<Task> last;                  ///< products are done in order
  Groups groups;
  bool fenced = false;
};

namespace {

TensorQueue& queue() {
  auto& tensor = self().warp->tensor;
  if (!tensor) tensor = std::make_shared<TensorQueue>();
  return *tensor;
}

/// Between the accumulators' places: lane and register, and row and column.
template <class Each> void for_each_accumulator(TensorQueue::Sums& sums, Each const& each) {
  for (std::size_t lane = 0; lane < 32; ++lane) {
    auto* const home = static_cast<unsigned char*>(sums.home[lane]);
    for (std::size_t i = 0; i < TensorQueue::per_lane; ++i)
      each(home + 4 * i, &sums.elements[accumulator_row(lane, i) * TensorQueue::columns + accumulator_column(lane, i)]);
  }
}

/// From here on the registers hold nothing of use.
void take(TensorQueue::Sums& sums) {
  for_each_accumulator(sums, [](unsigned char* home, std::uint32_t* element) {
    std::memcpy(element, home, 4);
    std::memset(home, 0xFF, 4); // NaN
  });
}

void give_back(TensorQueue::Sums& sums) {
  for_each_accumulator(sums, [](unsigned char* home, std::uint32_t const* element) { std::memcpy(home, element, 4); });
}

template <class Number> std::vector<Number> operand(Block& block, Format format, Descriptor const& matrix,
                                                    std::size_t first, std::size_t rows, bool along_rows) {
  std::size_t const bytes = bytes_of(format), depth = 32 / bytes;
  std::vector<Number> values(rows * depth);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::uint32_t piece = 0; piece < 32; piece += 16) {
      auto const address = place_of(matrix, static_cast<std::uint32_t>(first + r), piece);
      check_fenced(block, address, 16);
      unsigned char const* const from = shared_pointer(block, address, 16, 16);
      for (std::size_t i = 0; i < 16 / bytes; ++i) {
        std::size_t const l = piece / bytes + i;
        values[along_rows ? r * depth + l : l * rows + r] = value_at<Number>(format, from + i * bytes);
      }
    }
  return values;
}

template <class Number> void multiply(Block& block, TensorQueue::Sums& sums, Format a_format, Format b_format,
                                      std::size_t first_row, Product const& product) {
  auto const a = operand<Number>(block, a_format, decode_descriptor(product.a), first_row, TensorQueue::rows, true);
  auto const b = operand<Number>(block, b_format, decode_descriptor(product.b), 0, TensorQueue::columns, false);
  std::vector<Number> d(sums.elements.size());
  if (product.add) std::memcpy(d.data(), sums.elements.data(), 4 * d.size());
  add_product(d.data(), TensorQueue::rows, TensorQueue::columns, 32 / bytes_of(a_format), a.data(), b.data());
  std::memcpy(sums.elements.data(), d.data(), 4 * d.size());
}

/// All warps of the warpgroup issue the same, though not at the same time.
void compare_with_warpgroup(Warp& warp, Product const& product) {
  auto& issued = warp.block->products[static_cast<std::size_t>(warp.number) / 4];
  if (warp.products == issued.size())
    issued.push_back(product);
  else if (!(issued[warp.products] == product))
    fail("issues another wgmma than the other warps of its warpgroup");
  ++warp.products;
}

} // namespace

/// Bits 0-13: start, 16-29: leading dimension, 32-45: stride, each without its lower four bits; 49-51: base offset;
/// 62-63: swizzle.
Descriptor decode_descriptor(std::uint64_t bits) {
  if (bits & 0x3FF1C000C000C000U) fail("has a matrix descriptor with bits that mean nothing");
  auto const bytes = [&](unsigned from) { return static_cast<std::uint32_t>(bits >> from & 0x3FFFU) << 4U; };
  return {bytes(0), bytes(16), bytes(32), static_cast<std::uint32_t>(bits >> 49U & 7U),
          static_cast<std::uint32_t>(bits >> 62U)};
}

/// Rows in groups of eight, the groups `stride` apart. Swizzled, the rows of a group follow one another, and the pieces
/// of 16 bytes change places by bits of the address, counted from where the pattern begins; otherwise a group is cut
/// into columns of 16 bytes, eight rows each, `leading` apart.
std::uint32_t place_of(Descriptor const& matrix, std::uint32_t row, std::uint32_t byte) {
  std::uint32_t const group = matrix.address + row / 8 * matrix.stride;
  if (matrix.swizzle == 0) return group + byte / 16 * matrix.leading + row % 8 * 16 + byte % 16;
  std::uint32_t const width = 256U >> matrix.swizzle; // 128, 64, 32
  std::uint32_t const plain = group + row % 8 * width + byte;
  return plain ^ (((plain - (matrix.base_offset << 7U)) >> 3U) & (width - 16));
}

void wgmma_fence() {
  int nothing = 0;
  meet_all("wgmma.fence", nothing, [](auto const&) { queue().fenced = true; });
}

void wgmma(Format a_format, Format b_format, void* d, std::uint64_t a, std::uint64_t b, bool add) {
  struct Mine {
    void* d;
    Product product;
  } mine{d, {a, b, add}};
  meet_all("wgmma.mma_async", mine, [&](auto const& lanes) {
    auto& tensor = queue();
    Warp& warp = *self().warp;
    Product const product = lanes(0).product;
    for (int lane = 0; lane < 32; ++lane)
      if (!(lanes(lane).product == product)) fail("gives wgmma other arguments than its warp");
    if (!tensor.fenced) fail("issues wgmma without a fence after its registers were in use");
    compare_with_warpgroup(warp, product);
    auto& sums = tensor.sums[lanes(0).d];
    if (!sums) {
      sums = std::make_shared<TensorQueue::Sums>();
      sums->elements.resize(TensorQueue::rows * TensorQueue::columns);
      for (int lane = 0; lane < 32; ++lane) sums->home[static_cast<std::size_t>(lane)] = lanes(lane).d;
      take(*sums);
    }
    auto const first_row = static_cast<std::size_t>(warp.number) % 4 * TensorQueue::rows;
    auto const action = [=, block = warp.block, target = sums.get()] {
      if (a_format == Format::s8)
        multiply<std::int32_t>(*block, *target, a_format, b_format, first_row, product);
      else
        multiply<float>(*block, *target, a_format, b_format, first_row, product);
    };
    tensor.last = begin(Ends::when_waited_for, action, tensor.last);
    sums->last = tensor.last;
    tensor.groups.open.push_back(tensor.last);
  });
}

void wgmma_commit() {
  int nothing = 0;
  meet_all("wgmma.commit_group", nothing, [](auto const&) { queue().groups.commit(); });
}

void wgmma_wait(std::size_t pending) {
  int nothing = 0;
  meet_all("wgmma.wait_group", nothing, [&](auto const&) {
    auto& tensor = queue();
    tensor.groups.finish(pending);
    // By what was waited for, not by what happens to be done.
    auto const awaited = [&](Task const* task) {
      auto const in = [task](auto const& group) {
        return std::any_of(group.begin(), group.end(), [task](auto const& one) { return one.get() == task; });
      };
      auto const& groups = tensor.groups;
      return !in(groups.open) && std::none_of(groups.committed.begin(), groups.committed.end(), in);
    };
    std::erase_if(tensor.sums, [&](auto const& entry) {
      if (!awaited(entry.second->last.get())) return false;
      give_back(*entry.second);
      tensor.fenced = false; // whoever uses the registers now must fence before the next product
      return true;
    });
  });
}

} // namespace maru::emulator
