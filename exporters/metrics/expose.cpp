// SPDX-License-Identifier: Apache-2.0
#include "exporters/metrics/expose.hpp"

#include <algorithm>

namespace maru {
namespace {

std::string_view hostname_of(Series const& series) {
  for (auto const& label : series)
    if (label.name == "hostname") return label.value;
  return {};
}

} // namespace

Exposition expose(Report const& report, ExposeOptions const& options) {
  MetricSource const source(report, options);
  Exposition result;
  for (auto const* row : metric_table()) {
    SampleList samples;
    row->collect(source, samples);
    if (auto taken = samples.take(); !taken.empty()) result.push_back({row, std::move(taken)});
  }
  return result;
}

Exposition only(Exposition exposition, Tier tier) {
  std::erase_if(exposition, [&](MetricFamily const& family) { return family.row->tier != tier; });
  return exposition;
}

Exposition only(Exposition exposition, std::string const& hostname) {
  for (auto& family : exposition)
    std::erase_if(family.samples, [&](Sample const& sample) {
      return family.row->tier == Tier::run || hostname_of(sample.series) != hostname;
    });
  std::erase_if(exposition, [](MetricFamily const& family) { return family.samples.empty(); });
  return exposition;
}

Exposition merged(std::vector<Exposition const*> const& parts) {
  Exposition result;
  for (auto const* row : metric_table()) {
    SampleList samples;
    for (auto const* part : parts)
      for (auto const& family : *part)
        if (family.row == row)
          for (auto const& sample : family.samples) samples.add(sample.series, sample.value, sample.time);
    if (auto taken = samples.take(); !taken.empty()) result.push_back({row, std::move(taken)});
  }
  return result;
}

} // namespace maru
