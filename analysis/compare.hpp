// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/comparison.hpp"
#include "core/report.hpp"

namespace maru {

/// Two runs, question by question. Places (a rank, a host, a group) are compared with themselves: host and place on it
/// where the runs share hosts, otherwise by number. The ratio is the median over the places of after over before.
///
/// Its interval is the wider of what the records' own intervals give and what the places' ratios show by their spread:
/// by order statistics of the median, with too few places for that by Student's quantile. It is for 1 − 0.05 /
/// questions (Bonferroni), so that among many questions none differs by chance. What varies between two runs of the
/// same machine, and not within them, is not in it. Doubtful records and second looks are left out. Pure.
Comparison compare(Report const& before, Report const& after);

/// The normal quantile that a two-sided interval of `questions` questions together needs for 95 %.
double normal_quantile(std::size_t questions);

} // namespace maru
