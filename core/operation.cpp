// SPDX-License-Identifier: Apache-2.0
#include "core/operation.hpp"

#include <array>
#include <utility>

namespace maru {
namespace {

// Ours first: name() takes the first of a type.
constexpr std::pair<std::string_view, Dtype> dtype_names[] = {
    {"f64", Dtype::f64},       {"f32", Dtype::f32},        {"tf32", Dtype::tf32},     {"f16", Dtype::f16},
    {"bf16", Dtype::bf16},     {"f8e4m3", Dtype::f8e4m3},  {"f8e5m2", Dtype::f8e5m2}, {"mxf8", Dtype::mxf8},
    {"nvf4", Dtype::nvf4},     {"s8", Dtype::s8},          {"s32", Dtype::s32},       {"double", Dtype::f64},
    {"float64", Dtype::f64},   {"fp64", Dtype::f64},       {"float", Dtype::f32},     {"float32", Dtype::f32},
    {"fp32", Dtype::f32},      {"half", Dtype::f16},       {"float16", Dtype::f16},   {"fp16", Dtype::f16},
    {"bfloat16", Dtype::bf16}, {"fp8", Dtype::f8e4m3},     {"e4m3", Dtype::f8e4m3},   {"fp8e4m3", Dtype::f8e4m3},
    {"e5m2", Dtype::f8e5m2},   {"fp8e5m2", Dtype::f8e5m2}, {"mxfp8", Dtype::mxf8},    {"nvfp4", Dtype::nvf4},
    {"fp4", Dtype::nvf4},      {"int8", Dtype::s8},        {"int32", Dtype::s32},     {"int", Dtype::s32},
};
constexpr std::array<std::string_view, 6> memory_names{"copy", "scale", "add", "triad", "read", "write"};
constexpr std::array<std::string_view, 3> space_names{"host", "device", "l2"};
constexpr std::array<std::string_view, 4> transfer_names{"host_to_device", "device_to_host", "both_ways", "peer"};
constexpr std::array<std::string_view, 9> collective_names{"all_reduce", "all_gather", "reduce_scatter",
                                                           "all_to_all", "broadcast",  "reduce",
                                                           "send_recv",  "ping_pong",  "send"};

template <class Enum, std::size_t size>
std::optional<Enum> parse_name(std::array<std::string_view, size> const& names, std::string_view text) {
  for (std::size_t i = 0; i < size; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

Cost cost_of(Gemm const& g) {
  auto const m = static_cast<double>(g.m), n = static_cast<double>(g.n), k = static_cast<double>(g.k);
  double const in = bits_of(g.in) / 8.0, out = bits_of(g.out) / 8.0;
  return {.flops = 2 * m * n * k, .bytes = in * (m * k + k * n) + out * m * n};
}

double arrays_of(MemoryKind kind) {
  switch (kind) {
  case MemoryKind::read:
  case MemoryKind::write: return 1;
  case MemoryKind::copy:
  case MemoryKind::scale: return 2;
  case MemoryKind::add:
  case MemoryKind::triad: return 3;
  }
  return 1;
}

Cost cost_of(Memory const& memory) { return {.bytes = arrays_of(memory.kind) * static_cast<double>(memory.bytes)}; }

Cost cost_of(Transfer const& transfer) {
  return {.bytes = (transfer.kind == TransferKind::both_ways ? 2.0 : 1.0) * static_cast<double>(transfer.bytes)};
}

Cost cost_of(TensorIssue const& issue) { return {.flops = issue.flops}; }

Cost cost_of(Collective const& c) {
  double const parts = is_divided(c.kind) ? c.ranks : c.kind == CollectiveKind::ping_pong ? 2 : 1; // there and back
  auto const bytes = static_cast<double>(part_count(c) * size_of(c.dtype)) * parts;
  return {.bytes = bytes, .bus_bytes = bytes * bus_factor(c.kind, c.ranks)};
}

Cost cost_of(Overlap const& o) {
  auto const communication = cost_of(o.collective);
  return {.flops = cost_of(o.gemm).flops * o.collective.ranks,
          .bytes = communication.bytes,
          .bus_bytes = communication.bus_bytes};
}

Cost cost_of(Step const& s) {
  constexpr double passes = 3; // forward, gradients of the inputs, gradients of the weights
  return {.flops = passes * static_cast<double>(s.layers * s.dp) * layer_flops(s.model, s.sequences, s.tokens)};
}

Cost cost_of(Spin const&) { return {}; }

Labels labels_of(Gemm const& g) {
  return {{"dtype", std::string(name(g.in))}, {"out", std::string(name(g.out))}, {"m", g.m}, {"n", g.n}, {"k", g.k}};
}

Labels labels_of(Memory const& m) {
  Labels result{{"dtype", "f64"}, {"size_bytes", static_cast<std::int64_t>(m.bytes)}};
  if (m.space != MemorySpace::host) result.set("space", std::string(name(m.space)));
  return result;
}

Labels labels_of(Transfer const& t) {
  Labels result{{"size_bytes", static_cast<std::int64_t>(t.bytes)}};
  if (t.kind == TransferKind::peer) result.set("offset", static_cast<std::int64_t>(t.offset));
  return result;
}

Labels labels_of(TensorIssue const& issue) { return {{"dtype", std::string(name(issue.in))}}; }

Labels labels_of(Collective const& c) {
  Labels result{{"dtype", std::string(name(c.dtype))}, {"size_bytes", static_cast<std::int64_t>(c.bytes)}};
  result.set("in_place", static_cast<std::int64_t>(c.in_place));
  if (is_rooted(c.kind)) result.set("root", static_cast<std::int64_t>(c.root));
  if (c.graph) result.set("graph", std::int64_t{1});
  if (c.registered) result.set("registered", std::int64_t{1});
  return result;
}

Labels labels_of(Overlap const& o) {
  return {{"dtype", std::string(name(o.gemm.in))},
          {"m", o.gemm.m},
          {"n", o.gemm.n},
          {"k", o.gemm.k},
          {"collective", std::string(name(o.collective.kind))},
          {"size_bytes", static_cast<std::int64_t>(o.collective.bytes)},
          {"taken", static_cast<std::int64_t>(o.taken)}};
}

Labels labels_of(Step const& s) {
  return {{"dtype", std::string(name(s.dtype))},
          {"model", std::string(s.model.name)},
          {"layers", s.layers},
          {"tp", static_cast<std::int64_t>(s.tp)},
          {"dp", static_cast<std::int64_t>(s.dp)},
          {"mb", s.sequences},
          {"seq", s.tokens}};
}

Labels labels_of(Spin const& s) { return {{"seconds", s.seconds}, {"noise", s.noise}}; }

} // namespace

std::string_view name(Dtype dtype) {
  for (auto const& [text, value] : dtype_names)
    if (value == dtype) return text;
  return "?";
}

int bits_of(Dtype dtype) {
  switch (dtype) {
  case Dtype::f64: return 64;
  case Dtype::f32:
  case Dtype::tf32:
  case Dtype::s32: return 32;
  case Dtype::f16:
  case Dtype::bf16: return 16;
  case Dtype::f8e4m3:
  case Dtype::f8e5m2:
  case Dtype::mxf8:
  case Dtype::s8: return 8;
  case Dtype::nvf4: return 4;
  }
  return 8;
}

std::uint64_t bytes_of(Dtype dtype, std::uint64_t count) {
  return (count * static_cast<std::uint64_t>(bits_of(dtype)) + 7) / 8;
}

std::size_t size_of(Dtype dtype) { return bytes_of(dtype, 1); }

std::optional<Dtype> parse_dtype(std::string_view text) {
  for (auto const& [known, value] : dtype_names)
    if (known == text) return value;
  return std::nullopt;
}

Cost cost(Operation const& operation) {
  return std::visit([](auto const& op) { return cost_of(op); }, operation);
}

double bus_factor(CollectiveKind kind, int ranks) {
  double const n = ranks;
  switch (kind) {
  case CollectiveKind::all_reduce: return 2 * (n - 1) / n;
  case CollectiveKind::all_gather:
  case CollectiveKind::reduce_scatter:
  case CollectiveKind::all_to_all: return (n - 1) / n;
  case CollectiveKind::broadcast:
  case CollectiveKind::reduce:
  case CollectiveKind::send_recv:
  case CollectiveKind::ping_pong:
  case CollectiveKind::send: return 1;
  }
  return 1;
}

bool is_divided(CollectiveKind kind) {
  return kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter ||
         kind == CollectiveKind::all_to_all;
}

bool is_rooted(CollectiveKind kind) {
  return kind == CollectiveKind::broadcast || kind == CollectiveKind::reduce || kind == CollectiveKind::send;
}

bool is_of_two(CollectiveKind kind) { return kind == CollectiveKind::ping_pong || kind == CollectiveKind::send; }

bool is_reduction(CollectiveKind kind) {
  return kind == CollectiveKind::all_reduce || kind == CollectiveKind::reduce || kind == CollectiveKind::reduce_scatter;
}

std::uint64_t part_count(Collective const& c) {
  auto const parts = is_divided(c.kind) ? static_cast<std::uint64_t>(c.ranks) : 1U;
  return c.bytes / size_of(c.dtype) / parts;
}

std::string_view name(MemoryKind kind) { return memory_names.at(static_cast<std::size_t>(kind)); }
std::string_view name(MemorySpace space) { return space_names.at(static_cast<std::size_t>(space)); }
std::string_view name(TransferKind kind) { return transfer_names.at(static_cast<std::size_t>(kind)); }
std::string_view name(CollectiveKind kind) { return collective_names.at(static_cast<std::size_t>(kind)); }
std::optional<MemoryKind> parse_memory_kind(std::string_view text) {
  return parse_name<MemoryKind>(memory_names, text);
}
std::optional<MemorySpace> parse_memory_space(std::string_view text) {
  return parse_name<MemorySpace>(space_names, text);
}
std::optional<TransferKind> parse_transfer_kind(std::string_view text) {
  return parse_name<TransferKind>(transfer_names, text);
}
std::optional<CollectiveKind> parse_collective_kind(std::string_view text) {
  return parse_name<CollectiveKind>(collective_names, text);
}

std::string_view name(Operation const& operation) {
  struct Namer {
    std::string_view operator()(Gemm const&) const { return "gemm"; }
    std::string_view operator()(Memory const& m) const { return name(m.kind); }
    std::string_view operator()(Transfer const& t) const { return name(t.kind); }
    std::string_view operator()(TensorIssue const&) const { return "tensor_issue"; }
    std::string_view operator()(Collective const& c) const { return name(c.kind); }
    std::string_view operator()(Overlap const&) const { return "overlap"; }
    std::string_view operator()(Step const&) const { return "step"; }
    std::string_view operator()(Spin const&) const { return "spin"; }
  };
  return std::visit(Namer{}, operation);
}

std::string_view family(Operation const& operation) {
  struct Namer {
    std::string_view operator()(Gemm const&) const { return "gemm"; }
    std::string_view operator()(Memory const& m) const {
      return m.space == MemorySpace::host ? "memory" : "device_memory";
    }
    std::string_view operator()(Transfer const&) const { return "transfer"; }
    std::string_view operator()(TensorIssue const&) const { return "tensor_issue"; }
    std::string_view operator()(Collective const&) const { return "collective"; }
    std::string_view operator()(Overlap const&) const { return "overlap"; }
    std::string_view operator()(Step const&) const { return "step"; }
    std::string_view operator()(Spin const&) const { return "spin"; }
  };
  return std::visit(Namer{}, operation);
}

Labels labels(Operation const& operation) {
  return std::visit([](auto const& op) { return labels_of(op); }, operation);
}

} // namespace maru
