// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::int64_t largest = 1 << 20;

struct Shape {
  std::int64_t m, n, k;
};

std::int64_t edge(std::string_view text) { return parse_integer(text, "gemm size", 1, largest); }

// "4096" is a square, "4096x1024x512" is MxNxK.
Shape parse_shape(std::string_view text) {
  auto const first = text.find('x');
  if (first == text.npos) return {edge(text), edge(text), edge(text)};
  auto const second = text.find('x', first + 1);
  if (second == text.npos) throw Error(Exit::usage, fmt::format("gemm size: '{}' is neither N nor MxNxK", text));
  return {edge(text.substr(0, first)), edge(text.substr(first + 1, second - first - 1)), edge(text.substr(second + 1))};
}

Dtype accumulated(Dtype in) {
  switch (in) {
  case Dtype::bf16: return Dtype::f32;
  case Dtype::s8: return Dtype::s32;
  default: return in;
  }
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<Case> result;
  for (auto const& dtype_name : parameters.at("dtypes")) {
    auto const dtype = parse_dtype(dtype_name);
    if (!dtype || *dtype == Dtype::s32)
      throw Error(Exit::usage, unknown("gemm dtype", dtype_name, {"f64", "f32", "bf16", "s8"}));
    for (auto const& size : parameters.at("sizes")) {
      auto const shape = parse_shape(size);
      Case item;
      item.operation = Gemm{.in = *dtype, .out = accumulated(*dtype), .m = shape.m, .n = shape.n, .k = shape.k};
      choose_backend(item, single(parameters, "backend"), context);
      result.push_back(std::move(item));
    }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"dtypes", "f64,f32,bf16,s8", "element types; bf16 gives f32, s8 gives s32"},
    ProbeParameter{"sizes", "1024,2048,4096", "N for squares, or MxNxK"},
    ProbeParameter{"backend", "auto", "openblas, onednn, naive …"},
};

} // namespace

extern Probe const gemm_probe;
Probe const gemm_probe{"gemm", "matrix multiplication on every rank at once", parameters, cases};

} // namespace maru
