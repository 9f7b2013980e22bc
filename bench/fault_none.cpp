// SPDX-License-Identifier: Apache-2.0
#include "bench/fault.hpp"

namespace maru {

void before_coupled_call(int) {}
void before_telling(int) {}

} // namespace maru
