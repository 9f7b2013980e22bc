// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/units.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// Words for numbers and lists within a sentence. Reports may hold any number, so that none of these gives more than a
/// dozen digits: large values are written with an exponent, and what is not finite is "not a number".

/// "12.3", with that many decimals; "1.50e+12".
std::string fixed(double value, int decimals);
/// "612 TFLOP/s", "24.8 GB/s", "12.3 us": three digits and the unit that suits; "1.50e+300 s".
std::string figure_text(double value, Unit unit);

/// "1 host", "2 hosts".
std::string counted(std::size_t count, std::string_view noun);
/// "h1, h2, h3, h4 and 5 more"; all of them where only one would be left, for "and 1 more" is no shorter.
std::string listed(std::vector<std::string> const& names, std::size_t most = 4);

} // namespace maru
