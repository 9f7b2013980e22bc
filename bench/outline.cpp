// SPDX-License-Identifier: Apache-2.0
#include "bench/outline.hpp"

#include "bench/case_runner.hpp"

#include <algorithm>

namespace maru {
namespace {

Record outline_of(Case const& item, std::vector<std::int64_t> ranks, std::int64_t index, bool devices) {
  Record record;
  record.probe = item.probe;
  record.operation = name(item.operation);
  record.backend = item.backend->name;
  record.device = item.backend->device;
  record.labels = labels(item.operation);
  record.cost = cost(for_group(item.operation, ranks.size(), 1, 0));
  record.group = {item.group_kind, index, std::move(ranks)};
  auto& time = record.time.emplace();
  time.samples = 100;
  time.median = time.mean = time.min = time.max = time.p90 = 1;
  time.p99 = 1;
  if (item.coupled()) record.arrival.emplace().iterations = 1;
  if (std::holds_alternative<Overlap>(item.operation)) record.overlap.emplace();
  if (std::holds_alternative<Step>(item.operation)) record.step.emplace();
  if (devices) record.conditions.emplace().energy_per_call = 1;
  return record;
}

LinkMap outline_of_links(Report const& report, char const* figure, std::string backend) {
  LinkMap map;
  map.scope = "hosts";
  map.figure = figure;
  map.backend = std::move(backend);
  for (auto const& host : report.hosts) map.nodes.push_back({0, host.name, host.name});
  return map;
}

} // namespace

Report outline(Report report, std::vector<Case> const& cases, std::vector<std::string> const& host_of_rank,
               bool devices) {
  report.records.clear();
  for (auto const& item : cases) {
    if (!item.backend) continue;
    auto const groups = item.groups.empty() ? make_groups(item.group_kind, host_of_rank) : item.groups;
    for (std::size_t index = 0; index < groups.size(); ++index)
      report.records.push_back(outline_of(item, groups[index], static_cast<std::int64_t>(index), devices));
  }
  auto const first = std::find_if(cases.begin(), cases.end(), [](Case const& item) {
    return item.backend && base_kind(item.group_kind) == "hosts:";
  });
  if (first != cases.end())
    for (auto const* figure : {"latency", "bandwidth"})
      report.links.push_back(outline_of_links(report, figure, first->backend->name));
  return report;
}

} // namespace maru
