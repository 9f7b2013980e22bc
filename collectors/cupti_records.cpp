// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_records.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <utility>

#if __has_include(<cupti_activity_deprecated.h>)
#include <cupti_activity_deprecated.h>
#endif

namespace maru {
namespace {

/// Where a kind of record keeps what a span needs; 0: nowhere.
struct Layout {
  std::size_t start, end, device, stream, correlation, graph_node, bytes;
  std::size_t least; ///< size of the first version of the record that we read
};
constexpr Layout kernel_layout{16, 24, 40, 48, 92, 144, 0, 144};
constexpr Layout memcpy_layout{16, 24, 32, 40, 44, 64, 8, 64};
constexpr Layout peer_layout{16, 24, 32, 40, 60, 72, 8, 72};
constexpr Layout memset_layout{16, 24, 32, 40, 44, 64, 8, 64};
constexpr Layout graph_layout{8, 16, 24, 36, 4, 0, 0, 48};
constexpr Layout overhead_layout{24, 32, 16, 0, 40, 0, 0, 40}; // "device" is the thread
constexpr std::size_t kernel_name = 104, copy_kind = 4, graph_id = 28;
constexpr std::size_t overhead_kind = 4, overhead_object = 8, overhead_data = 48;

template <class R> constexpr bool agrees(Layout const& x) {
  return offsetof(R, start) == x.start && offsetof(R, end) == x.end && offsetof(R, deviceId) == x.device &&
         offsetof(R, streamId) == x.stream && offsetof(R, correlationId) == x.correlation && sizeof(R) >= x.least;
}
template <class R> constexpr bool has_node(Layout const& x) { return offsetof(R, graphNodeId) == x.graph_node; }
template <class R> constexpr bool has_bytes(Layout const& x) { return offsetof(R, bytes) == x.bytes; }

static_assert(agrees<CUpti_ActivityKernel9>(kernel_layout) && has_node<CUpti_ActivityKernel9>(kernel_layout));
static_assert(offsetof(CUpti_ActivityKernel9, name) == kernel_name);
static_assert(agrees<CUpti_ActivityMemcpy5>(memcpy_layout) && has_node<CUpti_ActivityMemcpy5>(memcpy_layout));
static_assert(has_bytes<CUpti_ActivityMemcpy5>(memcpy_layout));
static_assert(offsetof(CUpti_ActivityMemcpy5, copyKind) == copy_kind);
static_assert(agrees<CUpti_ActivityMemcpyPtoP4>(peer_layout) && has_node<CUpti_ActivityMemcpyPtoP4>(peer_layout));
static_assert(has_bytes<CUpti_ActivityMemcpyPtoP4>(peer_layout));
static_assert(agrees<CUpti_ActivityMemset4>(memset_layout) && has_node<CUpti_ActivityMemset4>(memset_layout));
static_assert(has_bytes<CUpti_ActivityMemset4>(memset_layout));
static_assert(agrees<CUpti_ActivityGraphTrace>(graph_layout));
static_assert(offsetof(CUpti_ActivityGraphTrace, graphId) == graph_id);
static_assert(offsetof(CUpti_ActivityOverhead, start) == overhead_layout.start);
static_assert(offsetof(CUpti_ActivityOverhead, end) == overhead_layout.end);
static_assert(offsetof(CUpti_ActivityOverhead, objectId.pt.threadId) == overhead_layout.device);
static_assert(offsetof(CUpti_ActivityOverhead, overheadKind) == overhead_kind);
static_assert(offsetof(CUpti_ActivityOverhead, objectKind) == overhead_object);
#if CUPTI_API_VERSION >= 130000
static_assert(agrees<CUpti_ActivityKernel10>(kernel_layout) && has_node<CUpti_ActivityKernel10>(kernel_layout));
static_assert(agrees<CUpti_ActivityMemcpy6>(memcpy_layout) && has_node<CUpti_ActivityMemcpy6>(memcpy_layout));
static_assert(agrees<CUpti_ActivityGraphTrace2>(graph_layout));
static_assert(offsetof(CUpti_ActivityOverhead3, correlationId) == overhead_layout.correlation);
static_assert(offsetof(CUpti_ActivityOverhead3, overheadData) == overhead_data);
#endif

/// One record's bytes. What an older version lacks reads as 0.
class Bytes {
public:
  Bytes(CUpti_Activity const* record, std::size_t size)
      : data_(reinterpret_cast<unsigned char const*>(record)), size_(size) {}
  template <class T> T at(std::size_t offset) const {
    T value{};
    if (offset + sizeof(T) <= size_) std::memcpy(&value, data_ + offset, sizeof(T));
    return value;
  }
  std::uint32_t kind() const { return at<std::uint32_t>(0); }
  std::size_t size() const { return size_; }

private:
  unsigned char const* data_;
  std::size_t size_;
};

std::uint64_t number(Bytes const& bytes, std::size_t offset, bool wide) {
  if (offset == 0) return 0;
  return wide ? bytes.at<std::uint64_t>(offset) : bytes.at<std::uint32_t>(offset);
}

/// Null for kinds that make no span.
Layout const* layout_of(std::uint32_t kind) {
  switch (kind) {
  case CUPTI_ACTIVITY_KIND_KERNEL:
  case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL: return &kernel_layout;
  case CUPTI_ACTIVITY_KIND_MEMCPY: return &memcpy_layout;
  case CUPTI_ACTIVITY_KIND_MEMCPY2: return &peer_layout;
  case CUPTI_ACTIVITY_KIND_MEMSET: return &memset_layout;
  case CUPTI_ACTIVITY_KIND_GRAPH_TRACE: return &graph_layout;
  case CUPTI_ACTIVITY_KIND_OVERHEAD: return &overhead_layout;
  default: return nullptr;
  }
}

SpanKind span_kind(std::uint32_t kind) {
  switch (kind) {
  case CUPTI_ACTIVITY_KIND_MEMCPY:
  case CUPTI_ACTIVITY_KIND_MEMCPY2: return SpanKind::memcpy;
  case CUPTI_ACTIVITY_KIND_MEMSET: return SpanKind::memset;
  case CUPTI_ACTIVITY_KIND_OVERHEAD: return SpanKind::overhead;
  default: return SpanKind::kernel;
  }
}

/// H: host, D: device, A: an array on it, P: a peer.
char const* copy_name(std::uint8_t kind) {
  constexpr char const* names[] = {"copy", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA",
                                   "AtoD", "DtoA", "DtoD", "HtoH", "PtoP"};
  return kind < std::size(names) ? names[kind] : names[0];
}

/// The number and not CUPTI's word, as older headers lack some.
char const* overhead_name(std::uint32_t kind) {
  constexpr char const* names[] = {
      "unknown overhead",     "buffer flush",          "instrumentation",     "resource",
      "module loading",       "lazy function loading", "command buffer full", "buffer request",
      "unified memory set-up"};
  if (kind == CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER) return "driver compiler";
  return kind % 0x10000 == 0 && kind / 0x10000 < std::size(names) ? names[kind / 0x10000] : names[0];
}

/// The record of a full command buffer (Overhead3) owns memory that its reader has to free.
void free_owned(CUpti_Activity const* record, std::size_t size) {
  constexpr std::uint32_t command_buffer_full = 6U << 16;
  Bytes const bytes(record, size);
  if (bytes.kind() == CUPTI_ACTIVITY_KIND_OVERHEAD && bytes.at<std::uint32_t>(overhead_kind) == command_buffer_full)
    std::free(bytes.at<void*>(overhead_data));
}

/// Of the record at the end of a buffer, found by asking how few bytes the walk takes for whole; 0: none are enough.
std::size_t size_of_last(CUpti_Activity* record, std::size_t left, ActivityDecoder::Next next) {
  auto* const data = reinterpret_cast<std::uint8_t*>(record);
  for (std::size_t size = 8; size <= left; size += 8) {
    CUpti_Activity* first = nullptr;
    if (next(data, size, &first) == CUPTI_SUCCESS) return size;
  }
  return 0;
}

/// Calls visit(record, size) for each whole record, and frees what it owns. Returns whether nothing followed the last.
template <class Visit>
bool walk(std::uint8_t* data, std::size_t valid, ActivityDecoder::Next next, Visit const& visit) {
  auto const distance = [](void const* from, void const* to) {
    return static_cast<std::size_t>(static_cast<char const*>(to) - static_cast<char const*>(from));
  };
  auto const finish = [&](CUpti_Activity const* record, std::size_t size) {
    visit(record, size);
    free_owned(record, size);
  };
  CUpti_Activity *record = nullptr, *previous = nullptr;
  auto status = next(data, valid, &record);
  for (; status == CUPTI_SUCCESS; status = next(data, valid, &record)) {
    if (previous) finish(previous, distance(previous, record));
    previous = record;
  }
  if (!previous) return valid == 0;
  // A record that is cut off ends the walk like a buffer's end does; what is no record ends it with an error.
  auto const left = distance(previous, data + valid);
  auto const size = size_of_last(previous, left, next);
  finish(previous, size);
  return status == CUPTI_ERROR_MAX_LIMIT_REACHED && size == left;
}

} // namespace

void ActivityDecoder::buffer(std::uint8_t* data, std::size_t valid) {
  bool const whole = walk(data, valid, next_, [this](CUpti_Activity const* activity, std::size_t size) {
    if (auto span = record(activity, size)) log_.spans.push_back(std::move(*span));
  });
  if (!whole) ++log_.malformed;
}

std::optional<Span> ActivityDecoder::record(CUpti_Activity const* record, std::size_t size) {
  Bytes const bytes(record, size);
  auto const kind = bytes.kind();
  auto const* const layout = layout_of(kind);
  if (!layout) {
    ++unknown_;
    return std::nullopt;
  }
  Span span;
  span.kind = span_kind(kind);
  span.start = number(bytes, layout->start, true);
  span.end = number(bytes, layout->end, true);
  auto const count = [](std::uint64_t& what) {
    ++what;
    return std::nullopt;
  };
  if (size < layout->least) return count(log_.malformed);
  // No room on the device for both, or a kernel that still ran when its record was forced out.
  if (span.start == CUPTI_TIMESTAMP_UNKNOWN || span.end == CUPTI_TIMESTAMP_UNKNOWN) return count(log_.untimed);
  if (span.end < span.start) return count(log_.malformed);
  span.device = static_cast<std::int64_t>(number(bytes, layout->device, false));
  span.stream = static_cast<std::int64_t>(number(bytes, layout->stream, false));
  span.correlation = number(bytes, layout->correlation, false);
  span.graph_node = number(bytes, layout->graph_node, true);
  span.bytes = number(bytes, layout->bytes, true);
  switch (span.kind) {
  case SpanKind::memcpy: span.name = copy_name(bytes.at<std::uint8_t>(copy_kind)); break;
  case SpanKind::memset: span.name = "memset"; break;
  case SpanKind::overhead:
    span.name = overhead_name(bytes.at<std::uint32_t>(overhead_kind));
    if (bytes.at<std::uint32_t>(overhead_object) != CUPTI_ACTIVITY_OBJECT_THREAD) span.device = 0;
    break;
  case SpanKind::kernel:
    span.name = layout == &graph_layout ? "graph " + std::to_string(bytes.at<std::uint32_t>(graph_id))
                                        : demangled(bytes.at<char const*>(kernel_name));
  }
  return span;
}

std::string const& ActivityDecoder::demangled(char const* name) {
  auto const [found, is_new] = names_.try_emplace(name ? name : "");
  if (!is_new) return found->second;
  auto const& mangled = found->first;
  char* text = nullptr;
  // Without the prefix the function reads a type: a kernel of C named "f" would become "float".
  if (mangled.starts_with("_Z")) text = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, nullptr);
  found->second = text ? text : mangled.empty() ? "(unnamed)" : mangled;
  std::free(text);
  return found->second;
}

SpanLog ActivityDecoder::take() {
  auto log = std::exchange(log_, {});
  std::stable_sort(log.spans.begin(), log.spans.end(), [](auto const& a, auto const& b) { return a.start < b.start; });
  return log;
}

std::uint64_t discard_records(std::uint8_t* data, std::size_t valid, ActivityDecoder::Next next) {
  std::uint64_t records = 0;
  walk(data, valid, next, [&](CUpti_Activity const*, std::size_t) { ++records; });
  return records;
}

} // namespace maru
