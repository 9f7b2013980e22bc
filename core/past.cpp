// SPDX-License-Identifier: Apache-2.0
#include "core/past.hpp"

#include "core/kept.hpp"

namespace maru {

std::vector<Past> past_of_report(Report const& report) {
  auto const all = kept(report);
  std::vector<Past> result;
  for (auto const& value : all.values) {
    if (value.doubtful) continue;
    auto const& place = all.places[value.place];
    result.push_back({.metric = all.metrics[value.metric].name,
                      .host = place.host,
                      .local_rank = place.local_rank,
                      .device_uuid = place.device_uuid,
                      .values = {value.value}});
  }
  return result;
}

} // namespace maru
