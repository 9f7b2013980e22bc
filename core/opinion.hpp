// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"
#include "core/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace maru {

/// What should come out, for one question and one model of device.
struct Expectation {
  Metric metric;
  std::string model;  ///< as in Place
  double value = 0;   ///< SI, in the metric's unit
  std::string source; ///< "spec h100" or "datasheet H100 SXM"
};

/// What follows from a report and from knowledge beyond it. Metrics and pages show it beside what was measured.
struct Opinion {
  std::optional<Verdict> verdict; ///< absent while a run goes on
  std::vector<Expectation> expectations;
};

} // namespace maru
