// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

#include <array>

namespace maru {
namespace {

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<Case> result;
  for (auto const& text : parameters.at("dtypes")) {
    auto const dtype = parse_dtype(text);
    if (!dtype)
      throw Error(Exit::usage, unknown("issue dtype", text, {"bf16", "f16", "tf32", "f8e4m3", "f8e5m2", "s8", "f64"}));
    Case item;
    item.operation = TensorIssue{.in = *dtype};
    choose_backend(item, single(parameters, "backend"), context);
    result.push_back(std::move(item));
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"dtypes", "bf16,f16,tf32,f8e4m3,f8e5m2,s8,f64", "element types"},
    ProbeParameter{"backend", "auto", "tensor_issue …"},
};

} // namespace

extern Probe const issue_probe;
Probe const issue_probe{.name = "issue",
                        .help = "tensor instructions alone: every gemm's ceiling at these clocks",
                        .parameters = parameters,
                        .cases = cases,
                        .for_devices = true};

} // namespace maru
