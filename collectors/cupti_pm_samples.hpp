// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/cupti_presets.hpp"
#include "core/conditions.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// What was counted between two moments, in nanoseconds of CUPTI's clock.
struct PmSample {
  std::uint64_t start = 0, end = 0;
  std::vector<double> values; ///< in the order of the metrics; NaN: not counted
};

/// Means over the samples in [begin, end], weighted by their lengths, with source "pm_sampling"; coverage is the part
/// of that time that they fill. A sample belongs to it when its middle does. Without any sample there is no source, but
/// a reason. Pure.
Utilisation summarize_samples(std::span<PmMetric const> metrics, std::span<PmSample const> samples, std::uint64_t begin,
                              std::uint64_t end);

/// Fills the utilisation where nobody has yet. Reasons that somebody left who could not are kept beside ours, and the
/// lower rungs do so with ours.
void offer_utilisation(Conditions& conditions, Utilisation seen);

/// Why this process may not read performance counters, by the text of /proc/driver/nvidia/params and that of
/// /proc/self/status; empty when nothing there forbids it. Pure.
std::string counters_forbidden(std::string_view driver_params, std::string_view process_status);

} // namespace maru
