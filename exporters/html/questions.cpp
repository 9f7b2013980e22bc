// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/questions.hpp"

#include "exporters/answers.hpp"
#include "exporters/rank_hosts.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace maru {
namespace {

constexpr double noisy_from = 0.1; // half width of the interval over the median

std::string kind_of(Group const& group) {
  auto const colon = group.kind.find(':');
  bool const round = group.kind.starts_with("hosts:") || group.kind.starts_with("local:");
  return round ? group.kind.substr(0, colon) : group.kind;
}

void add_conditions(std::vector<Shown>& result, Conditions const& conditions) {
  auto const devices = static_cast<double>(std::max<std::int64_t>(conditions.devices, 1));
  if (conditions.sm_clock) result.push_back({"sm_clock", *conditions.sm_clock});
  if (conditions.power) result.push_back({"power", *conditions.power / devices});
  if (conditions.temperature) result.push_back({"temperature", *conditions.temperature});
  if (conditions.energy_per_call) result.push_back({"energy", *conditions.energy_per_call / devices});
}

struct One {
  double value = 0;
  Record const* record = nullptr;
  std::optional<Interval> ci;
};

/// Calls with each record and each of its figures that is shown.
template <class Call> void for_each_shown(Answer const& answer, Call call) {
  for (auto const* record : answer.timed)
    for (auto const& one : shown_rates(*record)) call(record, one);
  for (auto const* record : answer.records)
    for (auto const& one : shown_conditions(*record)) call(record, one);
}

PageFigure figure_over(std::string_view name, std::vector<One> values, RankHosts const& hosts) {
  std::stable_sort(values.begin(), values.end(), [](One const& a, One const& b) { return a.value < b.value; });
  std::vector<double> sorted;
  for (auto const& one : values) sorted.push_back(one.value);
  PageFigure figure;
  figure.name = name;
  figure.median = quantile(sorted, 0.5);
  figure.ci = values.size() == 1 ? values.front().ci : median_interval(sorted);
  figure.spread = {sorted.front(), quantile(sorted, 0.05), quantile(sorted, 0.95), sorted.back(),
                   static_cast<double>(sorted.size())};
  if (values.size() == 1) return figure;
  auto const& worst = low_is_good(name) ? values.back() : values.front();
  if (worst.record->group.ranks.empty()) return figure;
  figure.worst_rank = worst.record->group.ranks.front();
  figure.worst_host = hosts.of(figure.worst_rank);
  return figure;
}

void add_figures(PageQuestion& question, Answer const& answer, RankHosts const& hosts) {
  std::vector<std::pair<std::string_view, std::vector<One>>> figures;
  for_each_shown(answer, [&](Record const* record, Shown const& one) {
    auto found =
        std::find_if(figures.begin(), figures.end(), [&](auto const& known) { return known.first == one.name; });
    if (found == figures.end()) found = figures.insert(figures.end(), {one.name, {}});
    found->second.push_back({one.value, record, one.ci});
  });
  for (auto& [name, values] : figures) question.figures.push_back(figure_over(name, std::move(values), hosts));
}

void count(PageQuestion& question, Record const& record) {
  switch (record.status) {
  case Status::ok: ++question.ok; break;
  case Status::wrong: ++question.wrong; break;
  case Status::failed: ++question.failed; break;
  case Status::skipped: ++question.skipped; break;
  }
  if (record.verification.checked) ++question.checked;
  if (record.status != Status::ok && question.reason.empty()) question.reason = record.reason;
  if (record.time && relative_half_width(*record.time).value_or(0) > noisy_from) ++question.noisy;
  for (auto const& doubt : doubts(record)) {
    auto& all = question.doubts;
    auto const found = std::find_if(all.begin(), all.end(), [&](auto const& one) { return one.first == doubt; });
    if (found == all.end())
      all.emplace_back(doubt, 1);
    else
      ++found->second;
  }
  auto const& samples = record.samples;
  if (samples.at.empty() || samples.at.size() != samples.seconds.size()) return;
  auto const end = samples.at.back() + samples.seconds.back();
  question.began = std::min(question.began.value_or(samples.at.front()), samples.at.front());
  question.ended = std::max(question.ended.value_or(end), end);
}

void add_bounds(PageQuestion& question, Answer const& answer) {
  question.datasheet =
      median_of(answer, [](Record const& record) { return record.ceiling ? record.ceiling->datasheet : std::nullopt; });
  if (question.datasheet)
    for (auto const* record : answer.timed)
      if (record->ceiling && question.datasheet_source.empty()) question.datasheet_source = record->ceiling->source;
}

PageQuestion one_question(std::vector<Record const*> records, RankHosts const& hosts) {
  PageQuestion question;
  auto const& first = *records.front();
  question.probe = first.probe;
  question.operation = first.operation;
  question.backend = first.backend;
  question.group = kind_of(first.group);
  question.labels = first.labels;
  question.ranks = first.group.ranks.size();
  if (first.cost.bytes > 0) question.intensity = first.cost.flops / first.cost.bytes;
  for (auto const* record : records) count(question, *record);
  auto const answer = make_answer(std::move(records));
  question.doubtful = answer.doubtful;
  add_figures(question, answer, hosts);
  add_bounds(question, answer);
  return question;
}

void add_host_value(PageQuestion& question, Shown const& one, std::size_t host, std::size_t hosts) {
  for (auto& figure : question.figures) {
    if (figure.name != one.name) continue;
    if (figure.by_host.empty()) figure.by_host.assign(hosts, no_value);
    auto& own = figure.by_host[host];
    bool const worse = low_is_good(one.name) ? one.value > own : one.value < own;
    if (std::isnan(own) || worse) own = one.value;
  }
}

} // namespace

std::string page_key(Record const& record) { return question(record) + " " + kind_of(record.group); }

bool low_is_good(std::string_view figure) {
  return figure == "duration" || figure == "power" || figure == "temperature" || figure == "energy";
}

std::vector<Shown> shown_rates(Record const& record) {
  std::vector<Shown> result;
  for (auto const& figure : figures(record))
    if (figure.name != "algorithm_bandwidth") result.push_back({figure.name, figure.value, figure.ci});
  return result;
}

std::vector<Shown> shown_conditions(Record const& record) {
  std::vector<Shown> result;
  if (record.conditions) add_conditions(result, *record.conditions);
  return result;
}

Asked asked(Report const& report) {
  Asked result;
  std::unordered_map<std::string, std::size_t> places;
  for (auto const& record : report.records) {
    if (record.second_look) continue;
    auto const [place, fresh] = places.try_emplace(page_key(record), result.groups.size());
    if (fresh) result.groups.emplace_back();
    result.groups[place->second].push_back(&record);
  }
  return result;
}

std::vector<PageQuestion> page_questions(PageSource const& source, PageLimits const& limits) {
  RankHosts const hosts(source.report);
  std::unordered_map<std::string_view, Expected const*> expected;
  for (auto const& one : source.expected) expected.emplace(one.question, &one);
  std::vector<PageQuestion> questions;
  for (auto& records : asked(source.report).groups) {
    if (questions.size() == limits.questions) break;
    auto const floor = expected.find(page_key(*records.front()));
    questions.push_back(one_question(std::move(records), hosts));
    if (floor != expected.end()) questions.back().expected = *floor->second;
  }
  return questions;
}

void add_host_values(std::vector<PageQuestion>& questions, Report const& report, std::vector<PageHost> const& hosts) {
  RankHosts const of_rank(report);
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < hosts.size(); ++i) places.emplace(hosts[i].name, i);
  auto groups = asked(report).groups;
  for (std::size_t i = 0; i < questions.size(); ++i)
    for_each_shown(make_answer(std::move(groups[i])), [&](Record const* record, Shown const& one) {
      auto const within = of_rank.of(record->group);
      auto const place = within.size() == 1 ? places.find(within.front()) : places.end();
      if (place != places.end()) add_host_value(questions[i], one, place->second, hosts.size());
    });
}

} // namespace maru
