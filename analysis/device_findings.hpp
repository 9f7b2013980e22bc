// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <vector>

namespace maru {

/// What a report says of its devices, each kind in one line per culprit with its evidence. Kinds:
/// - "throttled", "clock_changed", "contended", "ecc" (warnings; ecc a failure): Conditions::invalid, by the device
/// that
///   its detail names, else by group
/// - "above_ceiling" (warning): a rate more than 2 % above what bounds it, so that rate or bound is wrong
/// - "timing_disagreement" (warning): the tracer's time is more than 2 % off the lane's
/// - "trace_cost" (note): tracing costs more than 1 %, and its interval leaves out 0
/// - "rehearsal" (note): records of ranks that share a device
/// - "no_peak" (note): a model that is not in the table of peaks
/// Rehearsals are in none but their own. Pure; wants add_ceilings() beforehand.
void add_device_findings(std::vector<Finding>& findings, Report const& report);

} // namespace maru
