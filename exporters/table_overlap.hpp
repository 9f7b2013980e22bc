// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/answers.hpp"
#include "exporters/rank_hosts.hpp"

#include <string>
#include <vector>

namespace maru {

/// Of records of operation overlap, and of operation step: a row for each group, since groups are never averaged
/// together. Empty when all were skipped.
std::string overlap_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts);
std::string step_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts);

} // namespace maru
