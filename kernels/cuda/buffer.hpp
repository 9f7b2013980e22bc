// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <utility>

namespace maru {

/// Bytes of one kind of memory, uninitialised, on a boundary of 256. Moves, and does not copy. Throws
/// Error(incomplete) with the size when there are not enough.
template <class Memory> class OwnedBytes {
public:
  OwnedBytes() = default;
  explicit OwnedBytes(std::size_t size) : data_(size > 0 ? Memory::take(size) : nullptr), size_(size) {}
  OwnedBytes(OwnedBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  OwnedBytes& operator=(OwnedBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~OwnedBytes() {
    if (data_) Memory::give_back(data_);
  }

  void* data() const { return data_; }
  template <class T> T* as() const { return static_cast<T*>(data_); }
  std::size_t size() const { return size_; }

private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// On the device in use; freed on the device it was taken from.
struct DeviceMemory {
  static void* take(std::size_t size);
  static void give_back(void* data) noexcept;
};
using DeviceBytes = OwnedBytes<DeviceMemory>;

/// On the host, page-locked.
struct PinnedMemory {
  static void* take(std::size_t size);
  static void give_back(void* data) noexcept;
};
using PinnedBytes = OwnedBytes<PinnedMemory>;

/// Writes `count` random values of the dtype. f64, f32, s8, s32 and bf16: the sequence of random_value
/// (kernels/random.hpp) bit by bit. tf32: that of f32 cut to the 10 mantissa bits that a tensor core reads, so that it
/// does not matter how a kernel rounds its inputs. f16, f8e4m3, f8e5m2, mxf8: that of f32 rounded to nearest. nvf4: two
/// uniform codes a byte. Asynchronous on the stream.
void fill_random(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream);

/// Writes `count` values of -1, 0 or 1, each as likely: sums of their products are exact in every accumulator.
void fill_units(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream);

/// Writes `count` block scales of mxf8 or nvf4: 1/2, 1 or 2, each as likely.
void fill_scales(void* data, Dtype dtype, std::size_t count, std::uint64_t seed, cudaStream_t stream);

/// Fills with NaN (floats) or an impossible value (integers), as poison() does on the host: 0xff in every byte.
void poison_device(void* data, std::size_t bytes, cudaStream_t stream);

} // namespace maru
