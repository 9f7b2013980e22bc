// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace maru {

/// Called by each rank right before it enters a coupled operation. Does nothing in the program that is shipped; the
/// test build links tests/faults instead, which delays the rank that MARU_TEST_DELAY_RANK names.
void before_coupled_call(int world_rank);

} // namespace maru
