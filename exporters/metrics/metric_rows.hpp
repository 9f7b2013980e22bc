// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/metrics/metric.hpp"

namespace maru {

/// The parts of metric_table(), a file each.
std::span<MetricRow const> run_rows();     ///< what was run, how it went, what it is worth
std::span<MetricRow const> figure_rows();  ///< measured and expected, over all hosts
std::span<MetricRow const> node_rows();    ///< of each host
std::span<MetricRow const> device_rows();  ///< of each device, or rank
std::span<MetricRow const> program_rows(); ///< of the program itself and its ways out

} // namespace maru
