// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/probe.hpp"
#include "core/report.hpp"

#include <string>
#include <vector>

namespace maru {

/// The report that a run would have if every case were answered by every group and every answer had all that an answer
/// can have; its numbers mean nothing. `report` gives ranks and hosts.
Report outline(Report report, std::vector<Case> const& cases, std::vector<std::string> const& host_of_rank,
               bool devices);

} // namespace maru
