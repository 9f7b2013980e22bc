// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "analysis/judge.hpp"
#include "cli/command.hpp"

#include <string>

namespace maru {

/// The options by which hosts are judged, as text; empty: the default.
struct ThresholdArguments {
  std::string sigmas, effect, link_effect, late;
};

void add_threshold_options(CLI::App& app, ThresholdArguments& arguments, char const* group);
/// Throws Error(usage).
Thresholds read_thresholds(ThresholdArguments const& arguments);

} // namespace maru
