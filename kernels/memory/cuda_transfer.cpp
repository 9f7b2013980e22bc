// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/lane.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace maru {
namespace {

int current_device() {
  int device = 0;
  MARU_CHECK(CudaApi, cudaGetDevice(&device));
  return device;
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&value, which, device));
  return value;
}

/// Another device is the current one for as long as this lives.
class OnDevice {
public:
  explicit OnDevice(int device) : before_(current_device()) { MARU_CHECK(CudaApi, cudaSetDevice(device)); }
  ~OnDevice() { cudaSetDevice(before_); }
  OnDevice(OnDevice const&) = delete;
  OnDevice& operator=(OnDevice const&) = delete;

private:
  int before_;
};

/// Makes the copies of two streams start together and be over together: one call of the work on the first stream.
class SecondStream {
public:
  SecondStream() {
    auto status = cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
    if (status == cudaSuccess) status = cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming);
    if (status == cudaSuccess) status = cudaEventCreateWithFlags(&join_, cudaEventDisableTiming);
    if (status == cudaSuccess) return;
    release();
    MARU_CHECK(CudaApi, status);
  }
  ~SecondStream() { release(); }
  SecondStream(SecondStream const&) = delete;
  SecondStream& operator=(SecondStream const&) = delete;

  cudaStream_t stream() const { return stream_; }
  void start_with(cudaStream_t first) {
    MARU_CHECK(CudaApi, cudaEventRecord(fork_, first));
    MARU_CHECK(CudaApi, cudaStreamWaitEvent(stream_, fork_, 0));
  }
  void end_with(cudaStream_t first) {
    MARU_CHECK(CudaApi, cudaEventRecord(join_, stream_));
    MARU_CHECK(CudaApi, cudaStreamWaitEvent(first, join_, 0));
  }

private:
  void release() {
    if (stream_) cudaStreamSynchronize(stream_);
    if (join_) cudaEventDestroy(join_);
    if (fork_) cudaEventDestroy(fork_);
    if (stream_) cudaStreamDestroy(stream_);
  }
  cudaStream_t stream_ = nullptr;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
};

/// Random bytes: the sequence of random_bits, eight bytes a number, the last one cut.
void fill_bytes(char* to, std::size_t from, std::size_t count, std::uint64_t seed) {
  for (std::size_t at = 0; at < count; at += 8) {
    std::uint64_t const word = random_bits(seed, (from + at) / 8);
    std::memcpy(to + at, &word, std::min<std::size_t>(8, count - at));
  }
}

/// `data` are the bytes from `from` on, a multiple of 8.
void compare_bytes(char const* data, std::size_t from, std::size_t count, std::uint64_t seed, char const* what,
                   Tally& tally) {
  tally.compared(count);
  for (std::size_t at = 0; at < count; at += 8) {
    std::uint64_t const word = random_bits(seed, (from + at) / 8);
    std::size_t const length = std::min<std::size_t>(8, count - at);
    if (std::memcmp(data + at, &word, length) == 0) continue;
    auto const* const expected = reinterpret_cast<unsigned char const*>(&word);
    for (std::size_t i = 0; i < length; ++i) {
      auto const got = static_cast<unsigned char>(data[at + i]);
      if (tally.tolerates(got == expected[i] ? 0 : 1, 0)) continue;
      tally.wrong(
          [&] { return fmt::format("{}: byte {} is {:#04x}, not {:#04x}", what, from + at + i, got, expected[i]); });
    }
  }
}

/// Device memory is filled and read back by way of a small page-locked window: the driver may take bytes from there at
/// any time until the copy has ended.
class Window {
public:
  explicit Window(std::size_t bytes) : bytes_(std::min(bytes, longest)) {}

  void fill_device(void* to, std::size_t count, std::uint64_t seed) {
    each(count, [&](std::size_t from, std::size_t length) {
      fill_bytes(bytes_.as<char>(), from, length, seed);
      MARU_CHECK(CudaApi, cudaMemcpy(static_cast<char*>(to) + from, bytes_.data(), length, cudaMemcpyHostToDevice));
    });
  }
  void compare_device(void const* with, std::size_t count, std::uint64_t seed, char const* what, Tally& tally) {
    each(count, [&](std::size_t from, std::size_t length) {
      std::memset(bytes_.data(), 0xff, length);
      auto const* const at = static_cast<char const*>(with) + from;
      MARU_CHECK(CudaApi, cudaMemcpy(bytes_.data(), at, length, cudaMemcpyDeviceToHost));
      compare_bytes(bytes_.as<char>(), from, length, seed, what, tally);
    });
  }

private:
  static constexpr std::size_t longest = std::size_t{8} << 20;
  template <class Part> void each(std::size_t count, Part const& part) {
    for (std::size_t from = 0; from < count; from += longest) part(from, std::min(longest, count - from));
  }
  PinnedBytes bytes_;
};

void poison(void* device_memory, std::size_t bytes) {
  MARU_CHECK(CudaApi, cudaMemset(device_memory, 0xff, bytes));
  MARU_CHECK(CudaApi,
             cudaDeviceSynchronize()); // a memset may return before it is over, and our streams do not wait for it
}

/// Page-locked host memory and a device. Its pages are placed by the thread that allocates and first writes them, which
/// is the rank's own, bound where the launcher bound it.
class HostTransfer final : public Work {
public:
  HostTransfer(Transfer const& transfer, Site const& site)
      : kind_(transfer.kind), bytes_(transfer.bytes), up_seed_(random_bits(site.seed, 0)),
        down_seed_(random_bits(site.seed, 1)), window_(bytes_) {
    if (goes_up()) {
      up_from_ = PinnedBytes(bytes_);
      up_to_ = DeviceBytes(bytes_);
      fill_bytes(up_from_.as<char>(), 0, bytes_, up_seed_);
    }
    if (goes_down()) {
      down_from_ = DeviceBytes(bytes_);
      down_to_ = PinnedBytes(bytes_);
      window_.fill_device(down_from_.data(), bytes_, down_seed_);
      std::memset(down_to_.data(), 0xff, bytes_);
    }
    // What was copied to the device from the legacy stream may still be on its way.
    MARU_CHECK(CudaApi, cudaDeviceSynchronize());
  }

  void call() override {
    auto const first = lane_.stream();
    if (kind_ == TransferKind::host_to_device) return up(first);
    if (kind_ == TransferKind::device_to_host) return down(first);
    second_.start_with(first);
    up(first);
    down(second_.stream());
    second_.end_with(first);
  }

  Verification verify() override {
    if (goes_up()) poison(up_to_.data(), bytes_);
    if (goes_down()) std::memset(down_to_.data(), 0xff, bytes_);
    call();
    lane_.wait();
    Tally tally("exact");
    if (goes_up()) window_.compare_device(up_to_.data(), bytes_, up_seed_, "to the device", tally);
    if (goes_down()) compare_bytes(down_to_.as<char>(), 0, bytes_, down_seed_, "to the host", tally);
    return std::move(tally).result();
  }

  Lane& lane() override { return lane_; }
  std::string implementation() const override {
    if (kind_ != TransferKind::both_ways) return "page-locked";
    int const engines = attribute(cudaDevAttrAsyncEngineCount, current_device());
    return fmt::format("page-locked, two streams, {} copy engine{}", engines, engines == 1 ? "" : "s");
  }

private:
  bool goes_up() const { return kind_ != TransferKind::device_to_host; }
  bool goes_down() const { return kind_ != TransferKind::host_to_device; }
  void up(cudaStream_t stream) {
    MARU_CHECK(CudaApi, cudaMemcpyAsync(up_to_.data(), up_from_.data(), bytes_, cudaMemcpyHostToDevice, stream));
  }
  void down(cudaStream_t stream) {
    MARU_CHECK(CudaApi, cudaMemcpyAsync(down_to_.data(), down_from_.data(), bytes_, cudaMemcpyDeviceToHost, stream));
  }

  TransferKind kind_;
  std::size_t bytes_;
  std::uint64_t up_seed_, down_seed_;
  Window window_;
  PinnedBytes up_from_, down_to_;
  DeviceBytes up_to_, down_from_;
  SecondStream second_; // these two last: they wait for what uses the memory
  StreamLane lane_;
};

/// Whether the devices reach each other's memory, which is switched on here if so.
bool enable_peer(int device, int peer) {
  int possible = 0;
  MARU_CHECK(CudaApi, cudaDeviceCanAccessPeer(&possible, device, peer));
  if (!possible) return false;
  OnDevice const on(device);
  auto const status = cudaDeviceEnablePeerAccess(peer, 0);
  if (status != cudaErrorPeerAccessAlreadyEnabled)
    MARU_CHECK(CudaApi, status);
  else
    cudaGetLastError(); // or it would be blamed on the next call
  return true;
}

class PeerTransfer final : public Work {
public:
  PeerTransfer(Transfer const& transfer, Site const& site, int devices)
      : bytes_(transfer.bytes), seed_(random_bits(site.seed, 0)), device_(current_device()),
        peer_((device_ + transfer.offset) % devices), window_(bytes_), from_(bytes_) {
    direct_ = enable_peer(device_, peer_);
    {
      OnDevice const on(peer_);
      to_ = DeviceBytes(bytes_);
    }
    window_.fill_device(from_.data(), bytes_, seed_);
    MARU_CHECK(CudaApi, cudaDeviceSynchronize());
  }

  void call() override {
    MARU_CHECK(CudaApi, cudaMemcpyPeerAsync(to_.data(), peer_, from_.data(), device_, bytes_, lane_.stream()));
  }

  Verification verify() override {
    {
      OnDevice const on(peer_);
      poison(to_.data(), bytes_);
    }
    call();
    lane_.wait();
    Tally tally("exact");
    OnDevice const on(peer_);
    auto const what = fmt::format("device {} to {}", device_, peer_);
    window_.compare_device(to_.data(), bytes_, seed_, what.c_str(), tally);
    return std::move(tally).result();
  }

  Lane& lane() override { return lane_; }
  std::string implementation() const override {
    return fmt::format("device {} to {}, {}", device_, peer_, direct_ ? "NVLink/PCIe peer" : "through host");
  }

private:
  std::size_t bytes_;
  std::uint64_t seed_;
  int device_, peer_;
  bool direct_ = false;
  Window window_;
  DeviceBytes from_, to_;
  StreamLane lane_; // last: it waits for what uses the memory
};

std::optional<Skipped> refuse_peer(int offset, int devices) {
  // Nothing in it that differs between the ranks of a host.
  if (devices == 1)
    return Skipped{
        "this process sees one CUDA device (CUDA_VISIBLE_DEVICES counts), and a copy between two needs both"};
  if (offset < 1 || offset >= devices)
    return Skipped{fmt::format("no other device is {} places further among {}", offset, devices)};
  return std::nullopt;
}

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const transfer = std::get_if<Transfer>(&operation);
  if (!transfer) return Skipped{fmt::format("copies between memories only, not {}", name(operation))};
  if (transfer->bytes == 0) return Skipped{"nothing to copy"};
  int devices = 0;
  auto const status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    cudaGetLastError();
    return Skipped{fmt::format("no CUDA device: {}", cudaGetErrorString(status ? status : cudaErrorNoDevice))};
  }
  return transfer->kind == TransferKind::peer ? refuse_peer(transfer->offset, devices) : std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& transfer = std::get<Transfer>(operation);
  if (transfer.kind != TransferKind::peer) return std::make_unique<HostTransfer>(transfer, site);
  int devices = 0;
  MARU_CHECK(CudaApi, cudaGetDeviceCount(&devices));
  return std::make_unique<PeerTransfer>(transfer, site, devices);
}

} // namespace

extern Backend const cuda_transfer_backend;
Backend const cuda_transfer_backend{
    "cuda_copy", "cuda",    "copies between page-locked host memory and devices, and between devices", false, supports,
    prepare,     "transfer"};

} // namespace maru
