// SPDX-License-Identifier: Apache-2.0
#include "exporters/answers.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace maru {

bool Answer::all(Status status) const {
  return std::all_of(records.begin(), records.end(), [&](Record const* record) { return record->status == status; });
}

Answer make_answer(std::vector<Record const*> records) {
  Answer answer{.records = std::move(records)};
  std::vector<Record const*> in_doubt;
  for (auto const* record : answer.records)
    if (record->time && record->status == Status::ok)
      (doubts(*record).empty() ? answer.timed : in_doubt).push_back(record);
  answer.doubtful = answer.timed.empty() && !in_doubt.empty();
  if (answer.doubtful) answer.timed = std::move(in_doubt);
  return answer;
}

std::vector<Answer> answers(Report const& report, std::string_view probe) {
  std::vector<Answer> result;
  std::unordered_map<std::string, std::size_t> places;
  for (auto const& record : report.records) {
    if (record.probe != probe) continue;
    auto const [place, fresh] = places.try_emplace(question(record) + " " + record.group.kind, result.size());
    if (fresh) result.push_back({.records = {}});
    result[place->second].records.push_back(&record);
  }
  for (auto& answer : result) answer = make_answer(std::move(answer.records));
  return result;
}

std::vector<std::string> probes_of(Report const& report) {
  std::vector<std::string> names;
  std::unordered_set<std::string_view> seen;
  for (auto const& record : report.records)
    if (seen.insert(record.probe).second) names.push_back(record.probe);
  return names;
}

std::optional<double> figure_of(Record const& record, std::string_view name) {
  for (auto const& figure : figures(record))
    if (figure.name == name) return figure.value;
  return std::nullopt;
}

std::optional<Summary> summarize_figure(Answer const& answer, std::string_view figure) {
  Summary summary;
  std::vector<double> values;
  bool const low_is_good = figure == "duration";
  for (auto const* record : answer.timed) {
    auto const value = figure_of(*record, figure);
    if (!value) continue;
    bool const fresh = values.empty();
    if (fresh || (low_is_good ? *value > summary.worst : *value < summary.worst)) {
      summary.worst = *value;
      summary.worst_record = record;
    }
    if (fresh || (low_is_good ? *value < summary.best : *value > summary.best)) summary.best = *value;
    values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  summary.median = quantile(values, 0.5);
  return summary;
}

std::optional<double> widest_half_width(Answer const& answer) {
  std::optional<double> widest;
  for (auto const* record : answer.timed)
    if (auto const half = relative_half_width(*record->time)) widest = std::max(widest.value_or(0), *half);
  return widest;
}

} // namespace maru
