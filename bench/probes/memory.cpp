// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <array>

namespace maru {
namespace {

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<Case> result;
  for (auto const& size : parameters.at("sizes")) {
    auto const bytes =
        size == "auto" ? static_cast<std::uint64_t>(context.stream_bytes) : parse_bytes(size, "memory size");
    if (bytes < sizeof(double)) throw Error(Exit::usage, "memory size: smaller than one element");
    for (auto const& operation : parameters.at("operations")) {
      auto const kind = parse_memory_kind(operation);
      if (!kind) throw Error(Exit::usage, unknown("memory operation", operation, {"copy", "scale", "add", "triad"}));
      Case item;
      item.operation = Memory{.kind = *kind, .bytes = bytes / sizeof(double) * sizeof(double)};
      choose_backend(item, single(parameters, "backend"), context);
      result.push_back(std::move(item));
    }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "copy,scale,add,triad", "STREAM's four loops"},
    ProbeParameter{"sizes", "auto", "bytes of a rank's arrays; auto: 4 x the host's caches / ranks"},
    ProbeParameter{"backend", "auto", "stream …"},
};

} // namespace

extern Probe const memory_probe;
Probe const memory_probe{"memory", "bandwidth of main memory on every rank at once", parameters, cases};

} // namespace maru
