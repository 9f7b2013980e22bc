// SPDX-License-Identifier: Apache-2.0
#include "bench/groups.hpp"
#include "bench/probe.hpp"
#include "bench/probes/gemm_shapes.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <array>

namespace maru {
namespace {

constexpr std::int64_t most_taken = 1 << 12;

Dtype dtype_of(std::string const& text) {
  auto const dtype = parse_dtype(text);
  if (!dtype) throw Error(Exit::usage, unknown("overlap dtype", text, {"f32", "f64"}));
  return *dtype;
}

Collective collective_of(std::string const& text, std::string const& size) {
  auto const kind = parse_collective_kind(text);
  if (!kind)
    throw Error(Exit::usage, unknown("collective", text,
                                     {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce",
                                      "send_recv"}));
  auto const bytes = parse_bytes(size, "overlap size");
  if (bytes == 0) throw Error(Exit::usage, "overlap size: must be at least 1");
  // The number of ranks is each group's own and is filled in where the case is run.
  return {.kind = *kind, .bytes = bytes, .ranks = 0};
}

Case case_of(Overlap const& overlap, std::string const& group, std::string const& backend,
             ProbeContext const& context) {
  Case item;
  item.operation = overlap;
  item.group_kind = group;
  item.max_iterations = 60;
  choose_backend(item, backend, context);
  // A host's overlap in the place of its device's would be taken for it.
  if (context.has_device() && backend == "auto" && item.backend && std::string_view(item.backend->device) == "cpu") {
    item.backend = nullptr;
    item.skip_reason = "no backend overlaps on devices yet; overlap.backend=overlap_mpi asks the host";
  }
  return item;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const& backend = single(parameters, "backend");
  auto const in = dtype_of(single(parameters, "dtype"));
  std::vector<Case> result;
  for (auto const& group : parameters.at("groups")) {
    check_group_kind(group);
    if (group == "rank") throw Error(Exit::usage, "overlap: a rank alone has nobody to communicate with");
    for (auto const& operation : parameters.at("operations"))
      for (auto const& text : parameters.at("gemm")) {
        auto const shape = parse_gemm_shape(text, context.has_device());
        for (auto const& size : parameters.at("sizes"))
          for (auto const& taken : parameters.at("taken")) {
            Overlap overlap;
            overlap.gemm = {.in = in, .out = in, .m = shape.m, .n = shape.n, .k = shape.k};
            overlap.collective = collective_of(operation, size);
            overlap.taken = static_cast<int>(parse_integer(taken, "overlap: taken", 0, most_taken));
            result.push_back(case_of(overlap, group, backend, context));
          }
      }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "all_reduce", "collectives to run beside the product"},
    ProbeParameter{"gemm", "small", "products: N for squares, MxNxK, or small, medium, large"},
    ProbeParameter{"dtype", "f32", "of the product: f32 or f64"},
    ProbeParameter{"sizes", "64K,1M,16M", "bytes of the collective, in f32"},
    ProbeParameter{"taken", "0,1", "threads or SMs that the product leaves to the collective"},
    ProbeParameter{"groups", "world", "world, node, pairs, split:K, blocks:K"},
    ProbeParameter{"backend", "auto", "overlap_mpi"},
};

} // namespace

extern Probe const overlap_probe;
Probe const overlap_probe{"overlap", "a matrix product and a collective alone and at the same time", parameters, cases};

} // namespace maru
