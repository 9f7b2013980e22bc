// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/answers.hpp"
#include "exporters/grid.hpp"
#include "exporters/rank_hosts.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace maru {

/// What the table's blocks have in common: cells of an answer, and the notes under its row.

constexpr double micro = 1e6, giga = 1e-9, tera = 1e-12;

std::string percent(std::optional<double> ratio);
Cell scaled(std::optional<double> value, double scale);
/// A figure that must not be used as it stands is marked; the line under its row says why.
Cell scaled(std::optional<double> value, double scale, Answer const& answer);
std::optional<double> median(std::optional<Summary> const& summary);

/// Whether its figures are a device's, as far as the report tells.
bool is_of_device(Answer const& answer);
/// The median over the groups of what bounds them, in percent.
std::string part(Answer const& answer, std::optional<double> Ceiling::*share);
/// The median over the groups of what was seen of one device: clocks as they are, powers and energies shared out.
Cell per_device(Answer const& answer, std::optional<double> Conditions::*member, double scale);
/// Without decimals, whatever its column would give it.
Cell whole(Cell const& cell);

/// The worst group's ranks and host, where there is more than one to compare: "2 node-b".
Cell worst_name(Answer const& answer, std::optional<Summary> const& summary, RankHosts const& hosts);
Cell worst_value(Answer const& answer, std::optional<Summary> const& summary, double scale);

/// p99 where there is one; the largest sample bounds it where there is not.
Cell tail(Answer const& answer);
std::optional<double> largest_p90(Answer const& answer);

/// Lines under the latest row: what is wrong, failed or not to be used as it stands, and why.
void add_notes(Grid& grid, Answer const& answer, RankHosts const& hosts);

/// "rank 3 on node-b", "ranks 0-7 on 2 hosts".
std::string group_name(Group const& group, RankHosts const& hosts);

/// Why a record is not good, without the name of its only rank.
std::string reason(Record const& record, RankHosts const& hosts);

std::string size_label(Labels const& labels);

} // namespace maru
