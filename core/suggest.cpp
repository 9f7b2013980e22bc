// SPDX-License-Identifier: Apache-2.0
#include "core/suggest.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

namespace maru {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

} // namespace

std::string nearest(std::string_view word, std::vector<std::string> const& candidates) {
  constexpr std::size_t longest = 64; // a hostile word must not cost quadratic time
  if (word.size() > longest) return {};
  std::string best;
  // A slip in a short word, a swap or two slips in a longer one.
  std::size_t least = (word.size() < 4 ? 1 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (auto const& candidate : candidates) {
    auto const far = distance(word, candidate);
    if (far < least) {
      least = far;
      best = candidate;
    }
  }
  return best;
}

std::string unknown(std::string_view kind, std::string_view word, std::vector<std::string> const& candidates) {
  auto const near = nearest(word, candidates);
  if (!near.empty()) return fmt::format("unknown {} '{}'; did you mean '{}'?", kind, word.substr(0, 64), near);
  return fmt::format("unknown {} '{}'; there are: {}", kind, word.substr(0, 64), fmt::join(candidates, ", "));
}

} // namespace maru
