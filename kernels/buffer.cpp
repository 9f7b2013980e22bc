// SPDX-License-Identifier: Apache-2.0
#include "kernels/buffer.hpp"

#include "core/error.hpp"

#include <fmt/format.h>
#include <limits>

namespace maru {
namespace {

constexpr std::align_val_t cache_line{64};

} // namespace

void* allocate_bytes(std::size_t count, std::size_t size) {
  // Half of the address space is as impossible as twice of it, and keeps pointer differences in range.
  bool const fits = count <= std::numeric_limits<std::ptrdiff_t>::max() / size;
  void* const bytes = fits ? ::operator new(count* size, cache_line, std::nothrow) : nullptr;
  if (!bytes)
    throw Error(Exit::incomplete,
                fmt::format("not enough memory for {:.3f} GiB ({} elements of {} bytes)",
                            static_cast<double>(count) * static_cast<double>(size) / 0x1p30, count, size));
  return bytes;
}

void release_bytes(void* bytes) noexcept { ::operator delete(bytes, cache_line); }

} // namespace maru
