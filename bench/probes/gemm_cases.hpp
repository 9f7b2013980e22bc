// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/probe.hpp"
#include "bench/probes/gemm_shapes.hpp"

#include <string>
#include <vector>

namespace maru {

/// Element types by name; "auto" alone means all that are usual on a host, or with `device` on an accelerator.
/// Throws Error(usage).
std::vector<Dtype> gemm_dtypes(std::vector<std::string> const& texts, bool device);

/// One product, its result of the type that training takes there.
Case gemm_case(Dtype in, GemmShape const& shape, std::string const& backend, ProbeContext const& context);

} // namespace maru
