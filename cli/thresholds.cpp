// SPDX-License-Identifier: Apache-2.0
#include "cli/thresholds.hpp"

#include "bench/plan.hpp"
#include "core/units.hpp"

namespace maru {

void add_threshold_options(CLI::App& app, ThresholdArguments& a, char const* group) {
  auto const add = [&](char const* name, std::string& target, char const* kind, char const* help) {
    add_value(app, name, target, kind, help)->group(group);
  };
  add("--sigmas", a.sigmas, "N", "robust sigmas beyond peers or past to fail [6]");
  add("--min-effect", a.effect, "PART", "and at least so much worse [5%]");
  add("--min-link-effect", a.link_effect, "PART", "the same of links; latency 1 + 5 times it [20%]");
  add("--late", a.late, "TIME", "lateness that fails; less is a warning [100us]");
}

Thresholds read_thresholds(ThresholdArguments const& a) {
  Thresholds thresholds;
  if (!a.sigmas.empty()) {
    thresholds.sigmas = parse_number(a.sigmas, "--sigmas");
    if (!(thresholds.sigmas > 0 && thresholds.sigmas < 1e6)) throw Error(Exit::usage, "--sigmas: must be positive");
  }
  if (!a.effect.empty()) thresholds.effect = parse_precision(a.effect, "--min-effect");
  if (!a.link_effect.empty()) thresholds.link_effect = parse_precision(a.link_effect, "--min-link-effect");
  if (!a.late.empty()) thresholds.late = parse_duration(a.late, "--late");
  return thresholds;
}

} // namespace maru
