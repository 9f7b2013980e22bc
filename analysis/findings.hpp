// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <vector>

namespace maru {

/// What a report says of its run, worst first: wrong results, failures, ranks that arrive late. Each is one line with
/// its evidence. Pure; the report's own findings (the wiring) are not repeated.
std::vector<Finding> find(Report const& report);

} // namespace maru
