// SPDX-License-Identifier: Apache-2.0
#include "core/measurement.hpp"

#include <array>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

namespace maru {
namespace {

class Reader {
public:
  explicit Reader(Report const& report) {
    for (auto const& rank : report.ranks) ranks_[rank.rank] = &rank;
    for (auto const& host : report.hosts) processors_[host.name] = host.cpu;
  }

  void add(Record const& record, std::size_t index) {
    auto const all = figures(record);
    if (record.status != Status::ok || all.empty()) return;
    auto const& figure = all.back();
    result.values.push_back({.metric = metric_of(record, figure),
                             .place = place_of(record),
                             .record = index,
                             .value = figure.value,
                             .ci = figure.ci,
                             .doubtful = !doubts(record).empty()});
  }

  Measurements result;

private:
  /// The ranks of a case follow one another: hardly any record needs its metric's name written.
  std::size_t metric_of(Record const& record, Figure const& figure) {
    for (auto const number : recent_)
      if (number < result.metrics.size() && answers(record, figure, result.metrics[number])) return number;
    return recent_[next_++ % recent_.size()] = metric_by_name(record, figure);
  }

  static bool answers(Record const& record, Figure const& figure, Metric const& metric) {
    return record.labels == metric.labels && record.operation == metric.operation && record.probe == metric.probe &&
           record.backend == metric.backend && record.group.kind == metric.group_kind && figure.name == metric.figure;
  }

  std::size_t metric_by_name(Record const& record, Figure const& figure) {
    auto name = fmt::format("{} {} {}", question(record), record.group.kind, figure.name);
    auto const [found, fresh] = metrics_.try_emplace(std::move(name), result.metrics.size());
    if (fresh)
      result.metrics.push_back({.name = found->first,
                                .probe = record.probe,
                                .operation = record.operation,
                                .backend = record.backend,
                                .labels = record.labels,
                                .group_kind = record.group.kind,
                                .figure = std::string(figure.name),
                                .unit = figure.unit});
    return found->second;
  }

  std::size_t place_of(Record const& record) {
    bool const device = computes_with_device(record);
    auto const& ranks = record.group.ranks;
    auto const number_in = [&](auto& places, auto key) {
      auto const [found, fresh] = places.try_emplace(std::move(key), result.places.size());
      if (fresh) result.places.push_back(make_place(record.group, device));
      return found->second;
    };
    if (ranks.size() == 1) return number_in(device ? devices_ : processors_of_ranks_, ranks.front());
    return number_in(places_, fmt::format("{}{}", format_ranks(ranks), device ? "d" : "h"));
  }

  Place make_place(Group const& group, bool device) const {
    Place place;
    place.device = device;
    std::unordered_set<std::string_view> seen;
    for (auto const rank : group.ranks) {
      auto const found = ranks_.find(rank);
      if (found == ranks_.end()) continue;
      auto const& info = *found->second;
      if (!seen.insert(info.host).second) continue;
      place.hosts.push_back(info.host);
      if (place.hosts.size() > 1) continue;
      auto const processor = processors_.find(info.host);
      place.model = device ? info.device : processor == processors_.end() ? std::string_view() : processor->second;
      if (device) place.driver = info.driver;
      if (group.ranks.size() == 1) place.local_rank = info.local_rank;
      if (device && group.ranks.size() == 1) place.device_uuid = info.device_uuid;
    }
    if (group.ranks.size() == 1) place.rank = group.ranks.front();
    if (place.hosts.size() == 1) {
      place.host = place.hosts.front();
      place.hosts.clear();
    }
    return place;
  }

  std::unordered_map<std::int64_t, RankInfo const*> ranks_;
  std::unordered_map<std::string_view, std::string_view> processors_;
  std::unordered_map<std::string, std::size_t> metrics_, places_;
  std::unordered_map<std::int64_t, std::size_t> devices_, processors_of_ranks_; ///< places of single ranks
  std::array<std::size_t, 8> recent_{};                                         ///< metrics
  std::size_t next_ = 0;
};

} // namespace

Measurements measurements(Report const& report, bool (*wanted)(Record const&)) {
  Reader reader(report);
  for (std::size_t i = 0; i < report.records.size(); ++i)
    if (!wanted || wanted(report.records[i])) reader.add(report.records[i], i);
  return std::move(reader.result);
}

} // namespace maru
