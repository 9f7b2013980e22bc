// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <vector>

namespace maru {

/// What a report says of its run: wrong results, failures, ranks that arrive late, then what device_findings.hpp says
/// of its devices. Each is one line with its evidence. Pure; the report's own findings (the wiring) are not repeated.
/// Wants add_ceilings() beforehand. A rehearsal proves the code only, so it makes no rank late.
std::vector<Finding> find(Report const& report);

/// Adds to a report of what was measured what follows from it: ceilings, link maps, then findings. Once.
void conclude(Report& report);

} // namespace maru
