// SPDX-License-Identifier: Apache-2.0
#include "history/trend.hpp"

#include "core/statistics.hpp"
#include "history/rank_test.hpp"

#include <algorithm>
#include <cmath>

namespace maru {
namespace {

constexpr std::size_t most_shifts = 32;    // of one series; more is no series of levels
constexpr std::size_t beside_a_change = 2; // noise moves the best split about so far

double median_of(std::span<double const> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return quantile(sorted, 0.5);
}

class Search {
public:
  Search(std::span<double const> values, std::span<std::int64_t const> software) : values_(values) {
    for (std::size_t i = 1; i < values.size(); ++i)
      if (software[i] != software[i - 1]) known_.push_back({.at = i, .known = true});
  }

  std::vector<Change> run() {
    compare_neighbours(known_);
    std::vector<std::size_t> bounds{0};
    for (auto const& change : known_)
      if (change.shifted) bounds.push_back(change.at);
    bounds.push_back(values_.size());
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) split(bounds[i], bounds[i + 1]);
    return settle();
  }

private:
  void compare(Change& change, std::size_t begin, std::size_t end) const {
    auto const before = values_.subspan(begin, change.at - begin), after = values_.subspan(change.at, end - change.at);
    change.before = before.size();
    change.after = after.size();
    change.effect = median_of(after) / median_of(before) - 1;
    if (change.known) {
      change.p = rank_test(before, after);
      bool const enough = std::min(change.before, change.after) >= least_beside;
      change.shifted = enough && change.p < most_chance_at_known && std::abs(change.effect) >= least_effect;
    }
  }

  void compare_neighbours(std::vector<Change>& changes) const {
    for (std::size_t i = 0; i < changes.size(); ++i)
      compare(changes[i], i == 0 ? 0 : changes[i - 1].at, i + 1 == changes.size() ? values_.size() : changes[i + 1].at);
  }

  void split(std::size_t begin, std::size_t end) {
    auto const part = values_.subspan(begin, end - begin);
    auto const found = best_split(part, least_beside);
    if (!found || found->p >= most_chance || shifts_ == most_shifts) return;
    Change change{.at = begin + found->at, .p = found->p, .shifted = true};
    compare(change, begin, end);
    if (std::abs(change.effect) < least_effect) return;
    ++shifts_;
    auto const at = explained(change, begin, end);
    if (at == change.at && !is_known(at)) unknown_.push_back(change);
    split(begin, at);
    split(at, end);
  }

  bool is_known(std::size_t at) const {
    return std::any_of(known_.begin(), known_.end(), [&](auto const& change) { return change.at == at; });
  }

  // Where the change of software is that explains the shift; the shift's own place when there is none.
  std::size_t explained(Change const& shift, std::size_t begin, std::size_t end) {
    Change* nearest = nullptr;
    std::size_t distance = beside_a_change + 1;
    for (auto& change : known_) {
      auto const away = change.at > shift.at ? change.at - shift.at : shift.at - change.at;
      if (away >= distance || change.at <= begin || change.at >= end) continue;
      auto tried = change;
      compare(tried, begin, end);
      if (!tried.shifted) continue;
      nearest = &change;
      distance = away;
    }
    if (!nearest) return shift.at;
    nearest->shifted = true;
    return nearest->at;
  }

  // The figures of a shift are those of the levels on either side, which are known only now.
  std::vector<Change> settle() const {
    auto all = known_;
    all.insert(all.end(), unknown_.begin(), unknown_.end());
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.at < b.at; });
    std::vector<Change> shifts;
    std::copy_if(all.begin(), all.end(), std::back_inserter(shifts), [](auto const& change) { return change.shifted; });
    compare_neighbours(shifts);
    for (auto const& shift : shifts)
      std::find_if(all.begin(), all.end(), [&](auto const& change) { return change.at == shift.at; })[0] = shift;
    return all;
  }

  std::span<double const> values_;
  std::vector<Change> known_, unknown_;
  std::size_t shifts_ = 0;
};

} // namespace

std::vector<Change> find_changes(std::span<double const> values, std::span<std::int64_t const> software) {
  return Search(values, software).run();
}

Trend trend(std::span<double const> values, std::span<std::int64_t const> software) {
  auto const [min, max] = std::minmax_element(values.begin(), values.end());
  Trend result;
  result.n = values.size();
  result.first = values.front();
  result.latest = values.back();
  result.min = *min;
  result.max = *max;
  if (values.size() > 1) result.of_past = values.back() / median_of(values.first(values.size() - 1)) - 1;
  result.changes = find_changes(values, software);
  return result;
}

std::vector<double> thinned(std::span<double const> values, std::size_t most) {
  auto const parts = std::min(values.size(), most);
  std::vector<double> result;
  for (std::size_t i = 0; i < parts; ++i) {
    auto const begin = values.size() * i / parts, end = values.size() * (i + 1) / parts;
    result.push_back(median_of(values.subspan(begin, end - begin)));
  }
  return result;
}

} // namespace maru
