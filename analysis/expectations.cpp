// SPDX-License-Identifier: Apache-2.0
#include "analysis/expectations.hpp"

#include "analysis/judge.hpp"

#include <set>
#include <utility>

namespace maru {
std::vector<Expectation> expectations(Report const& report, std::vector<Spec> const& specs) {
  auto const all = measurements(report);
  std::vector<Expectation> result;
  std::set<std::pair<std::size_t, std::string_view>> known;
  for (auto const& value : all.values) {
    auto const& metric = all.metrics[value.metric];
    auto const& place = all.places[value.place];
    if (!known.emplace(value.metric, place.model).second) continue;
    auto const& record = report.records[value.record];
    for (auto const& spec : specs)
      if (is_for(spec, place))
        if (auto const* floor = floor_for(spec, metric, record.group.ranks.size()))
          result.push_back({metric, place.model, floor->least, "spec " + spec.name});
    if (record.ceiling && record.ceiling->datasheet)
      result.push_back({metric, place.model, *record.ceiling->datasheet, "datasheet " + record.ceiling->device});
  }
  return result;
}

Opinion opinion(Report const& report) {
  JudgeOptions options;
  options.specs = specs_for(report);
  Opinion result;
  result.expectations = expectations(report, options.specs);
  result.verdict = judge(report, options);
  return result;
}

} // namespace maru
