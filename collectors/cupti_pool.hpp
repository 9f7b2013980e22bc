// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace maru {

/// The buffers that CUPTI writes its records to: allocated, touched and zeroed before they are asked for, because that
/// happens on the thread that launches kernels. From several threads at once. A buffer belongs to whoever asked until
/// it is completed, however long that takes, so a pool must outlive every user of it: CUPTI was seen to write into
/// buffers long after tracing had been switched off.
class BufferPool {
public:
  /// Told the content of a buffer whose records nobody will read; returns how many those are.
  using Discard = std::uint64_t (*)(std::uint8_t* data, std::size_t valid);
  struct Completed {
    std::uint8_t* data = nullptr;
    std::size_t valid = 0;
  };

  explicit BufferPool(Discard discard) : discard_(discard) {}

  /// From here on there are `count` buffers of `bytes` each, beside those that an earlier user still holds. What was
  /// completed and not taken is discarded uncounted. Throws std::bad_alloc.
  void open(std::size_t count, std::size_t bytes, bool may_refuse);

  /// A buffer of zeros. When none is left: nothing if it may refuse, else the oldest completed one, whose records are
  /// lost and counted. When there is none of those either, one more is allocated, as the asker would crash.
  std::span<std::uint8_t> request() noexcept;
  /// `valid` bytes of a requested buffer are written and it is ours again. Ignores buffers that are not of the pool.
  void complete(std::uint8_t* data, std::size_t valid) noexcept;

  /// The completed buffers, oldest first, each to be given back.
  std::vector<Completed> take();
  void give_back(std::uint8_t* data);

  /// Records lost to request(), since the last time it was asked.
  std::uint64_t lost();

private:
  struct Buffer {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size = 0;
  };
  std::uint8_t* allocate(std::size_t bytes); ///< the lock is held
  Completed oldest();

  Discard discard_;
  std::mutex mutex_;
  std::map<std::uint8_t*, Buffer> buffers_; ///< all, by address
  std::vector<std::uint8_t*> free_;
  std::deque<Completed> completed_;
  std::size_t bytes_ = 0;
  bool may_refuse_ = true;
  std::uint64_t lost_ = 0;
};

} // namespace maru
