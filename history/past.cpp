// SPDX-License-Identifier: Apache-2.0
#include "history/past.hpp"

#include "core/kept.hpp"
#include "history/figure.hpp"
#include "history/sqlite.hpp"
#include "history/time.hpp"

#include <algorithm>
#include <tuple>

namespace maru {
namespace {

class Reader {
public:
  Reader(Database& database, std::string_view cluster, RunInfo const& run, std::size_t most)
      : at_(to_milliseconds(run.started)), most_(static_cast<std::int64_t>(most)),
        cluster_(Statement(database, "SELECT id FROM cluster WHERE name = ?")(cluster).one()),
        run_(Statement(database, "SELECT id FROM run WHERE name = ?")(run.id).one().value_or(-1)),
        by_device_(database, "SELECT id FROM place WHERE device_uuid = ? AND cluster = ? AND device_uuid <> ''"),
        by_host_(database, "SELECT id FROM place WHERE cluster = ? AND host = ? AND local_rank = ? AND ranks = ? "
                           "AND threads = ? AND model = ? AND device_uuid = ''"),
        metric_(database, "SELECT id FROM metric WHERE name = ?"),
        series_(database, "SELECT id FROM series WHERE place = ? AND metric = ?"),
        values_(database, "SELECT at, run, value FROM value WHERE series = ? AND at <= ? AND run <> ? "
                          "AND doubtful = 0 AND value > ? AND value < ? ORDER BY at DESC, run DESC LIMIT ?") {}

  std::vector<std::int64_t> places(KeptPlace const& place) {
    std::vector<std::int64_t> result;
    if (!cluster_) return result;
    auto& found = place.device_uuid.empty()
                      ? by_host_(*cluster_, place.host, place.local_rank, place.ranks, place.threads, place.model)
                      : by_device_(place.device_uuid, *cluster_);
    while (found.step()) result.push_back(found.number(0));
    return result;
  }

  std::optional<std::int64_t> metric(std::string const& name) { return metric_(name).one(); }

  std::vector<double> values(std::vector<std::int64_t> const& places, std::int64_t metric) {
    std::vector<Found> found;
    for (auto const place : places) {
      auto const series = series_(place, metric).one();
      if (!series) continue;
      values_(*series, at_, run_, least_figure, most_figure, most_);
      while (values_.step()) found.push_back({values_.number(0), values_.number(1), values_.real(2)});
    }
    if (places.size() > 1) // a device that was in several hosts
      std::sort(found.begin(), found.end(),
                [](auto const& a, auto const& b) { return std::tie(b.at, b.run) < std::tie(a.at, a.run); });
    std::vector<double> result;
    for (auto const& value : found)
      if (result.size() < static_cast<std::size_t>(most_)) result.push_back(value.value);
    return result;
  }

private:
  struct Found {
    std::int64_t at = 0, run = 0;
    double value = 0;
  };

  std::int64_t at_, most_;
  std::optional<std::int64_t> cluster_;
  std::int64_t run_;
  Statement by_device_, by_host_, metric_, series_, values_;
};

} // namespace

std::vector<Past> past(History const& history, std::string_view cluster, Report const& report, std::size_t most) {
  auto const all = kept(report);
  Reader reader(history.database(), cluster, report.run, most);
  std::vector<std::vector<std::int64_t>> places;
  for (auto const& place : all.places) places.push_back(reader.places(place));
  std::vector<std::optional<std::int64_t>> metrics;
  for (auto const& metric : all.metrics) metrics.push_back(reader.metric(metric.name));
  std::vector<Past> result;
  for (auto const& value : all.values) {
    if (!metrics[value.metric] || places[value.place].empty()) continue;
    auto values = reader.values(places[value.place], *metrics[value.metric]);
    if (values.empty()) continue;
    auto const& place = all.places[value.place];
    result.push_back({.metric = all.metrics[value.metric].name,
                      .host = place.host,
                      .local_rank = place.local_rank,
                      .device_uuid = place.device_uuid,
                      .values = std::move(values)});
  }
  return result;
}

} // namespace maru
