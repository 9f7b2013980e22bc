// SPDX-License-Identifier: Apache-2.0
#include "analysis/scores.hpp"

#include "analysis/robust.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <unordered_map>

namespace maru {
namespace {

constexpr std::array<std::string_view, 4> sizes{"m", "n", "k", "size_bytes"};
// Of the links their own maps speak; the others test the measuring, or search.
constexpr std::array<std::string_view, 3> left_out{"links", "spin", "gemm_peak"};

template <class List> bool holds(List const& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string category_key(Metric const& metric) {
  auto text =
      fmt::format("{} {} {} {} {}", metric.probe, metric.operation, metric.backend, metric.group_kind, metric.figure);
  for (auto const& [key, value] : metric.labels.entries())
    if (!holds(sizes, key)) text += fmt::format(" {}={}", key, to_text(value));
  return text;
}

struct Expectation {
  double value = 0;
  double sigma = 0; ///< of its logarithm
  std::size_t count = 0;
};
using Expect = std::function<std::optional<Expectation>(Measurement const&)>;

/// One question's part of a score.
struct Part {
  std::size_t category, place;
  double deviation, uncertainty, value;
  Expectation expected;
};

// As a logarithm: rates and times are compared by ratios.
double half_width(Measurement const& value) {
  if (!value.ci || value.ci->low <= 0 || value.ci->high <= 0) return 0;
  return std::log(value.ci->high / value.ci->low) / 2;
}

template <class Get> double median_over(std::vector<Part>::iterator begin, std::vector<Part>::iterator end, Get get) {
  std::vector<double> values;
  for (auto part = begin; part != end; ++part) values.push_back(get(*part));
  return median_of(values);
}

Score score_of(std::vector<Part>::iterator begin, std::vector<Part>::iterator end) {
  std::sort(begin, end, [](Part const& a, Part const& b) { return a.deviation < b.deviation; });
  auto const& middle = *(begin + (end - begin) / 2);
  return {.category = middle.category,
          .place = middle.place,
          .deviation = median_over(begin, end, [](Part const& p) { return p.deviation; }),
          .uncertainty = median_over(begin, end, [](Part const& p) { return p.uncertainty; }),
          .sigma = median_over(begin, end, [](Part const& p) { return p.expected.sigma; }),
          .peers = middle.expected.count,
          .value = middle.value,
          .expected = middle.expected.value};
}

Scorecard make_scorecard(Report const& report, Measurements const& all, bool second_look, Expect const& expect) {
  Scorecard card;
  std::map<std::string, std::size_t> places;
  std::vector<std::size_t> category_of; // by metric
  for (auto const& metric : all.metrics) {
    auto const [place, fresh] = places.try_emplace(category_key(metric), card.categories.size());
    if (fresh) card.categories.push_back({category_title(metric), metric.unit, metric.higher_is_better()});
    category_of.push_back(place->second);
  }
  std::vector<Part> parts;
  for (auto const& value : all.values) {
    if (!is_comparable(report, all, value, second_look)) continue;
    auto const expected = expect(value);
    if (!expected || !(expected->value > 0) || !(value.value > 0)) continue;
    double const ratio = std::log(value.value / expected->value);
    bool const better = all.metrics[value.metric].higher_is_better();
    parts.push_back(
        {category_of[value.metric], value.place, better ? ratio : -ratio, half_width(value), value.value, *expected});
  }
  auto const same = [](Part const& a, Part const& b) { return a.category == b.category && a.place == b.place; };
  std::sort(parts.begin(), parts.end(), [](Part const& a, Part const& b) {
    return a.category != b.category ? a.category < b.category : a.place < b.place;
  });
  for (auto begin = parts.begin(); begin != parts.end();) {
    auto const end = std::find_if_not(begin, parts.end(), [&](Part const& part) { return same(*begin, part); });
    card.scores.push_back(score_of(begin, end));
    begin = end;
  }
  return card;
}

/// Groups values by what must be equal for them to be peers.
std::vector<std::size_t> model_of_places(Measurements const& all) {
  std::unordered_map<std::string, std::size_t> numbers;
  std::vector<std::size_t> models;
  for (auto const& place : all.places)
    models.push_back(
        numbers.try_emplace(fmt::format("{} {}", place.device, place.model), numbers.size()).first->second);
  return models;
}

} // namespace

std::string category_title(Metric const& metric) {
  auto title = metric.operation;
  for (auto const* key : {"dtype", "space"})
    if (auto const text = metric.labels.text(key); !text.empty()) title += " " + text;
  if (metric.labels.text("in_place") == "1") title += " in place";
  return title;
}

bool is_compared(Record const& record) { return !holds(left_out, record.probe); }

bool is_comparable(Report const& report, Measurements const& all, Measurement const& value, bool second_look) {
  return !value.doubtful && !all.places[value.place].host.empty() &&
         report.records[value.record].second_look == second_look && !holds(left_out, all.metrics[value.metric].probe);
}

Scorecard against_peers(Report const& report, Measurements const& all, bool second_look) {
  auto const models = model_of_places(all);
  using Key = std::pair<std::size_t, std::size_t>;
  std::map<Key, std::vector<double>> values; // by metric and model
  for (auto const& value : all.values)
    if (is_comparable(report, all, value, second_look))
      values[{value.metric, models[value.place]}].push_back(value.value);
  std::map<Key, Expectation> medians;
  for (auto& [key, list] : values) medians[key] = {median_of(list), 0, list.size()};
  auto card = make_scorecard(report, all, second_look, [&](Measurement const& value) {
    return std::optional(medians.at({value.metric, models[value.place]}));
  });
  std::map<Key, std::vector<double>> deviations; // by category and model
  for (auto const& score : card.scores) deviations[{score.category, models[score.place]}].push_back(score.deviation);
  std::map<Key, Center> centers;
  for (auto& [key, list] : deviations) centers[key] = center_of(list);
  for (auto& score : card.scores) {
    auto const& center = centers.at({score.category, models[score.place]});
    score.sigma = center.sigma;
  }
  return card;
}

Scorecard against_past(Report const& report, Measurements const& all, std::vector<Past> const& past, bool second_look) {
  auto const key = [](std::string_view metric, std::string_view host, std::int64_t local, std::string_view uuid) {
    return uuid.empty() ? fmt::format("{} @ {} {}", metric, host, local) : fmt::format("{} @ {}", metric, uuid);
  };
  std::unordered_map<std::string, Expectation> known;
  for (auto const& entry : past) {
    std::vector<double> values;
    for (double const value : entry.values)
      if (value > 0) values.push_back(std::log(value));
    if (values.empty()) continue;
    auto const count = values.size();
    auto const center = center_of(values);
    known[key(entry.metric, entry.host, entry.local_rank, entry.device_uuid)] = {std::exp(center.median), center.sigma,
                                                                                 count};
  }
  return make_scorecard(report, all, second_look, [&](Measurement const& value) -> std::optional<Expectation> {
    auto const& place = all.places[value.place];
    auto const found = known.find(key(all.metrics[value.metric].name, place.host, place.local_rank, place.device_uuid));
    if (found == known.end()) return std::nullopt;
    return found->second;
  });
}

} // namespace maru
