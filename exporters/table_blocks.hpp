// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/answers.hpp"
#include "exporters/rank_hosts.hpp"

#include <string>

namespace maru {

/// "rank 3 on node-b", "ranks 0-7 on 2 hosts".
std::string group_name(Group const& group, RankHosts const& hosts);

/// Why a record is not good, without the name of its only rank.
std::string reason(Record const& record, RankHosts const& hosts);

/// What a person reads of one probe: a heading, a line per question, notes under those that went wrong.
std::string probe_block(Report const& report, RankHosts const& hosts, std::string const& probe);

} // namespace maru
