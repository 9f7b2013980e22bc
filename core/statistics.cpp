// SPDX-License-Identifier: Apache-2.0
#include "core/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace maru {
namespace {

constexpr std::size_t p99_needs = 100;
constexpr std::size_t longest_kept = 8;

// Largest k (1-based) whose coverage 1 - 2·P(B <= k-1), B ~ Binomial(n, 1/2), is at least `confidence`, or 0.
// Terms are summed in logarithms so that a large n does not underflow.
std::size_t interval_rank(std::size_t n, double confidence) {
  double const count = static_cast<double>(n);
  double tail = 0;
  for (std::size_t below = 0; below < n / 2; ++below) {
    double const i = static_cast<double>(below);
    tail += std::exp(std::lgamma(count + 1) - std::lgamma(i + 1) - std::lgamma(count - i + 1) - count * std::log(2.0));
    if (1 - 2 * tail < confidence) return below;
  }
  return n / 2;
}

} // namespace

double quantile(std::span<double const> sorted, double q) {
  double const position = q * static_cast<double>(sorted.size() - 1);
  auto const below = static_cast<std::size_t>(position);
  auto const above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

std::optional<Interval> median_interval(std::span<double const> sorted, double confidence) {
  auto const rank = interval_rank(sorted.size(), confidence);
  if (rank == 0) return std::nullopt;
  return Interval{sorted[rank - 1], sorted[sorted.size() - rank]};
}

std::optional<double> relative_half_width(Timing const& timing) {
  if (!timing.median_ci || timing.median <= 0) return std::nullopt;
  return (timing.median_ci->high - timing.median_ci->low) / 2 / timing.median;
}

Timing summarize(std::span<double const> samples, std::uint64_t calls_per_sample) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  Timing timing;
  timing.samples = sorted.size();
  timing.calls_per_sample = calls_per_sample;
  timing.median = quantile(sorted, 0.5);
  timing.median_ci = median_interval(sorted);
  timing.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
  timing.min = sorted.front();
  timing.max = sorted.back();
  timing.p90 = quantile(sorted, 0.9);
  if (sorted.size() >= p99_needs)
    timing.p99 = quantile(sorted, 0.99);
  else
    timing.p99_withheld = fmt::format("{} samples, {} needed", sorted.size(), p99_needs);
  return timing;
}

Estimate estimate(std::span<double const> samples) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return {.median = quantile(sorted, 0.5), .median_ci = median_interval(sorted)};
}

double last_by_chance(std::size_t k, std::size_t n, std::size_t ranks) {
  if (ranks < 2 || k > n) return ranks < 2 ? 1 : 0;
  constexpr std::size_t plenty = 1 << 20; // more iterations than anybody samples: a report may claim any number
  if (n > plenty) return last_by_chance(k > n - plenty ? plenty - (n - k) : 0, plenty, ranks);
  double const count = static_cast<double>(n), p = 1 / static_cast<double>(ranks);
  double tail = 0;
  for (auto last = k; last <= n; ++last) {
    auto const i = static_cast<double>(last);
    tail += std::exp(std::lgamma(count + 1) - std::lgamma(i + 1) - std::lgamma(count - i + 1) + i * std::log(p) +
                     (count - i) * std::log1p(-p));
  }
  return std::min(1.0, tail * static_cast<double>(ranks));
}

RankSpread spread_of(RankValue const& value) {
  return {.ranks = 1, .min = value.seconds, .mean = value.seconds, .max = value.seconds, .longest = {value}};
}

RankSpread merge(RankSpread const& a, RankSpread const& b) {
  if (a.ranks == 0) return b;
  if (b.ranks == 0) return a;
  RankSpread merged;
  merged.ranks = a.ranks + b.ranks;
  merged.min = std::min(a.min, b.min);
  merged.max = std::max(a.max, b.max);
  merged.mean = std::lerp(a.mean, b.mean, static_cast<double>(b.ranks) / static_cast<double>(merged.ranks));
  merged.longest = a.longest;
  merged.longest.insert(merged.longest.end(), b.longest.begin(), b.longest.end());
  // Ties go to the lower rank, so that the order of merging does not show.
  std::sort(merged.longest.begin(), merged.longest.end(), [](RankValue const& x, RankValue const& y) {
    return x.seconds != y.seconds ? x.seconds > y.seconds : x.rank < y.rank;
  });
  if (merged.longest.size() > longest_kept) merged.longest.resize(longest_kept);
  return merged;
}

} // namespace maru
