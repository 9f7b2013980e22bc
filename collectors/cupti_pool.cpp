// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_pool.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace maru {

void BufferPool::open(std::size_t count, std::size_t bytes, bool may_refuse) {
  for (auto const& stale : take()) {
    discard_(stale.data, stale.valid);
    give_back(stale.data);
  }
  std::lock_guard const lock(mutex_);
  bytes_ = bytes;
  may_refuse_ = may_refuse;
  lost_ = 0;
  std::erase_if(free_, [&](std::uint8_t* data) {
    bool const other = buffers_.at(data).size != bytes;
    if (other) buffers_.erase(data);
    return other;
  });
  while (free_.size() > count) {
    buffers_.erase(free_.back());
    free_.pop_back();
  }
  while (free_.size() < count) free_.push_back(allocate(bytes));
}

std::span<std::uint8_t> BufferPool::request() noexcept {
  try {
    {
      std::lock_guard const lock(mutex_);
      if (!free_.empty()) {
        auto* const data = free_.back();
        free_.pop_back();
        return {data, buffers_.at(data).size};
      }
      if (may_refuse_) return {};
    }
    auto const victim = oldest();
    std::size_t size = 0;
    if (victim.data) {
      auto const records = discard_(victim.data, victim.valid);
      std::lock_guard const lock(mutex_);
      lost_ += records;
      size = buffers_.at(victim.data).size;
    } else {
      std::lock_guard const lock(mutex_);
      return {allocate(bytes_), bytes_};
    }
    std::memset(victim.data, 0, size);
    return {victim.data, size};
  } catch (std::exception const&) { // no memory, and nobody above us who could catch it
    return {};
  }
}

void BufferPool::complete(std::uint8_t* data, std::size_t valid) noexcept {
  try {
    std::lock_guard const lock(mutex_);
    auto const found = buffers_.find(data);
    if (found != buffers_.end()) completed_.push_back({data, std::min(valid, found->second.size)});
  } catch (std::exception const&) { // the buffer stays out
  }
}

std::vector<BufferPool::Completed> BufferPool::take() {
  std::lock_guard const lock(mutex_);
  std::vector<Completed> taken(completed_.begin(), completed_.end());
  completed_.clear();
  return taken;
}

void BufferPool::give_back(std::uint8_t* data) {
  std::size_t size = 0;
  {
    std::lock_guard const lock(mutex_);
    auto const found = buffers_.find(data);
    if (found == buffers_.end()) return;
    size = found->second.size;
    if (size != bytes_) { // of another open()
      buffers_.erase(found);
      return;
    }
  }
  std::memset(data, 0, size);
  std::lock_guard const lock(mutex_);
  free_.push_back(data);
}

std::uint64_t BufferPool::lost() {
  std::lock_guard const lock(mutex_);
  return std::exchange(lost_, 0);
}

std::uint8_t* BufferPool::allocate(std::size_t bytes) {
  Buffer buffer{std::make_unique<std::uint8_t[]>(bytes), bytes}; // writes zeros, and so touches the pages
  auto* const data = buffer.bytes.get();
  buffers_.emplace(data, std::move(buffer));
  return data;
}

BufferPool::Completed BufferPool::oldest() {
  std::lock_guard const lock(mutex_);
  if (completed_.empty()) return {};
  auto const first = completed_.front();
  completed_.pop_front();
  return first;
}

} // namespace maru
