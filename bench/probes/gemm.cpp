// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "bench/probes/gemm_cases.hpp"
#include "bench/probes/gemm_shapes.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

#include <array>

namespace maru {
namespace {

std::vector<std::string> const host_dtypes{"f64", "f32", "bf16", "s8"};
std::vector<std::string> const device_dtypes{"f64",    "f32",    "tf32", "f16",  "bf16",
                                             "f8e4m3", "f8e5m2", "mxf8", "nvf4", "s8"};

/// What training takes as the result: half precision stays what it is on an accelerator, fp8 and fp4 give bf16. CPU
/// libraries give f32 for bf16.
Dtype result_of(Dtype in, bool device) {
  switch (in) {
  case Dtype::bf16:
  case Dtype::f16: return device ? in : Dtype::f32;
  case Dtype::tf32: return Dtype::f32;
  case Dtype::f8e4m3:
  case Dtype::f8e5m2:
  case Dtype::mxf8:
  case Dtype::nvf4: return Dtype::bf16;
  case Dtype::s8: return Dtype::s32;
  default: return in;
  }
}

} // namespace

std::vector<Dtype> gemm_dtypes(std::vector<std::string> const& texts, bool device) {
  auto const& known = device ? device_dtypes : host_dtypes;
  std::vector<Dtype> dtypes;
  for (auto const& text : texts == std::vector<std::string>{"auto"} ? known : texts) {
    auto const dtype = parse_dtype(text);
    if (!dtype || *dtype == Dtype::s32) throw Error(Exit::usage, unknown("gemm dtype", text, device_dtypes));
    dtypes.push_back(*dtype);
  }
  return dtypes;
}

Case gemm_case(Dtype in, GemmShape const& shape, std::string const& backend, ProbeContext const& context) {
  Case item;
  Gemm gemm{.in = in, .out = result_of(in, context.has_device()), .m = shape.m, .n = shape.n, .k = shape.k};
  item.operation = gemm;
  choose_backend(item, backend, context);
  auto const on_host = result_of(in, false);
  if (item.backend || gemm.out == on_host) return item;
  // A host's backend that is asked for by name beside a device gives what it can.
  Case other;
  gemm.out = on_host;
  other.operation = gemm;
  choose_backend(other, backend, context);
  return other.backend ? other : item;
}

namespace {

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<GemmShape> shapes;
  if (parameters.at("shapes") != std::vector<std::string>{"none"})
    shapes = transformer_shapes(parameters.at("shapes"));
  else
    for (auto const& size : parameters.at("sizes")) shapes.push_back(parse_gemm_shape(size, context.has_device()));
  std::vector<Case> result;
  for (auto const dtype : gemm_dtypes(parameters.at("dtypes"), context.has_device()))
    for (auto const& shape : shapes)
      for (auto const& backend : parameters.at("backend")) result.push_back(gemm_case(dtype, shape, backend, context));
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"dtypes", "auto", "element types, such as bf16; auto: all that are usual here"},
    ProbeParameter{"sizes", "small,medium,large", "N for squares, MxNxK, or small, medium, large"},
    ProbeParameter{"shapes", "none", "instead of sizes a model's: model:NAME,tp=T,mb=B,seq=S"},
    ProbeParameter{"backend", "auto", "cublaslt, wgmma, tiled, openblas, onednn, naive …"},
};

} // namespace

extern Probe const gemm_probe;
Probe const gemm_probe{"gemm", "matrix multiplication on every rank at once", parameters, cases};

} // namespace maru
