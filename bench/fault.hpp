// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace maru {

/// Called by each rank right before it enters a coupled operation. Does nothing in the program that is shipped; the
/// test build links tests/faults instead, which delays the rank that MARU_TEST_DELAY_RANK names.
void before_coupled_call(int world_rank);

/// Called by each rank of maru doctor when the others know of it and before it tells anything. Does nothing likewise;
/// in the test build it stops the rank that MARU_TEST_STOP_RANK names.
void before_telling(int world_rank);

} // namespace maru
