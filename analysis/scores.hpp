// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"
#include "core/past.hpp"

#include <optional>
#include <string>
#include <vector>

namespace maru {

/// Questions that differ in size only: a place is compared by all of them together, so that one disturbed case condemns
/// nobody.
struct Category {
  std::string title; ///< "gemm f32 (openblas)"
  Unit unit = Unit::none;
  bool higher_is_better = true;
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

/// Every place that answered for one host, against the median of the places of its model. Sigma is that of the
/// deviations over these places. Doubtful values, link maps and tests of the measuring are left out, and second looks
/// or first looks.
Scorecard against_peers(Report const& report, Measurements const& all, bool second_look = false);

/// The same against the place's own past; sigma is that of the past values. Places without a past have no score.
Scorecard against_past(Report const& report, Measurements const& all, std::vector<Past> const& past,
                       bool second_look = false);

/// Whether the figures of a record may take part in comparisons at all: those of links have their maps.
bool is_compared(Record const& record);
/// Whether a measurement takes part in comparisons over peers and time.
bool is_comparable(Report const& report, Measurements const& all, Measurement const& value, bool second_look);
/// Title of the category of a metric.
std::string category_title(Metric const& metric);

} // namespace maru
