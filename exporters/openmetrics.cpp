// SPDX-License-Identifier: Apache-2.0
// OpenMetrics 1.0 text with the times at which things were measured, for
// `promtool tsdb create-blocks-from openmetrics`: a run shorter than a scrape is not lost.
#include "exporters/openmetrics.hpp"

#include "exporters/exporter.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

// ---- of the run. Only these carry run_id: on the records it would make every run a new set of series.

Series run_series(Source const& source) { return {{"run_id", source.report.run.id}}; }

void run_value(Source const& source, double value) {
  source.out.sample(run_series(source), value, end_of_run(source.report.run));
}

void run_info(Source const& source) {
  auto const& run = source.report.run;
  auto series = run_series(source);
  add_label(series, "version", run.maru_version);
  add_label(series, "plan", run.plan);
  add_label(series, "plan_digest", run.plan_digest);
  add_label(series, "launcher", run.launcher);
  add_label(series, "mpi", run.mpi);
  source.out.sample(series, 1, end_of_run(run));
}

// Every status is written, also at zero: a series that is missing and one that is zero mean different things.
void record_counts(Source const& source) {
  for (auto const status : {Status::ok, Status::wrong, Status::skipped, Status::failed}) {
    auto const& records = source.report.records;
    auto const count =
        std::count_if(records.begin(), records.end(), [&](Record const& record) { return record.status == status; });
    auto series = run_series(source);
    add_label(series, "status", std::string(name(status)));
    source.out.sample(series, static_cast<double>(count), end_of_run(source.report.run));
  }
}

// ---- of the records

void durations(Source const& source) {
  for (auto const& record : source.report.records) {
    if (!record.time) continue;
    auto const& time = *record.time;
    auto const write = [&, series = record_series(source, record)](char const* q, std::optional<double> value) {
      auto labelled = series;
      add_label(labelled, "q", q);
      if (value) source.out.sample(labelled, *value, time_of(record, source.report.run));
    };
    write("0.5", time.median);
    write("0.9", time.p90);
    write("0.99", time.p99);
    write("1", time.max);
  }
}

template <class Wanted> void rates(Source const& source, std::string_view figure_name, Wanted wanted) {
  for (auto const& record : source.report.records)
    for (auto const& figure : figures(record))
      if (figure.name == figure_name && wanted(record))
        source.out.sample(record_series(source, record), figure.value, time_of(record, source.report.run));
}
bool is_matmul(Record const& record) { return record.operation == "gemm" || record.operation == "tensor_issue"; }
bool is_memory(Record const& record) {
  return parse_memory_kind(record.operation) || parse_transfer_kind(record.operation);
}
bool is_step(Record const& record) { return record.operation == "step"; }
constexpr auto any = [](Record const&) { return true; };

// What of an overlap or a step is a number by itself.
template <class Get> void composites(Source const& source, Get get) {
  for (auto const& record : source.report.records)
    if (std::optional<double> const value = get(record))
      source.out.sample(record_series(source, record), *value, time_of(record, source.report.run));
}
template <Estimate OverlapResult::*member> std::optional<double> overlap_value(Record const& record) {
  return record.overlap ? std::optional(((*record.overlap).*member).median) : std::nullopt;
}

// Who is late is part of the series: another rank being late is another fact. No rank is named within the error.
void lateness(Source const& source) {
  for (auto const& record : source.report.records) {
    if (!record.arrival || record.arrival->iterations == 0) continue;
    auto const& arrival = *record.arrival;
    auto series = record_series(source, record);
    if (arrival.last_rank) {
      add_label(series, "late_rank", fmt::format("{}", *arrival.last_rank));
      add_label(series, "late_hostname", arrival.last_host);
    }
    source.out.sample(series, arrival.lateness, time_of(record, source.report.run));
  }
}

// One when its figures may be used as they stand; the labels are the same either way, so that it can be joined.
void validity(Source const& source) {
  for (auto const& record : source.report.records)
    if (record.time)
      source.out.sample(identity_series(source, record), doubts(record).empty() ? 1 : 0,
                        time_of(record, source.report.run));
}

constexpr std::array metrics{
    Metric{"maru_run", "info", "", "What was run.", run_info},
    Metric{"maru_run_start_timestamp_seconds", "gauge", "seconds", "When the run began, since the Unix epoch.",
           [](Source const& s) { run_value(s, s.report.run.started); }},
    Metric{"maru_run_end_timestamp_seconds", "gauge", "seconds", "When the run ended, since the Unix epoch.",
           [](Source const& s) {
             if (s.report.run.finished > 0) run_value(s, s.report.run.finished);
           }},
    Metric{"maru_run_complete", "gauge", "", "1 when everything asked for was answered, else 0.",
           [](Source const& s) { run_value(s, s.report.run.complete ? 1 : 0); }},
    Metric{"maru_run_ranks", "gauge", "", "Ranks of the run.",
           [](Source const& s) { run_value(s, static_cast<double>(s.report.ranks.size())); }},
    Metric{"maru_run_hosts", "gauge", "", "Hosts of the run.",
           [](Source const& s) { run_value(s, static_cast<double>(s.report.hosts.size())); }},
    Metric{"maru_records", "gauge", "", "Records of the run by status.", record_counts},
    Metric{"maru_cut_cases", "gauge", "", "Cases that were asked for and not run.",
           [](Source const& s) { run_value(s, static_cast<double>(s.report.cut.size())); }},
    Metric{
        "maru_operation_duration_seconds", "gauge", "seconds",
        "Time of one call, by quantile q of the per-iteration maximum over the group's ranks; 0.99 needs 100 samples.",
        durations},
    Metric{"maru_gemm_rate_flops_per_second", "gauge", "flops_per_second",
           "Rate of a matrix multiplication, or of its instructions alone, at its median time.",
           [](Source const& s) { rates(s, "flops", is_matmul); }},
    Metric{"maru_memory_bandwidth_bytes_per_second", "gauge", "bytes_per_second",
           "Bandwidth of a memory operation or of a copy between memories at its median time.",
           [](Source const& s) { rates(s, "bandwidth", is_memory); }},
    Metric{"maru_overlap_efficiency_ratio", "gauge", "ratio",
           "Part of the shorter of a product and a collective that the other hides, 0 to 1.",
           [](Source const& s) { composites(s, overlap_value<&OverlapResult::efficiency>); }},
    Metric{"maru_overlap_compute_slowdown_ratio", "gauge", "ratio",
           "Time of a product beside a collective over its time alone.",
           [](Source const& s) { composites(s, overlap_value<&OverlapResult::compute_slowdown>); }},
    Metric{"maru_overlap_communication_slowdown_ratio", "gauge", "ratio",
           "Time of a collective beside a product over its time alone.",
           [](Source const& s) { composites(s, overlap_value<&OverlapResult::communication_slowdown>); }},
    Metric{"maru_step_rate_flops_per_second", "gauge", "flops_per_second",
           "Rate of a step of training, all ranks of the group together.",
           [](Source const& s) { rates(s, "flops", is_step); }},
    Metric{"maru_step_exposed_communication_seconds", "gauge", "seconds", "What communication adds to a step.",
           [](Source const& s) {
             composites(s,
                        [](Record const& r) { return r.step ? std::optional(r.step->exposed.median) : std::nullopt; });
           }},
    Metric{"maru_collective_bus_bandwidth_bytes_per_second", "gauge", "bytes_per_second",
           "Algorithm bandwidth times the operation's bus factor, as in nccl-tests.",
           [](Source const& s) { rates(s, "bus_bandwidth", any); }},
    Metric{"maru_collective_algorithm_bandwidth_bytes_per_second", "gauge", "bytes_per_second",
           "Size of a collective over its median time, as in nccl-tests.",
           [](Source const& s) { rates(s, "algorithm_bandwidth", any); }},
    Metric{
        "maru_arrival_lateness_seconds", "gauge", "seconds",
        "Median time by which the last rank enters behind the median of the others; late_rank names it when it is late "
        "beyond the error.",
        lateness},
    Metric{
        "maru_operation_valid", "gauge", "",
        "1 when a timed record's figures may be used as they stand, else 0: a rehearsal, or throttled, clock_changed, "
        "contended, ecc.",
        validity},
};

void add(std::string& out, std::span<Metric const> rows, Report const& report, RankHosts const& hosts) {
  for (auto const& metric : rows) {
    FamilyWriter family(metric.name, metric.type, metric.unit, metric.help);
    metric.collect({report, hosts, family});
    out += family.text();
  }
}

std::string render(Report const& report) {
  RankHosts const hosts(report);
  std::string out;
  add(out, metrics, report, hosts);
  add(out, device_metrics(), report, hosts);
  return out + "# EOF\n";
}

} // namespace

double end_of_run(RunInfo const& run) { return run.finished > 0 ? run.finished : run.started; }

double time_of(Record const& record, RunInfo const& run) {
  return record.samples.at.empty() ? end_of_run(run) : run.started + record.samples.at.back();
}

Series identity_series(Source const& source, Record const& record) {
  Series series{{"probe", record.probe},
                {"operation", record.operation},
                {"backend", record.backend},
                {"group", record.group.kind},
                {"group_index", fmt::format("{}", record.group.index)}};
  if (record.group.kind == "rank" || record.group.kind == "node")
    if (auto const hosts = source.hosts.of(record.group); hosts.size() == 1)
      add_label(series, "hostname", std::string(hosts.front()));
  if (record.group.kind == "rank" && record.group.ranks.size() == 1)
    add_label(series, "rank", fmt::format("{}", record.group.ranks.front()));
  for (auto const& [key, value] : record.labels.entries()) add_label(series, key, to_text(value));
  return series;
}

Series record_series(Source const& source, Record const& record) {
  auto series = identity_series(source, record);
  auto const words = doubts(record);
  if (!words.empty()) add_label(series, "doubt", fmt::format("{}", fmt::join(words, ",")));
  return series;
}

extern Exporter const openmetrics_exporter;
Exporter const openmetrics_exporter{"openmetrics", "metrics.om",
                                    "OpenMetrics 1.0 with time stamps, for Prometheus' backfill", render};

} // namespace maru
