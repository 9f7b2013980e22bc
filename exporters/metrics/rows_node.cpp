// SPDX-License-Identifier: Apache-2.0
// The last result of each host. No run_id: it would make every run a new set of series for every host.
#include "exporters/metrics/metric_rows.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <array>
#include <map>
#include <string_view>

namespace maru {
namespace {

using Source = MetricSource const&;

Series host_series(std::string_view host) {
  Series series;
  add_label(series, "hostname", host);
  return series;
}

void info(Source source, SampleList& out) {
  for (auto const& host : source.report.hosts) {
    auto series = host_series(host.name);
    add_label(series, "cpu", host.cpu);
    add_label(series, "kernel", host.kernel);
    out.add(std::move(series), 1, source.end());
  }
}

void last_run(Source source, SampleList& out) {
  for (auto const& host : source.report.hosts) out.add(host_series(host.name), source.end(), source.end());
}

void state(Source source, SampleList& out) {
  auto const& judged = source.options.opinion.verdict;
  if (!judged) return;
  for (auto const& host : judged->hosts)
    for (auto const word : {State::pass, State::warn, State::unknown, State::fail}) {
      auto series = host_series(host.host);
      add_label(series, "state", name(word));
      out.add(std::move(series), host.state == word ? 1 : 0, source.end());
    }
}

// Of the ranks of a host the slowest, since a job goes at its pace.
template <FigureKind kind> void slowest_rank(Source source, SampleList& out) {
  for (auto const& question : source.questions) {
    if (question.group_kind != "rank") continue;
    auto const& metric = source.measurements.metrics[question.metric];
    if (figure_kind(metric) != kind) continue;
    std::map<std::string_view, Measurement const*> slowest;
    for (auto const index : question.values) {
      auto const& value = source.measurements.values[index];
      auto& kept = slowest[source.place_of(value).host];
      if (!kept || value.value < kept->value) kept = &value;
    }
    for (auto const& [host, value] : slowest) {
      auto series = host_series(host);
      source.add_question(series, metric, question.group_kind);
      out.add(std::move(series), value->value, source.time_of(source.record_of(*value)));
    }
  }
}

void bus_bandwidth(Source source, SampleList& out) {
  for (auto const& question : source.questions) {
    auto const& metric = source.measurements.metrics[question.metric];
    if (question.group_kind != "node" || figure_kind(metric) != FigureKind::bus_bandwidth) continue;
    for (auto const index : question.values) {
      auto const& value = source.measurements.values[index];
      auto series = host_series(source.place_of(value).host);
      source.add_question(series, metric, question.group_kind);
      out.add(std::move(series), value.value, source.time_of(source.record_of(value)));
    }
  }
}

void link_ratio(Source source, SampleList& out) {
  for (auto const& map : source.report.links) {
    if (map.scope != "hosts") continue;
    for (auto const& node : map.nodes)
      for (auto const& [direction, value] : {std::pair{"send", node.out}, std::pair{"receive", node.in}}) {
        auto series = host_series(node.host);
        add_label(series, "figure", map.figure);
        add_label(series, "backend", map.backend);
        add_label(series, "direction", direction);
        out.add(std::move(series), value, source.end());
      }
  }
}

constexpr auto gauge = MetricType::gauge;

constexpr std::array rows{
    MetricRow{"maru_node", MetricType::info, "", Tier::node, "hostname, cpu, kernel", "", "A host that was measured.",
              info},
    MetricRow{"maru_node_last_run_timestamp_seconds", gauge, "seconds", Tier::node, "hostname", "",
              "When the host was last measured, since the Unix epoch.", last_run},
    MetricRow{"maru_node_state", gauge, "", Tier::node, "hostname, state = pass, warn, unknown or fail", "",
              "1 for what the verdict says of the host, 0 for the others.", state},
    MetricRow{"maru_node_gemm_rate_flops_per_second", gauge, "flops_per_second", Tier::node, "hostname",
              "maru_expected_gemm_rate_flops_per_second", "Rate of a matrix multiplication on the host's slowest rank.",
              slowest_rank<FigureKind::gemm_rate>},
    MetricRow{"maru_node_memory_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::node, "hostname",
              "maru_expected_memory_bandwidth_bytes_per_second",
              "Bandwidth of a memory operation on the host's slowest rank.",
              slowest_rank<FigureKind::memory_bandwidth>},
    MetricRow{"maru_node_collective_bus_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::node, "hostname",
              "maru_expected_collective_bus_bandwidth_bytes_per_second",
              "Bus bandwidth of a collective among the host's ranks.", bus_bandwidth},
    MetricRow{"maru_node_link_ratio", gauge, "ratio", Tier::node,
              "hostname, figure = latency or bandwidth, backend, direction = send or receive", "",
              "What the host's own effect on its links is: measured over usual, 1 is usual.", link_ratio},
};

} // namespace

std::span<MetricRow const> node_rows() { return rows; }

} // namespace maru
