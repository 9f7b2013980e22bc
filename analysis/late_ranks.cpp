// SPDX-License-Identifier: Apache-2.0
#include "analysis/late_ranks.hpp"

#include "core/phrases.hpp"
#include "core/robust.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <unordered_map>

namespace maru {
namespace {

constexpr double late_share = 0.5;

struct Tally {
  LateRank late;
  std::vector<double> seconds;
};

void count(Tally& tally, Arrival const& arrival) {
  auto& late = tally.late;
  auto const iterations = static_cast<double>(arrival.iterations);
  late.rank = *arrival.last_rank;
  late.host = arrival.last_host;
  ++late.records;
  late.share += arrival.last_share * iterations; // a sum, until all are counted
  late.iterations += iterations;
  late.error = std::max(late.error, arrival.lateness_error);
  tally.seconds.push_back(arrival.lateness);
}

// As long as there is any sense in it.
std::string microseconds(double seconds) {
  constexpr double most = 1e3;
  return std::abs(seconds) < most ? fixed(1e6 * seconds, 1) + " us" : figure_text(seconds, Unit::second);
}

std::size_t could_name(std::vector<double> const& transfers, double lateness) {
  return static_cast<std::size_t>(std::count_if(transfers.begin(), transfers.end(),
                                                [&](double transfer) { return lateness > worth_naming * transfer; }));
}

} // namespace

std::vector<LateRank> late_ranks(Report const& report, bool second_look) {
  std::unordered_map<std::int64_t, std::vector<double>> transfers; // rank → of the records that could name somebody
  std::map<std::int64_t, Tally> tallies;
  for (auto const& record : report.records) {
    if (!record.arrival || record.rehearsal || record.second_look != second_look) continue;
    auto const iterations = record.arrival->iterations;
    if (last_by_chance(iterations, iterations, record.group.ranks.size()) >= most_chance)
      continue; // too few to name any
    for (auto const rank : record.group.ranks) transfers[rank].push_back(record.arrival->transfer);
    if (record.arrival->last_rank) count(tallies[*record.arrival->last_rank], *record.arrival);
  }
  std::vector<LateRank> result;
  for (auto& [rank, tally] : tallies) {
    auto& late = tally.late;
    late.seconds = median_of(tally.seconds);
    late.judged = std::max(late.records, could_name(transfers[rank], late.seconds));
    if (static_cast<double>(late.records) < late_share * static_cast<double>(late.judged)) continue;
    late.share /= late.iterations;
    result.push_back(std::move(late));
  }
  return result;
}

std::string describe(LateRank const& late) {
  return fmt::format("arrives last in {} % of {} iterations ({} of {} records), {} late (± {})",
                     fixed(100 * late.share, 0), fixed(late.iterations, 0), late.records, late.judged,
                     microseconds(late.seconds), microseconds(late.error));
}

} // namespace maru
