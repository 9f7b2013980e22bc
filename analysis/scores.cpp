// SPDX-License-Identifier: Apache-2.0
#include "analysis/scores.hpp"

#include "core/robust.hpp"

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

bool is_usable(double value) { return std::isfinite(value) && value > 0; }

// As a logarithm: rates and times are compared by ratios. Of logarithms, for a ratio itself may be too large.
double half_width(Measurement const& value) {
  if (!value.ci || !is_usable(value.ci->low) || !(value.ci->high > 0)) return 0;
  return (std::log(value.ci->high) - std::log(value.ci->low)) / 2;
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
    if (fresh)
      card.categories.push_back({place->first, category_title(metric), metric.unit, metric.higher_is_better(),
                                 metric.probe == "gemm" || metric.probe == "memory"});
    category_of.push_back(place->second);
  }
  std::vector<Part> parts;
  for (auto const& value : all.values) {
    if (!is_comparable(report, all, value, second_look)) continue;
    auto const expected = expect(value);
    if (!expected || !is_usable(expected->value)) continue;
    double const ratio = std::log(value.value) - std::log(expected->value);
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

// Bytes from which a collective is medium, and large.
constexpr std::int64_t medium_bytes = 64 << 10, large_bytes = 4 << 20;

char const* size_class(Metric const& metric) {
  auto const* size = metric.labels.find("size_bytes");
  auto const* bytes = size ? std::get_if<std::int64_t>(size) : nullptr;
  if (!bytes || metric.figure != "bus_bandwidth") return "";
  return *bytes < medium_bytes ? ", small" : *bytes < large_bytes ? ", medium" : ", large";
}

} // namespace

std::string category_key(Metric const& metric) {
  auto text = fmt::format("{} {} {} {} {}{}", metric.probe, metric.operation, metric.backend, metric.group_kind,
                          metric.figure, size_class(metric));
  for (auto const& [key, value] : metric.labels.entries())
    if (!holds(sizes, key)) text += fmt::format(" {}={}", key, to_text(value));
  return text;
}

std::string category_title(Metric const& metric) {
  auto title = metric.operation;
  for (auto const* key : {"dtype", "space"})
    if (auto const text = metric.labels.text(key); !text.empty()) title += " " + text;
  if (metric.labels.text("in_place") == "1") title += " in place";
  return title + size_class(metric);
}

bool is_compared(Record const& record) { return !holds(left_out, record.probe); }

bool is_comparable(Report const& report, Measurements const& all, Measurement const& value, bool second_look) {
  return is_usable(value.value) && !value.doubtful && !all.places[value.place].host.empty() &&
         report.records[value.record].second_look == second_look && !holds(left_out, all.metrics[value.metric].probe);
}

namespace {

using Key = std::pair<std::size_t, std::size_t>; // of a metric or a category, and a model

std::map<Key, Expectation> medians_of(Report const& report, Measurements const& all,
                                      std::vector<std::size_t> const& models) {
  std::map<Key, std::vector<double>> values;
  for (auto const& value : all.values)
    if (is_comparable(report, all, value, false)) values[{value.metric, models[value.place]}].push_back(value.value);
  std::map<Key, Expectation> medians;
  for (auto& [key, list] : values) medians[key] = {median_of(list), 0, list.size()};
  return medians;
}

std::map<Key, double> sigmas_of(Scorecard const& card, std::vector<std::size_t> const& models) {
  std::map<Key, std::vector<double>> deviations;
  for (auto const& score : card.scores) deviations[{score.category, models[score.place]}].push_back(score.deviation);
  std::map<Key, double> sigmas;
  for (auto& [key, list] : deviations) sigmas[key] = center_of(list).sigma;
  return sigmas;
}

/// What became of those who are under no suspicion from one look to the next, by metric and model.
std::map<Key, double> drifts_of(Report const& report, Measurements const& all, std::vector<std::size_t> const& models,
                                std::set<std::string_view> const& suspects) {
  std::map<Key, std::pair<double, double>> both; // by metric and place
  for (auto const& value : all.values) {
    if (suspects.contains(all.places[value.place].host)) continue;
    bool const second = report.records[value.record].second_look;
    if (!is_comparable(report, all, value, second)) continue;
    auto& [before, after] = both[{value.metric, value.place}];
    (second ? after : before) = value.value;
  }
  std::map<Key, std::vector<double>> ratios;
  for (auto const& [key, values] : both)
    if (values.first > 0 && is_usable(values.second / values.first))
      ratios[{key.first, models[key.second]}].push_back(values.second / values.first);
  std::map<Key, double> drifts;
  for (auto& [key, list] : ratios) drifts[key] = median_of(list);
  return drifts;
}

} // namespace

Scorecard against_peers(Report const& report, Measurements const& all) {
  auto const models = model_of_places(all);
  auto const medians = medians_of(report, all, models);
  auto card = make_scorecard(report, all, false, [&](Measurement const& value) {
    return std::optional(medians.at({value.metric, models[value.place]}));
  });
  auto const sigmas = sigmas_of(card, models);
  for (auto& score : card.scores) score.sigma = sigmas.at({score.category, models[score.place]});
  return card;
}

Scorecard against_peers_again(Report const& report, Measurements const& all, Scorecard const& first,
                              std::set<std::string_view> const& suspects) {
  auto const models = model_of_places(all);
  auto const medians = medians_of(report, all, models);
  auto const drifts = drifts_of(report, all, models, suspects);
  auto card = make_scorecard(report, all, true, [&](Measurement const& value) -> std::optional<Expectation> {
    Key const key{value.metric, models[value.place]};
    auto const median = medians.find(key);
    if (median == medians.end()) return std::nullopt;
    auto const drift = drifts.find(key);
    auto expected = median->second;
    if (drift != drifts.end()) expected.value *= drift->second;
    return expected;
  });
  auto const sigmas = sigmas_of(first, models);
  for (auto& score : card.scores) {
    auto const sigma = sigmas.find({score.category, models[score.place]});
    score.sigma = sigma == sigmas.end() ? 0 : sigma->second;
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
      if (is_usable(value)) values.push_back(std::log(value));
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
