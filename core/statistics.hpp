// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace maru {

struct Interval {
  double low = 0, high = 0;
};

/// The statistics of one record's samples, in seconds per call. A sample of a coupled operation is the maximum over
/// the group's ranks of that iteration's time; every percentile in this project is a percentile of such samples.
struct Timing {
  std::uint64_t samples = 0;
  std::uint64_t calls_per_sample = 1; ///< a sample is the mean of this many calls back to back
  double median = 0;
  std::optional<Interval> median_ci; ///< 95 %, by order statistics; absent under 6 samples
  double mean = 0, min = 0, max = 0;
  double p90 = 0;
  std::optional<double> p99; ///< withheld under 100 samples
  std::string p99_withheld;  ///< why, when it is
};

/// Quantile q in [0,1] of sorted values by linear interpolation (Hyndman & Fan 1996, type 7). Requires a value.
double quantile(std::span<double const> sorted, double q);

/// Distribution-free confidence interval of the median from order statistics (David & Nagaraja 2003, section 7.1):
/// the pair (x[k], x[n+1-k]) of the largest k whose binomial coverage is still at least `confidence`.
/// Absent when no pair reaches it (fewer than 6 values at 95 %). Values are taken as independent.
std::optional<Interval> median_interval(std::span<double const> sorted, double confidence = 0.95);

/// Half the interval's width over the median; absent when there is no interval or the median is not positive.
std::optional<double> relative_half_width(Timing const& timing);

/// Statistics of samples in any order. Requires at least one.
Timing summarize(std::span<double const> samples, std::uint64_t calls_per_sample);

/// A median and its 95 % interval, absent under 6 samples.
struct Estimate {
  double median = 0;
  std::optional<Interval> median_ci;
};
/// Of samples in any order. Requires at least one.
Estimate estimate(std::span<double const> samples);

/// How likely chance alone makes some one of `ranks` ranks the last in at least k of n iterations; at most 1. By the
/// binomial tail of one rank times the number of ranks (Bonferroni), for the suspect is chosen after looking.
double last_by_chance(std::size_t k, std::size_t n, std::size_t ranks);
/// A rank is named only when that is below this.
constexpr double most_chance = 1e-3;

struct RankValue {
  std::int64_t rank = 0;
  std::string host;
  double seconds = 0;
};

/// How the ranks of a group differ, from each rank's own median; mergeable in any order (merge is associative).
struct RankSpread {
  std::uint64_t ranks = 0;
  double min = 0, mean = 0, max = 0;
  std::vector<RankValue> longest; ///< the ranks with the longest own time, at most 8, longest first
};
RankSpread spread_of(RankValue const& value);
RankSpread merge(RankSpread const& a, RankSpread const& b);

} // namespace maru
