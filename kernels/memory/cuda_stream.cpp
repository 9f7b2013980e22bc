// SPDX-License-Identifier: Apache-2.0
#include "kernels/memory/cuda_stream.hpp"

#include "core/backend.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/lane.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <span>
#include <vector>

namespace maru {
namespace {

/// What is tried before timing: which is fastest differs between models by some percent, and nothing tells beforehand.
constexpr std::array device_shapes{
    StreamShape{256, 8, false, false}, StreamShape{256, 8, false, true},   StreamShape{512, 8, false, false},
    StreamShape{256, 16, false, true}, StreamShape{256, 16, false, false}, StreamShape{512, 8, true, false},
    StreamShape{256, 16, true, true},
};
constexpr std::array l2_shapes{
    StreamShape{256, 8, true, false},
    StreamShape{512, 8, true, false},
    StreamShape{256, 16, true, false},
    StreamShape{512, 16, true, false},
};

/// A sweep over arrays in the L2 cache takes a few microseconds: a call is as many as move this much, or its launch
/// would be part of the rate.
constexpr double l2_bytes_per_call = 0x1p31;
constexpr double most_sweeps = 0x1p16;

double arrays_of(MemoryKind kind) { return cost(Memory{.kind = kind, .bytes = 1}).bytes; }
bool two_inputs(MemoryKind kind) { return kind == MemoryKind::add || kind == MemoryKind::triad; }

class DeviceStream final : public Work {
public:
  DeviceStream(Memory const& memory, Site const& site)
      : x_seed_(random_bits(site.seed, 0)), y_seed_(random_bits(site.seed, 1)) {
    auto const kind = memory.kind;
    call_.kind = kind;
    call_.count = memory.bytes / sizeof(double);
    call_.salt = random_bits(site.seed, 2);
    double const once = arrays_of(kind) * sizeof(double) * static_cast<double>(call_.count);
    if (memory.space == MemorySpace::l2)
      call_.sweeps = static_cast<std::uint64_t>(std::clamp(std::ceil(l2_bytes_per_call / once), 1.0, most_sweeps));
    allocate();
    auto const stream = lane_.stream();
    if (kind != MemoryKind::write) fill_random(x_.data(), Dtype::f64, call_.count, x_seed_, stream);
    if (two_inputs(kind)) fill_random(y_.data(), Dtype::f64, call_.count, y_seed_, stream);
    lane_.wait();
    choose(memory.space == MemorySpace::l2 ? std::span<StreamShape const>(l2_shapes) : device_shapes);
  }

  void call() override { launch_stream(call_, shape_, grid_, lane_.stream()); }

  Verification verify() override {
    auto const stream = lane_.stream();
    if (call_.kind == MemoryKind::read) return verify_sums();
    poison_device(out_.data(), out_.size(), stream);
    call();
    StreamMismatch result;
    DeviceBytes const on_device(sizeof result);
    MARU_CHECK(CudaApi, cudaMemcpyAsync(on_device.data(), &result, sizeof result, cudaMemcpyHostToDevice, stream));
    check_stream(call_, x_seed_, y_seed_, on_device.as<StreamMismatch>(), stream);
    MARU_CHECK(CudaApi, cudaMemcpyAsync(&result, on_device.data(), sizeof result, cudaMemcpyDeviceToHost, stream));
    lane_.wait();
    return verification(result.wrong, result.wrong == 0 ? std::string() : describe(result.first));
  }

  Lane& lane() override { return lane_; }

  std::string implementation() const override {
    return fmt::format("{} threads with {} elements in flight each, {}{}", shape_.threads, shape_.per_thread,
                       shape_.resident ? "resident blocks" : "a block per tile", shape_.streaming ? ", streaming" : "");
  }

  std::optional<Cost> own_cost() const override {
    return Cost{.bytes = arrays_of(call_.kind) * sizeof(double) * static_cast<double>(call_.count) *
                         static_cast<double>(call_.sweeps)};
  }

private:
  /// Times one shape on a lane of its own: that of the work may hold a graph of another one.
  struct Trial final : Work {
    Trial(StreamCall const& call, StreamShape const& candidate, StreamGrid const& blocks)
        : what(call), shape(candidate), grid(blocks) {}
    void call() override { launch_stream(what, shape, grid, own.stream()); }
    Verification verify() override { return {}; }
    Lane& lane() override { return own; }
    StreamCall what;
    StreamShape shape;
    StreamGrid grid;
    StreamLane own;
  };

  void allocate() {
    auto const bytes = call_.count * sizeof(double);
    if (call_.kind != MemoryKind::write) x_ = DeviceBytes(bytes);
    if (two_inputs(call_.kind)) y_ = DeviceBytes(bytes);
    // Of the smallest tile there are most, and never more blocks than tiles.
    if (call_.kind == MemoryKind::read)
      sums_ = DeviceBytes(stream_grid(device_shapes.front(), call_.count, 0).blocks * sizeof(std::uint64_t));
    else
      out_ = DeviceBytes(bytes);
    call_.x = x_.as<double>();
    call_.y = y_.as<double>();
    call_.out = out_.as<double>();
    call_.sums = sums_.as<std::uint64_t>();
  }

  StreamGrid grid_of(StreamShape const& shape) const {
    return stream_grid(shape, call_.count, shape.resident ? resident_stream_blocks(call_.kind, shape) : 0);
  }

  void choose(std::span<StreamShape const> candidates) {
    constexpr std::uint64_t calls = 3;
    double best = std::numeric_limits<double>::infinity();
    for (auto const& candidate : candidates) {
      auto const grid = grid_of(candidate);
      Trial trial(call_, candidate, grid);
      trial.own.time(trial, 1); // loads the kernel
      double const time = std::min(trial.own.time(trial, calls), trial.own.time(trial, calls));
      if (time >= best) continue;
      best = time;
      shape_ = candidate;
      grid_ = grid;
    }
  }

  Verification verification(std::uint64_t wrong, std::string detail) const {
    return {.checked = true,
            .elements = call_.count,
            .wrong = wrong,
            .max_error = wrong == 0 ? 0 : Tally::beyond,
            .method = "exact",
            .detail = std::move(detail)};
  }

  std::string describe(std::uint64_t i) const {
    double got = 0;
    MARU_CHECK(CudaApi, cudaMemcpy(&got, call_.out + i, sizeof got, cudaMemcpyDeviceToHost));
    double const x = random_value<double>(x_seed_, i), y = random_value<double>(y_seed_, i);
    double expected = x;
    if (call_.kind == MemoryKind::scale) expected = stream_scalar * x;
    if (call_.kind == MemoryKind::add) expected = x + y;
    if (call_.kind == MemoryKind::triad) expected = std::fma(stream_scalar, y, x);
    if (call_.kind == MemoryKind::write) expected = stream_pattern(call_.salt, i);
    return fmt::format("element {} is {}, not {}", i, got, expected);
  }

  /// The bit patterns are added as integers: exact in any order, so every element that was left out, read twice or read
  /// wrong shows.
  Verification verify_sums() {
    auto const stream = lane_.stream();
    poison_device(sums_.data(), sums_.size(), stream);
    call();
    std::vector<std::uint64_t> got(grid_.blocks), tiles(grid_.tiles), expected(grid_.blocks);
    DeviceBytes const tile_sums(tiles.size() * sizeof tiles[0]);
    auto const tile = static_cast<std::uint64_t>(shape_.threads) * static_cast<std::uint64_t>(shape_.per_thread);
    expected_tile_sums(tile_sums.as<std::uint64_t>(), tile, call_.count, x_seed_, stream);
    MARU_CHECK(CudaApi,
               cudaMemcpyAsync(tiles.data(), tile_sums.data(), tile_sums.size(), cudaMemcpyDeviceToHost, stream));
    MARU_CHECK(CudaApi,
               cudaMemcpyAsync(got.data(), sums_.data(), got.size() * sizeof got[0], cudaMemcpyDeviceToHost, stream));
    lane_.wait();
    for (std::uint64_t step = 0; step < grid_.tiles * call_.sweeps; ++step)
      expected[step % grid_.blocks] += tiles[step % grid_.tiles];
    std::uint64_t wrong = 0;
    std::string detail;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] == expected[i]) continue;
      if (wrong++ == 0)
        detail = fmt::format("block {} of {} (element {} and on) added the bits up to {:#x}, not {:#x}", i, got.size(),
                             i * tile, got[i], expected[i]);
    }
    return verification(wrong, detail);
  }

  std::uint64_t x_seed_, y_seed_;
  StreamCall call_;
  StreamShape shape_;
  StreamGrid grid_;
  DeviceBytes x_, y_, out_, sums_;
  StreamLane lane_{StreamLane::Mode::graphs}; // last: it waits for what uses the memory
};

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const memory = std::get_if<Memory>(&operation);
  if (!memory) return Skipped{fmt::format("streams a device's memory only, not {}", name(operation))};
  if (memory->space == MemorySpace::host) return Skipped{"streams a device's memory only, not the host's"};
  if (memory->bytes < sizeof(double)) return Skipped{fmt::format("{} bytes hold no f64", memory->bytes)};
  int device = 0, l2 = 0;
  auto status = cudaGetDevice(&device);
  if (status == cudaSuccess) status = cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, device);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return Skipped{fmt::format("no CUDA device: {}", cudaGetErrorString(status))};
  }
  double const total = arrays_of(memory->kind) * static_cast<double>(memory->bytes);
  if (memory->space == MemorySpace::l2 && total > l2)
    return Skipped{fmt::format("arrays of {:.1f} MiB do not stay in an L2 cache of {:.1f} MiB", total / 0x1p20,
                               static_cast<double>(l2) / 0x1p20)};
  return std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return std::make_unique<DeviceStream>(std::get<Memory>(operation), site);
}

} // namespace

extern Backend const cuda_stream_backend;
Backend const cuda_stream_backend{
    "cuda_stream",  "cuda",   "copy, scale, add, triad, read and write over f64 in device memory or its L2 cache",
    false,          supports, prepare,
    "device_memory"};

} // namespace maru
