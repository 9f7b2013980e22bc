// SPDX-License-Identifier: Apache-2.0
// The program itself, and how its ways out fare. Every counter is there from the start, at zero.
#include "core/version.hpp"
#include "exporters/metrics/metric_rows.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <array>

namespace maru {
namespace {

using Source = MetricSource const&;

void build(Source source, SampleList& out) {
  Series series;
  add_label(series, "version", version);
  out.add(std::move(series), 1, source.end());
}

template <double SinkHealth::*member> void of_sinks(Source source, SampleList& out) {
  for (auto const& sink : source.options.sinks) {
    auto series = source.run_series();
    add_label(series, "sink", sink.sink);
    out.add(std::move(series), sink.*member, source.end());
  }
}

constexpr auto counter = MetricType::counter;
constexpr auto of_sink = "run_id, cluster, sink = pull, remote_write, pushgateway or textfile";

constexpr std::array rows{
    MetricRow{"maru_build", MetricType::info, "", Tier::run, "version", "", "The program that wrote this.", build},
    MetricRow{"maru_export_samples", counter, "", Tier::run, of_sink, "", "Samples that a way out has delivered.",
              of_sinks<&SinkHealth::samples>},
    MetricRow{"maru_export_samples_dropped", counter, "", Tier::run, of_sink, "",
              "Samples that a way out has given up.", of_sinks<&SinkHealth::dropped>},
    MetricRow{"maru_export_failures", counter, "", Tier::run, of_sink, "", "Attempts of a way out that failed.",
              of_sinks<&SinkHealth::failures>},
    MetricRow{"maru_export_duration_seconds", counter, "seconds", Tier::run, of_sink, "",
              "Time that the program has spent on a way out.", of_sinks<&SinkHealth::seconds>},
};

} // namespace

std::span<MetricRow const> program_rows() { return rows; }

} // namespace maru
