// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkup.hpp"

#include <string>

namespace maru {

/// For a terminal: first the answer and whom it concerns, then what was looked at, then one paragraph per advice.
std::string checkup_table(Checkup const& checkup);

} // namespace maru
