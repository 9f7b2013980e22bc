// SPDX-License-Identifier: Apache-2.0
#include "bench/groups.hpp"
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

// A sweep takes no longer than with the OSU benchmarks' defaults (1000 calls below 8 KiB, 100 above), with verifying
// and the sample of arrivals included.
struct Allowance {
  std::uint64_t below_bytes, iterations;
};
constexpr std::array allowances{Allowance{8 << 10, 1000}, Allowance{1 << 20, 60}, Allowance{~std::uint64_t{0}, 36}};

std::uint64_t iterations_for(std::uint64_t bytes) {
  return std::find_if(allowances.begin(), allowances.end(), [&](Allowance const& a) { return bytes < a.below_bytes; })
      ->iterations;
}

std::vector<std::uint64_t> sizes(Parameters const& parameters) {
  auto const low = parse_bytes(single(parameters, "min_bytes"), "-b");
  auto const high = parse_bytes(single(parameters, "max_bytes"), "-e");
  auto const& step_text = single(parameters, "step_bytes");
  auto const step = step_text == "none" ? 0 : parse_bytes(step_text, "-i");
  double const factor = parse_number(single(parameters, "factor"), "-f");
  if (low == 0) throw Error(Exit::usage, "-b: must be at least 1");
  if (low > high)
    throw Error(Exit::usage, fmt::format("-b {} is larger than -e {}", single(parameters, "min_bytes"),
                                         single(parameters, "max_bytes")));
  if (step_text != "none" && step == 0) throw Error(Exit::usage, "-i: must be at least 1");
  if (step == 0 && !(factor > 1 && factor <= 1e6)) throw Error(Exit::usage, "-f: must be larger than 1");
  constexpr std::size_t most = 100000;
  std::vector<std::uint64_t> result;
  for (std::uint64_t size = low; size <= high && result.size() <= most;) {
    result.push_back(size);
    size = step ? size + step : std::max(size + 1, static_cast<std::uint64_t>(static_cast<double>(size) * factor));
  }
  if (result.size() > most) throw Error(Exit::usage, fmt::format("-b, -e and the step give over {} sizes", most));
  return result;
}

std::vector<Dtype> dtypes(Parameters const& parameters) {
  std::vector<Dtype> result;
  for (auto const& text : parameters.at("dtypes")) {
    if (text == "all") return {Dtype::f32, Dtype::f64, Dtype::s32};
    auto const dtype = parse_dtype(text);
    if (!dtype || *dtype == Dtype::bf16 || *dtype == Dtype::s8)
      throw Error(Exit::usage,
                  unknown("collective dtype", text, {"f32", "f64", "s32", "float", "double", "int32", "all"}));
    result.push_back(*dtype);
  }
  return result;
}

std::vector<bool> places(Parameters const& parameters) {
  std::vector<bool> result;
  for (auto const& text : parameters.at("places")) {
    if (text != "out" && text != "in") throw Error(Exit::usage, unknown("place", text, {"out", "in"}));
    result.push_back(text == "in");
  }
  return result;
}

std::vector<bool> switches(Parameters const& parameters, std::string const& key) {
  std::vector<bool> result;
  for (auto const& text : parameters.at(key)) result.push_back(parse_integer(text, key, 0, 1) == 1);
  return result;
}

/// The ways in which one collective of one size is asked for.
std::vector<Collective> variants(Parameters const& parameters) {
  std::vector<Collective> result;
  auto const root = static_cast<int>(parse_integer(single(parameters, "root"), "-r", 0, 1 << 20));
  // The number of ranks is each group's own and is filled in where the case is run.
  for (bool const in_place : places(parameters))
    for (bool const graph : switches(parameters, "graph"))
      for (bool const registered : switches(parameters, "registered"))
        result.push_back({.in_place = in_place, .root = root, .ranks = 0, .graph = graph, .registered = registered});
  return result;
}

CollectiveKind parse_kind(std::string const& operation) {
  if (auto const kind = parse_collective_kind(operation)) return *kind;
  throw Error(Exit::usage, unknown("collective", operation,
                                   {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce",
                                    "send_recv"}));
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const all_sizes = sizes(parameters);
  auto const all_dtypes = dtypes(parameters);
  auto const all_variants = variants(parameters);
  std::vector<Case> result;
  auto const add = [&](std::string const& group, Collective const& collective) {
    Case item;
    item.operation = collective;
    item.group_kind = group;
    item.max_iterations = iterations_for(collective.bytes);
    choose_backend(item, single(parameters, "backend"), context);
    result.push_back(std::move(item));
  };
  for (auto const& group : parameters.at("groups")) {
    check_group_kind(group);
    for (auto const& operation : parameters.at("operations"))
      for (auto const dtype : all_dtypes)
        for (auto const size : all_sizes)
          for (auto collective : all_variants) {
            collective.kind = parse_kind(operation);
            collective.dtype = dtype;
            collective.bytes = size;
            add(group, collective);
          }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "all_reduce,all_gather,reduce_scatter,all_to_all,broadcast,reduce,send_recv",
                   "collectives"},
    ProbeParameter{"min_bytes", "8", "-b: smallest size"},
    ProbeParameter{"max_bytes", "128M", "-e: largest size"},
    ProbeParameter{"factor", "2", "-f: from one size to the next"},
    ProbeParameter{"step_bytes", "none", "-i: instead of -f, a fixed step"},
    ProbeParameter{"dtypes", "f32", "-d: f32, f64, s32 or all"},
    ProbeParameter{"places", "out,in", "out of place, in place"},
    ProbeParameter{"groups", "world", "world, node, pairs, split:K"},
    ProbeParameter{"graph", "0", "0, 1: replay the calls from a CUDA graph"},
    ProbeParameter{"registered", "0", "0, 1: register the buffers with NCCL"},
    ProbeParameter{"root", "0", "-r: of broadcast and reduce, within the group"},
    ProbeParameter{"backend", "auto", "nccl, mpi …"},
};

} // namespace

extern Probe const collectives_probe;
Probe const collectives_probe{"collectives", "communication among the ranks, as nccl-tests counts it", parameters,
                              cases};

} // namespace maru
