// SPDX-License-Identifier: Apache-2.0
#include "history/rank_test.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace maru {
namespace {

constexpr std::size_t always_exact = 24; // values; the table of counts is then below 12 x 600
constexpr std::size_t most_exact = 2500; // values times those of the smaller part: some milliseconds
constexpr double worth_counting = 2.5;   // standard deviations

struct Ranks {
  std::vector<std::int64_t> twice; ///< mid-ranks times two, in the values' order: whole numbers also with ties
  double ties = 0;                 ///< sum of t^3 - t over the groups of equal values
};

Ranks ranks_of(std::span<double const> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  Ranks ranks{std::vector<std::int64_t>(values.size()), 0};
  for (std::size_t i = 0; i < order.size();) {
    auto j = i;
    while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
    for (auto k = i; k < j; ++k) ranks.twice[order[k]] = static_cast<std::int64_t>(i + j + 1);
    auto const t = static_cast<double>(j - i);
    ranks.ties += t * t * t - t;
    i = j;
  }
  return ranks;
}

// Of the sum of the first part's ranks, were the values in any order.
double mean_of(std::size_t k, std::size_t n) { return static_cast<double>(k) * static_cast<double>(n + 1) / 2; }
double variance_of(std::size_t part, std::size_t whole, double ties) {
  auto const k = static_cast<double>(part), n = static_cast<double>(whole);
  return n < 2 ? 0 : k * (n - k) / 12 * (n + 1 - ties / (n * (n - 1)));
}

// Over all ways to choose k of the ranks: the part whose sum is at least as far from the mean.
double exact(Ranks const& ranks, std::size_t k, std::int64_t twice_sum) {
  auto const n = ranks.twice.size();
  auto const most = 2 * k * n;
  std::vector<std::vector<double>> count(k + 1, std::vector<double>(most + 1));
  count[0][0] = 1;
  for (auto const rank : ranks.twice)
    for (auto chosen = k; chosen > 0; --chosen)
      for (auto sum = static_cast<std::size_t>(rank); sum <= most; ++sum)
        count[chosen][sum] += count[chosen - 1][sum - static_cast<std::size_t>(rank)];
  auto const mean = static_cast<std::int64_t>(k * (n + 1)); // twice the mean of the sum
  auto const far = std::abs(twice_sum - mean);
  double all = 0, extreme = 0;
  for (std::size_t sum = 0; sum <= most; ++sum) {
    all += count[k][sum];
    if (std::abs(static_cast<std::int64_t>(sum) - mean) >= far) extreme += count[k][sum];
  }
  return extreme / all;
}

// The first part has k values, and their ranks the sum.
double chance(Ranks const& ranks, std::size_t k, std::int64_t twice_sum) {
  auto const n = ranks.twice.size();
  auto const variance = variance_of(k, n, ranks.ties);
  if (k == 0 || k == n || !(variance > 0)) return 1;
  auto const distance = std::abs(static_cast<double>(twice_sum) / 2 - mean_of(k, n));
  auto const deviations = std::max(0.0, distance - 0.5) / std::sqrt(variance);
  auto const smaller = std::min(k, n - k);
  if (n <= always_exact || (smaller * n <= most_exact && deviations > worth_counting)) {
    auto const twice_all = static_cast<std::int64_t>(n * (n + 1));
    return exact(ranks, smaller, smaller == k ? twice_sum : twice_all - twice_sum);
  }
  return std::min(1.0, std::erfc(deviations / std::sqrt(2.0)));
}

struct Candidate {
  std::size_t at = 0;
  std::int64_t twice_sum = 0; ///< of the ranks before it
  double score = -1;
  void offer(Candidate const& other) {
    if (other.score > score) *this = other;
  }
};

} // namespace

double rank_test(std::span<double const> before, std::span<double const> after) {
  std::vector<double> all(before.begin(), before.end());
  all.insert(all.end(), after.begin(), after.end());
  auto const ranks = ranks_of(all);
  auto const end = ranks.twice.begin() + static_cast<std::ptrdiff_t>(before.size());
  return chance(ranks, before.size(), std::accumulate(ranks.twice.begin(), end, std::int64_t{0}));
}

std::optional<Split> best_split(std::span<double const> values, std::size_t least) {
  auto const n = values.size();
  least = std::max<std::size_t>(least, 1);
  if (n < 2 * least) return {};
  auto const ranks = ranks_of(values);
  auto const largest = *std::max_element(values.begin(), values.end());
  auto const mean = std::accumulate(values.begin(), values.end(), 0.0, [&](double sum, double value) {
    return sum + value / largest / static_cast<double>(n);
  });
  Candidate by_ranks, by_means;
  std::int64_t twice_sum = 0;
  double excess = 0; // sum of the first part's values over that of as many average ones
  for (std::size_t k = 1; k + least <= n; ++k) {
    twice_sum += ranks.twice[k - 1];
    excess += values[k - 1] / largest - mean;
    if (k < least) continue;
    auto const sides = static_cast<double>(k) * static_cast<double>(n - k);
    auto const away = static_cast<double>(twice_sum) / 2 - mean_of(k, n);
    by_ranks.offer({k, twice_sum, away * away / sides});
    by_means.offer({k, twice_sum, excess * excess / sides});
  }
  auto const tried = static_cast<double>(n - 2 * least + 1);
  auto const split = [&](Candidate const& candidate) {
    return Split{candidate.at, std::min(1.0, tried * chance(ranks, candidate.at, candidate.twice_sum))};
  };
  auto const a = split(by_means), b = split(by_ranks);
  return b.p < a.p ? b : a;
}

} // namespace maru
