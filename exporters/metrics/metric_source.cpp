// SPDX-License-Identifier: Apache-2.0
#include "exporters/metrics/metric_source.hpp"

#include <unordered_map>

namespace maru {
namespace {

bool is_first_look(Record const& record) { return !record.second_look; }

} // namespace

std::string base_group_kind(std::string const& group_kind) {
  for (std::string_view const round : {"hosts:", "local:"})
    if (group_kind.starts_with(round)) return group_kind.substr(0, round.size() - 1);
  return group_kind;
}

FigureKind figure_kind(Metric const& metric) {
  if (metric.figure == "flops") return metric.operation == "step" ? FigureKind::step_rate : FigureKind::gemm_rate;
  if (metric.figure == "bandwidth") return FigureKind::memory_bandwidth;
  if (metric.figure == "bus_bandwidth") return FigureKind::bus_bandwidth;
  return FigureKind::duration;
}

MetricSource::MetricSource(Report const& of, ExposeOptions const& with)
    : report(of), options(with), hosts(of), measurements(maru::measurements(of, is_first_look)) {
  std::unordered_map<std::string, std::size_t> known;
  std::vector<std::size_t> question_of_metric(measurements.metrics.size());
  for (std::size_t i = 0; i < measurements.metrics.size(); ++i) {
    auto const& metric = measurements.metrics[i];
    auto kind = base_group_kind(metric.group_kind);
    auto const name = metric.probe + ' ' + metric.operation + ' ' + metric.backend + ' ' + metric.labels.line() + ' ' +
                      kind + ' ' + metric.figure;
    auto const [found, fresh] = known.try_emplace(name, questions.size());
    if (fresh) questions.push_back({i, std::move(kind), {}});
    question_of_metric[i] = found->second;
  }
  for (std::size_t i = 0; i < measurements.values.size(); ++i)
    if (auto const& value = measurements.values[i]; !value.doubtful)
      questions[question_of_metric[value.metric]].values.push_back(i);
}

double MetricSource::end() const {
  auto const& run = report.run;
  if (options.now > 0) return options.now;
  return run.finished > 0 ? run.finished : run.started;
}

double MetricSource::time_of(Record const& record) const {
  return record.samples.at.empty() ? end() : report.run.started + record.samples.at.back();
}

Series MetricSource::run_series() const {
  Series series;
  add_label(series, "run_id", report.run.id);
  add_label(series, "cluster", report.run.cluster);
  return series;
}

void MetricSource::add_question(Series& series, Metric const& metric, std::string_view group_kind) const {
  add_label(series, "probe", metric.probe);
  add_label(series, "operation", metric.operation);
  add_label(series, "backend", metric.backend);
  add_label(series, "group", group_kind);
  for (auto const& [key, value] : metric.labels.entries()) add_label(series, key, to_text(value));
}

} // namespace maru
