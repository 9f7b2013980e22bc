// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace maru {

/// Uninitialised memory on a cache line's boundary, so that the threads that fill it place its pages.
/// Throws Error(incomplete) with the size when there is not enough.
void* allocate_bytes(std::size_t count, std::size_t size);
void release_bytes(void* bytes) noexcept;

/// `count` elements of host memory, uninitialised. Moves, and does not copy.
template <class T> class Buffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : data_(static_cast<T*>(allocate_bytes(count, sizeof(T)))), size_(count) {}
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { release_bytes(data_); }

  T* data() { return data_; }
  T const* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<T> span() { return {data_, size_}; }
  std::span<T const> span() const { return {data_, size_}; }

private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace maru
