// SPDX-License-Identifier: Apache-2.0
// What was run, how it went and what it is worth. Whatever the number of hosts, these are a few dozen series.
#include "exporters/metrics/metric_rows.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace maru {
namespace {

using Source = MetricSource const&;

void of_run(Source source, SampleList& out, double value) { out.add(source.run_series(), value, source.end()); }

// Every word is written, also at zero: a series that is missing and one that is zero mean different things.
void by_word(Source source, SampleList& out, char const* label, std::string_view word, double value) {
  auto series = source.run_series();
  add_label(series, label, word);
  out.add(std::move(series), value, source.end());
}

void run_info(Source source, SampleList& out) {
  auto const& run = source.report.run;
  auto series = source.run_series();
  add_label(series, "version", run.maru_version);
  add_label(series, "plan", run.plan);
  add_label(series, "plan_digest", run.plan_digest);
  add_label(series, "launcher", run.launcher);
  add_label(series, "mpi", run.mpi);
  out.add(std::move(series), 1, source.end());
}

void start(Source source, SampleList& out) { of_run(source, out, source.report.run.started); }
void finish(Source source, SampleList& out) {
  if (source.options.now == 0 && source.report.run.finished > 0) of_run(source, out, source.report.run.finished);
}
void heartbeat(Source source, SampleList& out) { of_run(source, out, source.end()); }

void run_status(Source source, SampleList& out) {
  std::string_view const is = source.options.now > 0       ? "running"
                              : source.report.run.complete ? "complete"
                                                           : "incomplete";
  for (std::string_view const word : {"running", "complete", "incomplete"})
    by_word(source, out, "status", word, word == is ? 1 : 0);
}

constexpr std::array states{State::pass, State::warn, State::unknown, State::fail};

void verdict(Source source, SampleList& out) {
  if (auto const& judged = source.options.opinion.verdict)
    for (auto const state : states) by_word(source, out, "result", name(state), judged->state == state ? 1 : 0);
}

void judged_hosts(Source source, SampleList& out) {
  auto const& judged = source.options.opinion.verdict;
  if (!judged) return;
  for (auto const state : states) {
    auto const count = std::count_if(judged->hosts.begin(), judged->hosts.end(),
                                     [&](HostVerdict const& host) { return host.state == state; });
    by_word(source, out, "state", name(state), static_cast<double>(count));
  }
}

void slow_links(Source source, SampleList& out) {
  if (auto const& judged = source.options.opinion.verdict)
    of_run(source, out, static_cast<double>(judged->links.size()));
}

// By position, so that yesterday's outliers are overwritten and not left standing.
void outliers(Source source, SampleList& out) {
  constexpr std::size_t most = 32;
  auto const& judged = source.options.opinion.verdict;
  if (!judged) return;
  struct Outlier {
    HostVerdict const* host;
    Evidence const* evidence;
    double ratio;
  };
  std::vector<Outlier> all;
  for (auto const& host : judged->hosts)
    for (auto const& evidence : host.evidence)
      if (evidence.expected > 0 && evidence.value > 0 && evidence.state != State::pass)
        all.push_back({&host, &evidence, evidence.value / evidence.expected});
  std::stable_sort(all.begin(), all.end(), [](Outlier const& a, Outlier const& b) {
    return a.evidence->state != b.evidence->state ? a.evidence->state > b.evidence->state : a.ratio < b.ratio;
  });
  for (std::size_t position = 0; position < std::min(most, all.size()); ++position) {
    auto const& [host, evidence, ratio] = all[position];
    auto series = source.run_series();
    add_label(series, "position", std::to_string(position));
    add_label(series, "hostname", host->host);
    if (evidence->rank >= 0) add_label(series, "rank", std::to_string(evidence->rank));
    add_label(series, "UUID", evidence->device_uuid);
    add_label(series, "judgement", evidence->judgement);
    add_label(series, "what", evidence->what);
    add_label(series, "state", name(evidence->state));
    out.add(std::move(series), ratio, source.end());
  }
}

void records_by_status(Source source, SampleList& out) {
  auto const& records = source.report.records;
  for (auto const status : {Status::ok, Status::wrong, Status::skipped, Status::failed}) {
    auto const count =
        std::count_if(records.begin(), records.end(), [&](Record const& record) { return record.status == status; });
    by_word(source, out, "status", name(status), static_cast<double>(count));
  }
}

void invalid_records(Source source, SampleList& out) {
  for (auto const& word : doubt_words()) {
    auto const& records = source.report.records;
    auto const count = std::count_if(records.begin(), records.end(), [&](Record const& record) {
      auto const words = doubts(record);
      return std::find(words.begin(), words.end(), word) != words.end();
    });
    by_word(source, out, "reason", word, static_cast<double>(count));
  }
}

void findings(Source source, SampleList& out) {
  auto const& all = source.report.findings;
  for (std::string_view const severity : {"note", "warning", "failure"}) {
    auto const count =
        std::count_if(all.begin(), all.end(), [&](Finding const& finding) { return finding.severity == severity; });
    by_word(source, out, "severity", severity, static_cast<double>(count));
  }
}

void trace_dropped(Source source, SampleList& out) {
  double dropped = 0;
  for (auto const& record : source.report.records)
    if (record.trace) dropped += static_cast<double>(record.trace->dropped);
  of_run(source, out, dropped);
}

// The largest of what is read off the records' traces.
void trace_ratio(Source source, SampleList& out, double Trace::*member) {
  Record const* largest = nullptr;
  for (auto const& record : source.report.records)
    if (record.trace && record.trace->calls > 0 && (!largest || (*record.trace).*member > (*largest->trace).*member))
      largest = &record;
  if (largest) of_run(source, out, (*largest->trace).*member);
}

constexpr auto gauge = MetricType::gauge;

constexpr std::array rows{
    MetricRow{"maru_run", MetricType::info, "", Tier::run, "run_id, cluster, version, plan, plan_digest, launcher, mpi",
              "", "What was run.", run_info},
    MetricRow{"maru_run_start_timestamp_seconds", gauge, "seconds", Tier::run, "run_id, cluster", "",
              "When the run began, since the Unix epoch.", start},
    MetricRow{"maru_run_end_timestamp_seconds", gauge, "seconds", Tier::run, "run_id, cluster", "",
              "When the run ended, since the Unix epoch; absent while it goes on.", finish},
    MetricRow{"maru_run_last_heartbeat_timestamp_seconds", gauge, "seconds", Tier::run, "run_id, cluster", "",
              "When the run was last known to be alive, since the Unix epoch.", heartbeat},
    MetricRow{"maru_run_status", gauge, "", Tier::run, "run_id, cluster, status = running, complete or incomplete", "",
              "1 for the status that the run has, 0 for the others.", run_status},
    MetricRow{"maru_run_result", gauge, "", Tier::run, "run_id, cluster, result = pass, warn, unknown or fail", "",
              "1 for the verdict on the run's hosts and links, 0 for the others; absent before there is one.", verdict},
    MetricRow{"maru_run_ranks", gauge, "", Tier::run, "run_id, cluster", "", "Ranks of the run.",
              [](Source s, SampleList& out) { of_run(s, out, static_cast<double>(s.report.ranks.size())); }},
    MetricRow{"maru_run_hosts", gauge, "", Tier::run, "run_id, cluster", "", "Hosts of the run.",
              [](Source s, SampleList& out) { of_run(s, out, static_cast<double>(s.report.hosts.size())); }},
    MetricRow{"maru_run_lost_ranks", gauge, "", Tier::run, "run_id, cluster", "",
              "Ranks that ended, or fell silent, before the run did.",
              [](Source s, SampleList& out) { of_run(s, out, static_cast<double>(s.report.lost.size())); }},
    MetricRow{"maru_run_judged_hosts", gauge, "", Tier::run, "run_id, cluster, state = pass, warn, unknown or fail", "",
              "Hosts by what the verdict says of them.", judged_hosts},
    MetricRow{"maru_run_slow_links", gauge, "", Tier::run, "run_id, cluster", "",
              "Links that are slower than their two ends explain.", slow_links},
    MetricRow{"maru_run_outlier_ratio", gauge, "ratio", Tier::run,
              "run_id, cluster, position = 0 … 31, hostname, rank, UUID, judgement, what, state", "",
              "Measured over expected of what the verdict holds against hosts, the worst first.", outliers},
    MetricRow{"maru_run_records", gauge, "", Tier::run, "run_id, cluster, status = ok, wrong, skipped or failed", "",
              "Records of the run by status.", records_by_status},
    MetricRow{"maru_run_cut_cases", gauge, "", Tier::run, "run_id, cluster", "",
              "Cases that were asked for and not run.",
              [](Source s, SampleList& out) { of_run(s, out, static_cast<double>(s.report.cut.size())); }},
    MetricRow{"maru_run_invalid_records", gauge, "", Tier::run,
              "run_id, cluster, reason = rehearsal, throttled, clock_changed, contended or ecc", "",
              "Records whose figures must not be used as they stand, and are in no other metric.", invalid_records},
    MetricRow{"maru_run_findings", gauge, "", Tier::run, "run_id, cluster, severity = note, warning or failure", "",
              "What the analysis has to say of the run.", findings},
    MetricRow{"maru_run_clock_error_seconds", gauge, "seconds", Tier::run, "run_id, cluster", "",
              "How far the ranks' clocks can be off rank 0's; no lateness below it is claimed.",
              [](Source s, SampleList& out) { of_run(s, out, s.report.clock.error); }},
    MetricRow{"maru_run_trace_dropped_spans", gauge, "", Tier::run, "run_id, cluster", "",
              "Spans that the tracer lost for want of room.", trace_dropped},
    MetricRow{"maru_run_trace_cost_ratio", gauge, "ratio", Tier::run, "run_id, cluster", "",
              "Traced over untraced time of a call, minus 1: the largest of the records.",
              [](Source s, SampleList& out) { trace_ratio(s, out, &Trace::cost); }},
    MetricRow{"maru_run_trace_disagreement_ratio", gauge, "ratio", Tier::run, "run_id, cluster", "",
              "Time of a call's kernels as the tracer saw it over the timing of the same calls, minus 1: the largest.",
              [](Source s, SampleList& out) { trace_ratio(s, out, &Trace::disagreement); }},
};

} // namespace

std::span<MetricRow const> run_rows() { return rows; }

} // namespace maru
