// SPDX-License-Identifier: Apache-2.0
#include "bench/composite.hpp"

#include <algorithm>
#include <cstdint>

namespace maru {
namespace {

/// From each turn's own numbers, so that what drifts from one turn to the next does not show.
template <class Formula> Estimate over_turns(std::size_t turns, Formula const& formula) {
  std::vector<double> values(turns);
  for (std::size_t i = 0; i < turns; ++i) values[i] = formula(i);
  return estimate(values);
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

} // namespace

OverlapResult overlap_result(Measured const& measured) {
  auto const turns = measured.samples.size();
  auto const &compute = measured.beside.at(0), &communication = measured.beside.at(1);
  auto const &compute_together = measured.parts.at(0), &communication_together = measured.parts.at(1);
  OverlapResult result;
  result.compute = estimate(compute);
  result.communication = estimate(communication);
  result.compute_together = estimate(compute_together);
  result.communication_together = estimate(communication_together);
  result.efficiency = over_turns(turns, [&](std::size_t i) {
    double const saved = compute[i] + communication[i] - measured.samples[i];
    return std::clamp(ratio(saved, std::min(compute[i], communication[i])), 0.0, 1.0);
  });
  result.compute_slowdown = over_turns(turns, [&](std::size_t i) { return ratio(compute_together[i], compute[i]); });
  result.communication_slowdown =
      over_turns(turns, [&](std::size_t i) { return ratio(communication_together[i], communication[i]); });
  return result;
}

StepResult step_result(Step const& step, Measured const& measured) {
  auto const turns = measured.samples.size();
  auto const part = [&](std::size_t index) { return estimate(measured.parts.at(index)).median; };
  double const seconds = estimate(measured.samples).median;
  StepResult result;
  result.convention = "layers only, 3 x forward, attention over all tokens";
  result.parameters = step.layers * layer_parameters(step.model) / step.tp;
  result.flops_per_rank = ratio(cost(step).flops / (step.tp * step.dp), seconds);
  result.tokens_per_second = ratio(static_cast<double>(step.dp * step.sequences * step.tokens), seconds);
  result.products = part(0);
  result.attention = part(1);
  result.other = part(2);
  result.optimizer = part(3);
  result.communication = part(4);
  auto const& silent = measured.beside.empty() ? measured.samples : measured.beside.front();
  result.compute_only = estimate(silent);
  result.exposed = over_turns(turns, [&](std::size_t i) { return measured.samples[i] - silent[i]; });
  return result;
}

void add_composite(Record& record, Operation const& operation, Measured const& measured) {
  if (std::holds_alternative<Overlap>(operation)) record.overlap = overlap_result(measured);
  if (auto const* const step = std::get_if<Step>(&operation)) record.step = step_result(*step, measured);
}

} // namespace maru
