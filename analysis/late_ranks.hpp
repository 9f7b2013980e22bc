// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <string>
#include <vector>

namespace maru {

/// A rank that leads the late in at least half of the records that could have named it, so that a single disturbed
/// case accuses nobody. Those that last so long that its lateness does not matter to them could not. It is the culprit: those that show long times wait for it.
struct LateRank {
  std::int64_t rank = 0;
  std::string host;
  double seconds = 0;            ///< median over the records that name it
  double error = 0;              ///< seconds, the largest of them
  double share = 0;              ///< of the iterations of those records, in which it was last
  double iterations = 0;         ///< of those records
  std::size_t records = 0;       ///< that name it
  std::size_t judged = 0;        ///< that could have
};

/// By rank. Rehearsals make nobody late. Of first looks, or of second looks alone. Pure.
std::vector<LateRank> late_ranks(Report const& report, bool second_look = false);

/// "arrives last in 95 % of 80 iterations (4 of 5 records), 300.0 us late (± 1.0 us)"
std::string describe(LateRank const& late);

} // namespace maru
