// SPDX-License-Identifier: Apache-2.0
// metrics [SERIES]: how long both text formats take for so many series, and how much memory beyond the exposition
// itself; beside prometheus-cpp's own serializer on the same series, in turn, in one process.
#include "core/work.hpp"
#include "exporters/metrics/expose.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <string>
#include <unistd.h>

namespace maru {
namespace {

Exposition exposition_of(std::size_t series) {
  MetricFamily family;
  family.row = metric_table().front();
  for (auto const* row : metric_table())
    if (std::string_view(row->name) == "maru_gemm_rate_flops_per_second") family.row = row;
  for (std::size_t i = 0; i < series; ++i) {
    Series labels;
    add_label(labels, "UUID", fmt::format("GPU-5a6b7c8d-0000-4000-8000-{:012}", i / 12));
    add_label(labels, "hostname", fmt::format("node-{:05}", i / 96));
    add_label(labels, "gpu", std::to_string(i / 12 % 8));
    add_label(labels, "device_model", "NVIDIA H200");
    for (auto const* label : {"probe", "operation"}) add_label(labels, label, "gemm");
    add_label(labels, "backend", "cublaslt");
    add_label(labels, "group", "rank");
    add_label(labels, "dtype", "bf16");
    for (auto const* label : {"m", "n", "k"}) add_label(labels, label, std::to_string(1024 << (i % 12)));
    family.samples.push_back({std::move(labels), 6.1e14 + 1e9 / static_cast<double>(i + 1), 1795320132.123});
  }
  return {std::move(family)};
}

std::vector<prometheus::MetricFamily> families_of(Exposition const& exposition) {
  std::vector<prometheus::MetricFamily> families;
  for (auto const& family : exposition) {
    auto& written = families.emplace_back();
    written.name = sample_name(*family.row);
    written.help = family.row->help;
    written.type = prometheus::MetricType::Gauge;
    for (auto const& sample : family.samples) {
      auto& metric = written.metric.emplace_back();
      for (auto const& label : sample.series) metric.label.push_back({label.name, label.value});
      metric.gauge.value = sample.value;
    }
  }
  return families;
}

double resident_mebibytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Way {
  char const* name;
  std::function<std::string()> render;
  std::vector<double> seconds = {};
  double mebibytes = 0, bytes = 0;
};

void run(std::size_t series) {
  auto const exposition = exposition_of(series);
  auto const families = families_of(exposition);
  prometheus::TextSerializer const serializer;
  std::array ways{Way{"prometheus_text", [&] { return prometheus_text(exposition); }},
                  Way{"openmetrics_text", [&] { return openmetrics_text(exposition); }},
                  Way{"prometheus-cpp", [&] { return serializer.Serialize(families); }}};
  constexpr int turns = 21;
  for (int turn = 0; turn < turns; ++turn)
    for (auto& way : ways) {
      auto const before = resident_mebibytes();
      auto const begun = monotonic_seconds();
      auto const text = way.render();
      way.seconds.push_back(monotonic_seconds() - begun);
      way.mebibytes = std::max(way.mebibytes, resident_mebibytes() - before);
      way.bytes = static_cast<double>(text.size());
    }
  for (auto& way : ways) {
    std::sort(way.seconds.begin(), way.seconds.end());
    fmt::print("{:<18}{} series  {:6.1f} MB  median {:6.1f} ms  (of {}: {:.1f} to {:.1f})  extra memory {:.0f} MiB\n",
               way.name, series, way.bytes / 1e6, 1e3 * way.seconds[turns / 2], turns, 1e3 * way.seconds.front(),
               1e3 * way.seconds.back(), way.mebibytes);
  }
}

} // namespace
} // namespace maru

int main(int count, char** arguments) { maru::run(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 100000); }
