// SPDX-License-Identifier: Apache-2.0
#include "bench/groups.hpp"
#include "bench/probe.hpp"
#include "bench/probes/gemm_shapes.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace maru {
namespace {

constexpr std::int64_t most_taken = 1 << 12;

/// Whether devices will be asked: not where a host's backend is named.
bool asks_device(std::string const& backend, ProbeContext const& context) {
  return context.has_device() && std::ranges::none_of(context.backends, [&](Backend const* known) {
           return backend == known->name && std::string_view(known->device) == "cpu";
         });
}

/// The values of a parameter; "auto" alone stands for what is sensible there.
std::vector<std::string> values_of(Parameters const& parameters, char const* key, char const* on_host,
                                   char const* on_device, bool device) {
  auto const& values = parameters.at(key);
  return values == std::vector<std::string>{"auto"} ? split_list(device ? on_device : on_host) : values;
}

/// The result has the type of the inputs, as in training; tf32's is f32.
Gemm gemm_of(std::string const& text, GemmShape const& shape, bool device) {
  std::vector<std::string> const known =
      device ? std::vector<std::string>{"bf16", "f16", "tf32", "f32", "f64"} : std::vector<std::string>{"f32", "f64"};
  auto const dtype = parse_dtype(text);
  if (!dtype || std::ranges::find(known, name(*dtype)) == known.end())
    throw Error(Exit::usage, unknown("overlap dtype", text, known));
  return {.in = *dtype, .out = *dtype == Dtype::tf32 ? Dtype::f32 : *dtype, .m = shape.m, .n = shape.n, .k = shape.k};
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
    item.skip_reason = "overlaps on GPUs need module cuda_nccl; overlap.backend=overlap_mpi asks the host";
  }
  return item;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const& backend = single(parameters, "backend");
  bool const device = asks_device(backend, context);
  auto const dtypes = values_of(parameters, "dtype", "f32", "bf16", device);
  if (dtypes.size() != 1) throw Error(Exit::usage, "dtype: expected one value");
  auto const shapes = values_of(parameters, "gemm", "small", "medium", device);
  auto const sizes = values_of(parameters, "sizes", "64K,1M,16M", "16M,64M,256M", device);
  auto const shares = values_of(parameters, "taken", "0,1", "0,4,8,16,32", device);
  std::vector<Case> result;
  for (auto const& group : parameters.at("groups")) {
    check_group_kind(group);
    if (group == "rank") throw Error(Exit::usage, "overlap: a rank alone has nobody to communicate with");
    for (auto const& operation : parameters.at("operations"))
      for (auto const& shape : shapes)
        for (auto const& size : sizes)
          for (auto const& taken : shares) {
            Overlap overlap;
            overlap.gemm = gemm_of(dtypes.front(), parse_gemm_shape(shape, device), device);
            overlap.collective = collective_of(operation, size);
            overlap.taken = static_cast<int>(parse_integer(taken, "overlap: taken", 0, most_taken));
            result.push_back(case_of(overlap, group, backend, context));
          }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "all_reduce", "collectives to run beside the product"},
    ProbeParameter{"gemm", "auto",
                   "products: N for squares, MxNxK, or small, medium, large; auto: small, on GPUs medium"},
    ProbeParameter{"dtype", "auto",
                   "of the product: f32 or f64, on GPUs also bf16, f16, tf32; auto: f32, on GPUs bf16"},
    ProbeParameter{"sizes", "auto", "bytes of the collective, in f32; auto: 64K,1M,16M, on GPUs 16M,64M,256M"},
    ProbeParameter{"taken", "auto", "threads or SMs for the collective; auto: 0,1, on GPUs 0,4,8,16,32"},
    ProbeParameter{"groups", "world", "world, node, pairs, split:K, blocks:K"},
    ProbeParameter{"backend", "auto", "overlap_mpi, overlap_cuda"},
};

} // namespace

extern Probe const overlap_probe;
Probe const overlap_probe{"overlap", "a matrix product and a collective alone and at the same time", parameters, cases};

} // namespace maru
