// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/measure.hpp"
#include "core/operation.hpp"
#include "core/report.hpp"

namespace maru {

/// What the turns of an overlap say. Measured::beside and Measured::parts are both {compute, communication}.
OverlapResult overlap_result(Measured const& measured);

/// What the turns of a step say. Measured::parts are {products, attention, other, optimizer, communication}, and beside
/// is the step without communication where there is any.
StepResult step_result(Step const& step, Measured const& measured);

/// Adds to the record what its operation has in store beyond a time.
void add_composite(Record& record, Operation const& operation, Measured const& measured);

} // namespace maru
