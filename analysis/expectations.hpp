// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "analysis/spec.hpp"
#include "core/opinion.hpp"
#include "core/report.hpp"

#include <vector>

namespace maru {

/// What a report's figures should be: for each question and model the strictest floor of the model's spec, and what the
/// datasheet gives as the ceiling. Empty for models that neither knows. Wants conclude() beforehand. Pure.
std::vector<Expectation> expectations(Report const& report, std::vector<Spec> const& specs);

/// The report judged with the built-in specs and the usual thresholds, and what was expected of it.
Opinion opinion(Report const& report);

} // namespace maru
