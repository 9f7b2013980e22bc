// SPDX-License-Identifier: Apache-2.0
// What was measured, over all that answered, and what was expected. Their number grows with the questions of the plan.
#include "core/statistics.hpp"
#include "exporters/metrics/metric_rows.hpp"
#include "exporters/metrics/metric_source.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace maru {
namespace {

using Source = MetricSource const&;

Series question_series(Source source, MetricQuestion const& question) {
  auto series = source.run_series();
  source.add_question(series, source.measurements.metrics[question.metric], question.group_kind);
  return series;
}

// One series for each quantile over the groups; of a single group its value alone.
void write_quantiles(SampleList& out, Series const& series, std::vector<double> values, double time) {
  std::sort(values.begin(), values.end());
  for (double const q : {0.0, 0.05, 0.5, 0.95, 1.0}) {
    if (values.size() == 1 && q != 0.5) continue;
    auto labelled = series;
    add_label(labelled, "q", number(q));
    out.add(std::move(labelled), quantile(values, q), time);
  }
}

/// `get` gives what a record has of the figure, or nothing.
template <class Get> void over_groups(Source source, SampleList& out, Get get) {
  for (auto const& question : source.questions) {
    std::vector<double> values;
    double time = 0;
    for (auto const index : question.values) {
      auto const& value = source.measurements.values[index];
      std::optional<double> const figure = get(value);
      if (!figure) continue;
      values.push_back(*figure);
      time = std::max(time, source.time_of(source.record_of(value)));
    }
    if (!values.empty()) write_quantiles(out, question_series(source, question), std::move(values), time);
  }
}

template <FigureKind kind> void rates(Source source, SampleList& out) {
  over_groups(source, out, [&](Measurement const& value) {
    return figure_kind(source.metric_of(value)) == kind ? std::optional(value.value) : std::nullopt;
  });
}

template <Estimate OverlapResult::*member> void of_overlap(Source source, SampleList& out) {
  over_groups(source, out, [&](Measurement const& value) -> std::optional<double> {
    auto const& record = source.record_of(value);
    if (!record.overlap) return std::nullopt;
    return ((*record.overlap).*member).median;
  });
}

void exposed(Source source, SampleList& out) {
  over_groups(source, out, [&](Measurement const& value) -> std::optional<double> {
    auto const& record = source.record_of(value);
    if (!record.step) return std::nullopt;
    return record.step->exposed.median;
  });
}

// Here q is that of the iterations, and the group is the one with the longest median.
void durations(Source source, SampleList& out) {
  for (auto const& question : source.questions) {
    Record const* slowest = nullptr;
    for (auto const index : question.values)
      if (auto const& record = source.record_of(source.measurements.values[index]);
          !slowest || record.time->median > slowest->time->median)
        slowest = &record;
    if (!slowest) continue;
    auto const write = [&](char const* q, std::optional<double> value) {
      if (!value) return;
      auto series = question_series(source, question);
      add_label(series, "q", q);
      out.add(std::move(series), *value, source.time_of(*slowest));
    };
    write("0.5", slowest->time->median);
    write("0.9", slowest->time->p90);
    write("0.99", slowest->time->p99);
    write("1", slowest->time->max);
  }
}

// Who is late is part of the series: another rank being late is another fact. Nobody is named within the error.
void lateness(Source source, SampleList& out) {
  for (auto const& question : source.questions) {
    Record const* latest = nullptr;
    for (auto const index : question.values)
      if (auto const& record = source.record_of(source.measurements.values[index]);
          record.arrival && record.arrival->iterations > 0 &&
          (!latest || record.arrival->lateness > latest->arrival->lateness))
        latest = &record;
    if (!latest) continue;
    auto series = question_series(source, question);
    if (latest->arrival->last_rank) {
      add_label(series, "late_rank", std::to_string(*latest->arrival->last_rank));
      add_label(series, "late_hostname", latest->arrival->last_host);
    }
    out.add(std::move(series), latest->arrival->lateness, source.time_of(*latest));
  }
}

template <FigureKind kind> void expectations(Source source, SampleList& out) {
  for (auto const& expectation : source.options.opinion.expectations) {
    if (figure_kind(expectation.metric) != kind) continue;
    Series series;
    source.add_question(series, expectation.metric, base_group_kind(expectation.metric.group_kind));
    add_label(series, "device_model", expectation.model);
    add_label(series, "source", expectation.source);
    out.add(std::move(series), expectation.value, source.end());
  }
}

constexpr auto gauge = MetricType::gauge;
constexpr auto over = "run_id, cluster, q = 0, 0.05, 0.5, 0.95, 1 over the groups (0.5 alone of one group)";
constexpr auto expected_of = "device_model, source";

constexpr std::array rows{
    MetricRow{"maru_run_gemm_rate_flops_per_second", gauge, "flops_per_second", Tier::run, over,
              "maru_expected_gemm_rate_flops_per_second",
              "Rate of a matrix multiplication, or of its instructions alone, at its median time.",
              rates<FigureKind::gemm_rate>},
    MetricRow{"maru_run_memory_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::run, over,
              "maru_expected_memory_bandwidth_bytes_per_second",
              "Bandwidth of a memory operation or of a copy between memories at its median time.",
              rates<FigureKind::memory_bandwidth>},
    MetricRow{"maru_run_collective_bus_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::run, over,
              "maru_expected_collective_bus_bandwidth_bytes_per_second",
              "Bus bandwidth of a collective at its median time: algorithm bandwidth times the bus factor, as in "
              "nccl-tests.",
              rates<FigureKind::bus_bandwidth>},
    MetricRow{"maru_run_step_rate_flops_per_second", gauge, "flops_per_second", Tier::run, over, "",
              "Rate of a step of training, all ranks of the group together.", rates<FigureKind::step_rate>},
    MetricRow{"maru_run_step_exposed_communication_seconds", gauge, "seconds", Tier::run, over, "",
              "What communication adds to a step of training.", exposed},
    MetricRow{"maru_run_overlap_efficiency_ratio", gauge, "ratio", Tier::run, over, "",
              "Part of the shorter of a product and a collective that the other hides, 0 to 1.",
              of_overlap<&OverlapResult::efficiency>},
    MetricRow{"maru_run_overlap_compute_slowdown_ratio", gauge, "ratio", Tier::run, over, "",
              "Time of a product beside a collective over its time alone.",
              of_overlap<&OverlapResult::compute_slowdown>},
    MetricRow{"maru_run_overlap_communication_slowdown_ratio", gauge, "ratio", Tier::run, over, "",
              "Time of a collective beside a product over its time alone.",
              of_overlap<&OverlapResult::communication_slowdown>},
    MetricRow{"maru_run_operation_duration_seconds", gauge, "seconds", Tier::run,
              "run_id, cluster, q = 0.5, 0.9, 0.99, 1 over the iterations", "maru_expected_operation_duration_seconds",
              "Time of one call of the slowest group, by quantile of the per-iteration maximum over its ranks; 0.99 "
              "needs 100 samples.",
              durations},
    MetricRow{"maru_run_arrival_lateness_seconds", gauge, "seconds", Tier::run,
              "run_id, cluster, late_rank, late_hostname where one is late beyond the error", "",
              "Median time by which the last rank enters behind the median of the others, of the group in which it is "
              "longest.",
              lateness},
    MetricRow{"maru_expected_gemm_rate_flops_per_second", gauge, "flops_per_second", Tier::run, expected_of, "",
              "What a rank of that model should reach.", expectations<FigureKind::gemm_rate>},
    MetricRow{"maru_expected_memory_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::run, expected_of, "",
              "What a rank of that model should reach.", expectations<FigureKind::memory_bandwidth>},
    MetricRow{"maru_expected_collective_bus_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::run,
              expected_of, "", "What a group of that model should reach.", expectations<FigureKind::bus_bandwidth>},
    MetricRow{"maru_expected_operation_duration_seconds", gauge, "seconds", Tier::run, expected_of, "",
              "What a call should take at most.", expectations<FigureKind::duration>},
};

} // namespace

std::span<MetricRow const> figure_rows() { return rows; }

} // namespace maru
