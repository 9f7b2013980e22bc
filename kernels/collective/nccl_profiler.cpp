// SPDX-License-Identifier: Apache-2.0
// NCCL says which algorithm and protocol it chose to its profiler plug-in only. This library is one: it offers tables
// of three versions of that interface (v3: NCCL 2.26, v4: 2.27, v5: 2.28; later ones fall back to v5), of which NCCL
// takes the newest that it knows. The layouts are those of NCCL's public plug-in headers (ext-profiler), written anew
// as far as they are read here.
#include "kernels/collective/nccl_profiler.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>

namespace maru {

/// Outside of the unnamed namespace, whose types would take the tables' names from NCCL.
template <class Begin> struct NcclProfilerTable {
  char const* name;
  Begin begin;
  int (*start)(void*, void**, void*) noexcept;
  int (*stop)(void*);
  int (*record)(void*, int, void*);
  int (*end)(void*);
};

namespace {

// Kinds of events, the same in all versions.
constexpr std::uint64_t event_group = 1U << 0U, event_collective = 1U << 1U, event_p2p = 1U << 2U;
constexpr int wanted_events = static_cast<int>(event_group | event_collective | event_p2p);
constexpr std::size_t longest_path = 254; // of a plug-in that NCCL opens; it cuts off the rest

/// Where a version keeps what is read.
struct Layout {
  std::size_t algorithm, protocol, channels, p2p_channels; ///< offsets; 0: not to be had
  bool wide_type;                                          ///< whether the kind of event is 64 bits wide, or 8
};

/// The descriptors up to the members that are read.
template <class Type> struct CollectiveEvent {
  Type type;
  void* parent;
  int rank;
  std::uint64_t sequence;
  char const* function;
  void const* send;
  void* receive;
  std::size_t count;
  int root;
  char const* datatype;
  std::uint8_t channels, warps;
  char const* algorithm;
  char const* protocol;
};
struct P2pEvent5 {
  std::uint64_t type;
  void* parent;
  int rank;
  char const* function;
  void* buffer;
  char const* datatype;
  std::size_t count;
  int peer;
  std::uint8_t channels;
};
struct CollectiveEvent3 {
  std::uint8_t type;
  void* parent;
  int rank;
  char const* name;
  std::uint64_t hash, sequence;
  char const* function;
  void const* send;
  void* receive;
  std::size_t count;
  int root;
  char const* datatype;
  std::uint8_t channels, warps;
  char const* algorithm;
  char const* protocol;
};

template <class Event> constexpr Layout layout_of(std::size_t p2p_channels, bool wide_type) {
  return {offsetof(Event, algorithm), offsetof(Event, protocol), offsetof(Event, channels), p2p_channels, wide_type};
}
constexpr Layout layout3 = layout_of<CollectiveEvent3>(0, false);
// v4 has the channels of a send as well, but NCCL 2.28 leaves them unset for a plug-in of v4.
constexpr Layout layout4 = layout_of<CollectiveEvent<std::uint8_t>>(0, false);
constexpr Layout layout5 = layout_of<CollectiveEvent<std::uint64_t>>(offsetof(P2pEvent5, channels), true);
// As the library of NCCL 2.28.9 writes them.
static_assert(layout5.channels == 0x50 && layout5.algorithm == 0x58 && layout5.protocol == 0x60);
static_assert(offsetof(P2pEvent5, count) == 0x30 && layout5.p2p_channels == 0x3c);

/// NCCL's callbacks carry nothing of ours, so what they reach is the process's.
struct Heard {
  std::mutex mutex;
  std::optional<NcclChoice> choice;
  std::atomic<int*> mask{nullptr}; ///< NCCL's own, read by it at each call
};
Heard& state() {
  static Heard heard;
  return heard;
}

void set_mask(int events) {
  if (int* const mask = state().mask.load()) std::atomic_ref<int>(*mask).store(events);
}

template <class Value> Value read(void const* event, std::size_t offset) {
  return *reinterpret_cast<Value const*>(static_cast<std::byte const*>(event) + offset);
}
std::string word(char const* text) { return text ? text : ""; }

void note(void const* event, std::uint64_t type, Layout const& layout) {
  NcclChoice choice;
  if (type == event_collective) {
    choice = {word(read<char const*>(event, layout.algorithm)), word(read<char const*>(event, layout.protocol)),
              read<std::uint8_t>(event, layout.channels)};
  } else if (type == event_p2p && layout.p2p_channels != 0) {
    choice.channels = read<std::uint8_t>(event, layout.p2p_channels);
  } else {
    return;
  }
  std::scoped_lock const lock(state().mutex);
  // Of many sends and receives the widest speaks for all; a collective says more than they.
  auto& kept = state().choice;
  if (!kept || !choice.algorithm.empty() || (kept->algorithm.empty() && kept->channels < choice.channels))
    kept = std::move(choice);
}

constexpr int success = 0; // ncclSuccess; NCCL's header is not needed otherwise

int begin(void** context, int* mask) {
  *context = &state();
  state().mask = mask;
  set_mask(0);
  return success;
}

/// A group needs a handle for older NCCLs to report what is in it; everything else ends unheard.
template <Layout const& layout> int start(void*, void** handle, void* event) noexcept {
  auto const type = layout.wide_type ? read<std::uint64_t>(event, 0) : read<std::uint8_t>(event, 0);
  *handle = type == event_group ? &state() : nullptr;
  try {
    note(event, type, layout);
  } catch (...) { // out of memory: nothing was heard
  }
  return success;
}
int stop(void*) { return success; }
int record(void*, int, void*) { return success; }
int end(void*) { return success; }

int begin3(void** context, int* mask) { return begin(context, mask); }
int begin4(void** context, int* mask, char const*, std::uint64_t, int, int, int, void*) { return begin(context, mask); }
int begin5(void** context, std::uint64_t, int* mask, char const*, int, int, int, void*) { return begin(context, mask); }

} // namespace

// The names that NCCL looks up.
extern "C" {
extern NcclProfilerTable<decltype(&begin3)> const ncclProfiler_v3;
extern NcclProfilerTable<decltype(&begin4)> const ncclProfiler_v4;
extern NcclProfilerTable<decltype(&begin5)> const ncclProfiler_v5;
NcclProfilerTable<decltype(&begin3)> const ncclProfiler_v3{"maru", begin3, start<layout3>, stop, record, end};
NcclProfilerTable<decltype(&begin4)> const ncclProfiler_v4{"maru", begin4, start<layout4>, stop, record, end};
NcclProfilerTable<decltype(&begin5)> const ncclProfiler_v5{"maru", begin5, start<layout5>, stop, record, end};
}

std::string NcclChoice::text() const {
  std::string text = algorithm;
  if (!protocol.empty()) text += "/" + protocol;
  if (channels > 0) text += fmt::format("{}{} channel{}", text.empty() ? "" : " ", channels, channels == 1 ? "" : "s");
  return text;
}

void offer_nccl_profiler() {
  Dl_info self{};
  if (!::dladdr(&ncclProfiler_v5, &self) || !self.dli_fname) return;
  std::error_code failed;
  auto const path = std::filesystem::canonical(self.dli_fname, failed).string();
  if (!failed && path.size() <= longest_path) ::setenv("NCCL_PROFILER_PLUGIN", path.c_str(), 0);
}

NcclListener::NcclListener() {
  {
    std::scoped_lock const lock(state().mutex);
    state().choice.reset();
  }
  set_mask(wanted_events);
}

NcclListener::~NcclListener() { set_mask(0); }

std::optional<NcclChoice> NcclListener::heard() const {
  std::scoped_lock const lock(state().mutex);
  return state().choice;
}

} // namespace maru
