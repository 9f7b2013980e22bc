// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <map>
#include <string>

namespace maru {

/// How many series each metric would have, at most, were the report's records as full as they can be and something held
/// against every host. By the code that writes the metrics, so that it cannot be off.
std::map<std::string, std::size_t> estimate_series(Report planned);

} // namespace maru
