// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "exporters/rank_hosts.hpp"

#include <string>

namespace maru {

/// What a person reads of one probe: a heading, a line per question, notes under those that went wrong.
std::string probe_block(Report const& report, RankHosts const& hosts, std::string const& probe);

} // namespace maru
