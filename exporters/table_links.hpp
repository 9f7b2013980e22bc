// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <string>

namespace maru {

/// The link maps of a report: each as a matrix where it fits, else its slowest links; then the nodes that explain most
/// of the excess. Empty without any.
std::string links_block(Report const& report);

} // namespace maru
