// SPDX-License-Identifier: Apache-2.0
// The overlaps and steps of the sample report.
#pragma once

#include "core/report.hpp"

#include <vector>

namespace maru {

inline Estimate sample_estimate(double median) { return {median, Interval{median * 0.9375, median * 1.125}}; }

inline std::vector<Overlap> sample_overlaps() {
  std::vector<Overlap> result;
  for (int const taken : {0, 4}) {
    Overlap overlap;
    overlap.gemm = {.in = Dtype::f32, .out = Dtype::f32, .m = 4096, .n = 1024, .k = 2048};
    overlap.collective = {.kind = CollectiveKind::reduce_scatter, .bytes = 16 << 20, .ranks = 4};
    overlap.taken = taken;
    result.push_back(overlap);
  }
  return result;
}

inline OverlapResult sample_overlap_result(Overlap const& overlap) {
  bool const takes = overlap.taken > 0;
  OverlapResult result;
  result.compute = sample_estimate(0.025);
  result.communication = sample_estimate(0.0125);
  result.compute_together = sample_estimate(takes ? 0.03125 : 0.028125);
  result.communication_together = sample_estimate(takes ? 0.0125 : 0.03125);
  result.efficiency = sample_estimate(0.5);
  result.compute_slowdown = sample_estimate(takes ? 1.25 : 1.125);
  result.communication_slowdown = {takes ? 1.0 : 2.5, {}};
  return result;
}

inline Step sample_step() {
  Step step;
  step.model = find_transformer("llama3-405b");
  step.layers = 2;
  step.tp = 2;
  step.sequences = 4;
  step.tokens = 8192;
  step.ranks = 2;
  return step;
}

inline StepResult sample_step_result() {
  StepResult result;
  result.convention = "layers only, 3 x forward, attention over all tokens";
  result.parameters = 1 << 20;
  result.flops_per_rank = 5e11;
  result.tokens_per_second = 16384;
  result.products = 0.75;
  result.attention = 0.125;
  result.other = 0.0625;
  result.optimizer = 0.03125;
  result.communication = 0.25;
  result.compute_only = sample_estimate(1.0);
  result.exposed = sample_estimate(0.25);
  return result;
}

} // namespace maru
