// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "kernels/step/engine.hpp"

namespace maru {

/// The step's kind and layout at widths that a host computes in no time.
Step small_step(Step const& step);

/// A step at the small size on all ranks of the place, against one on this rank alone over the tokens of all replicas:
/// output, gradients and updated weights, element by element. The latter's gradients against differences of its loss,
/// along a random direction for each matrix. Collective over the place's sums.
Verification check_small_step(Step const& step, StepPlace const& place, std::uint64_t seed);

/// Whether every element of outputs, gradients and weights is a finite number after a step that began with poison.
Verification check_finite(StepEngine& engine);

} // namespace maru
