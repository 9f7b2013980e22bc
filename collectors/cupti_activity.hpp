// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/spans.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace maru {

/// Kernels, copies and memsets of this process, and CUPTI's own costs, by CUPTI's activity records. It attaches no
/// subscriber, so it can share the process with other users of CUPTI. start() on a tracer that runs, or while another
/// one does, throws; stop() on one that does not run returns nothing.
///
/// Costs: memory for the pool (64 MiB) from the first start on, and on the device about 10 MB that CUPTI takes. After
/// the first start CUPTI stays attached to the process with all kinds switched off; what that costs an untraced launch
/// is not known here.
std::unique_ptr<Tracer> cupti_tracer();
/// With another pool. A tiny one loses records, which shows that they are counted.
std::unique_ptr<Tracer> cupti_tracer_with_pool(std::size_t buffers, std::size_t bytes);

/// "CUPTI 13.0 (API 130001)"
std::string cupti_version();

/// Why this version of CUPTI must not trace, in one line; empty when it may.
std::string why_not_trace(unsigned api);

} // namespace maru
