// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/units.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace maru {

/// "612 TFLOP/s", "24.8 GB/s", "12.3 us": three digits and the unit that suits.
std::string figure_text(double value, Unit unit);
/// "h1, h2, h3 and 5 more".
std::string list_text(std::vector<std::string> const& names, std::size_t most = 4);
/// "1 host", "2 hosts".
std::string counted(std::size_t count, char const* noun);

} // namespace maru
