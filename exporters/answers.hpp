// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// One question with the records of every group of one kind that answered it: a matrix multiplication on each rank,
/// an all-reduce in each pair. Views into the report.
struct Answer {
  std::vector<Record const*> records;    ///< at least one
  std::vector<Record const*> timed = {}; ///< and right: how fast a wrong answer came is of no interest
  bool doubtful = false;                 ///< all of `timed` have doubts(); where only some have, those are not in it
  Record const& first() const { return *records.front(); }
  bool all(Status status) const;
};

Answer make_answer(std::vector<Record const*> records);
/// The questions of a probe in the order in which they were first asked.
std::vector<Answer> answers(Report const& report, std::string_view probe);
/// The probes of a report, likewise.
std::vector<std::string> probes_of(Report const& report);

/// A figure of each group, and which group is at its bad end.
struct Summary {
  double median = 0; ///< over the groups
  double best = 0, worst = 0;
  Record const* worst_record = nullptr;
};
/// Absent when nobody gives that figure. Of a duration the longest is worst, of a rate the lowest.
std::optional<Summary> summarize_figure(Answer const& answer, std::string_view figure);

/// The widest of the groups' intervals, as half its width over the median.
std::optional<double> widest_half_width(Answer const& answer);

std::optional<double> figure_of(Record const& record, std::string_view name);

/// Median over the groups of what a record may have.
template <class Get> std::optional<double> median_of(Answer const& answer, Get get) {
  std::vector<double> values;
  for (auto const* record : answer.timed)
    if (auto const value = get(*record)) values.push_back(*value);
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

} // namespace maru
