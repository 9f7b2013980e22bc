// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <array>

namespace maru {
namespace {

std::vector<MemorySpace> spaces(Parameters const& parameters, ProbeContext const& context) {
  auto const& texts = parameters.at("spaces");
  if (texts == std::vector<std::string>{"auto"})
    return context.has_device() ? std::vector{MemorySpace::host, MemorySpace::device, MemorySpace::l2}
                                : std::vector{MemorySpace::host};
  std::vector<MemorySpace> result;
  for (auto const& text : texts) {
    auto const space = parse_memory_space(text);
    if (!space) throw Error(Exit::usage, unknown("memory space", text, {"host", "device", "l2"}));
    result.push_back(*space);
  }
  return result;
}

/// Bytes of each array, so that it is the memory asked for which is measured.
std::uint64_t usual_bytes(MemorySpace space, ProbeContext const& context) {
  constexpr std::int64_t gibibyte = 1 << 30;
  auto const& device = context.device;
  switch (space) {
  case MemorySpace::host: return static_cast<std::uint64_t>(context.stream_bytes);
  case MemorySpace::device: // larger than the cache, small against the memory
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        std::min(std::max(gibibyte, 8 * device.l2_bytes), device.memory_bytes / 8), sizeof(double)));
  case MemorySpace::l2: // three arrays in half of it: an address is often cached in one of two halves only
    return static_cast<std::uint64_t>(std::max<std::int64_t>(device.l2_bytes / 6, sizeof(double)));
  }
  return 0;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<Case> result;
  for (auto const space : spaces(parameters, context))
    for (auto const& size : parameters.at("sizes")) {
      auto const bytes = size == "auto" ? usual_bytes(space, context) : parse_bytes(size, "memory size");
      if (bytes < sizeof(double)) throw Error(Exit::usage, "memory size: smaller than one element");
      for (auto const& operation : parameters.at("operations")) {
        auto const kind = parse_memory_kind(operation);
        if (!kind)
          throw Error(Exit::usage,
                      unknown("memory operation", operation, {"copy", "scale", "add", "triad", "read", "write"}));
        Case item;
        item.operation = Memory{.kind = *kind, .bytes = bytes / sizeof(double) * sizeof(double), .space = space};
        choose_backend(item, single(parameters, "backend"), context);
        result.push_back(std::move(item));
      }
    }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "copy,scale,add,triad,read,write", "STREAM's four loops, and one-sided ones"},
    ProbeParameter{"spaces", "auto", "host, device, l2; auto: all that are there"},
    ProbeParameter{"sizes", "auto", "bytes of a rank's arrays; auto: larger than the caches"},
    ProbeParameter{"backend", "auto", "stream, cuda_stream …"},
};

} // namespace

extern Probe const memory_probe;
Probe const memory_probe{"memory", "bandwidth of memory on every rank at once", parameters, cases};

} // namespace maru
