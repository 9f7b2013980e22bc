// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"
#include "core/past.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// Questions that differ in size only: a place is compared by all of them together, so that one disturbed case condemns
/// nobody.
struct Category {
  std::string key;   ///< unique: everything that the questions have in common
  std::string title; ///< "gemm f32"
  Unit unit = Unit::none;
  bool higher_is_better = true;
  bool computes = false; ///< a processor or its memory alone is at work
};

/// A place in one category, against what was expected of it.
struct Score {
  std::size_t category = 0, place = 0;
  double deviation = 0;   ///< median over the questions of log(value/expected), turned so that negative is worse
  double uncertainty = 0; ///< half the 95 % interval of a value, as a logarithm; median over the questions
  double sigma = 0;       ///< robust, of what is expected
  std::size_t peers = 0;  ///< values that the expectation rests on
  double value = 0, expected = 0; ///< SI, of the question whose deviation is the median
};

/// The values of a report, sorted for comparing.
struct Scorecard {
  std::vector<Category> categories;
  std::vector<Score> scores;
};

/// Every place that answered for one host in the first look, against the median of the places of its model. Sigma is
/// that of the deviations over these places. Doubtful values, link maps and tests of the measuring are left out.
Scorecard against_peers(Report const& report, Measurements const& all);

/// The second look's values against the medians of the whole fleet in the first, times what changed in between for
/// the places that are on none of the suspects' hosts. Sigma is that of the first look: the few hosts of a second look,
/// half of them suspects, say nothing of what is usual.
Scorecard against_peers_again(Report const& report, Measurements const& all, Scorecard const& first,
                              std::set<std::string_view> const& suspects);

/// The same against the place's own past; sigma is that of the past values. Places without a past have no score.
Scorecard against_past(Report const& report, Measurements const& all, std::vector<Past> const& past,
                       bool second_look = false);

/// Whether the figures of a record may take part in comparisons at all: those of links have their maps.
bool is_compared(Record const& record);
/// Whether a measurement takes part in comparisons over peers and time: positive and finite, too.
bool is_comparable(Report const& report, Measurements const& all, Measurement const& value, bool second_look);
/// Title of the category of a metric.
std::string category_title(Metric const& metric);
/// Everything that the questions of its category have in common. Collectives are of three classes of size: short ones
/// tell of latency, long ones of bandwidth, and neither may hide the other.
std::string category_key(Metric const& metric);

} // namespace maru
