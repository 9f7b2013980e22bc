// SPDX-License-Identifier: Apache-2.0
#include "core/kept.hpp"

#include "core/robust.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>
#include <unordered_map>

namespace maru {
namespace {

// "A, B": a mixture is a state of its own, and one that changes is a change.
std::string each_of(std::set<std::string> const& names) {
  constexpr std::size_t most = 4;
  if (names.size() <= most) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, and {} more", fmt::join(names.begin(), std::next(names.begin(), most), ", "),
                     names.size() - most);
}

class Keeper {
public:
  explicit Keeper(Report const& report) : report_(report) {
    std::set<std::string> drivers, kernels;
    for (auto const& host : report.hosts) {
      kernels_[host.name] = host.kernel;
      if (!host.kernel.empty()) kernels.insert(host.kernel);
    }
    for (auto const& rank : report.ranks) {
      threads_[rank.rank] = rank.threads;
      if (!rank.driver.empty()) drivers.insert(rank.driver);
    }
    result.driver = each_of(drivers);
    result.kernel = each_of(kernels);
  }

  void read() {
    auto all = measurements(report_);
    for (auto const& value : all.values) {
      auto const& record = report_.records[value.record];
      auto const& place = all.places[value.place];
      if (record.rehearsal || record.second_look || !std::isfinite(value.value) || value.value <= 0) continue;
      if (place.host.empty() && place.hosts.empty()) continue; // of ranks that the report does not know
      auto const [found, fresh] =
          values_.try_emplace({value.metric, place_of(place, record)}, std::vector<Measurement>());
      if (fresh) order_.push_back(found);
      found->second.push_back(value);
    }
    result.metrics = std::move(all.metrics);
    for (auto const& found : order_) result.values.push_back(settle(found->first, found->second));
  }

  Kept result;

private:
  using Key = std::pair<std::size_t, std::size_t>;
  using Values = std::map<Key, std::vector<Measurement>>;

  std::size_t place_of(Place const& place, Record const& record) {
    bool const device = computes_with_device(record);
    KeptPlace kept_place;
    kept_place.host = place.host.empty() ? all_hosts : place.host;
    kept_place.local_rank = place.local_rank;
    kept_place.ranks = static_cast<std::int64_t>(record.group.ranks.size());
    kept_place.model = place.model;
    kept_place.device_uuid = place.device_uuid;
    kept_place.device = device;
    kept_place.driver = !device ? "" : place.host.empty() ? result.driver : place.driver;
    kept_place.kernel = place.host.empty() ? result.kernel : kernels_[place.host];
    if (!device && place.rank >= 0) kept_place.threads = threads_[place.rank];
    auto const [found, fresh] =
        places_.try_emplace(fmt::format("{}\n{}\n{}\n{}\n{}", kept_place.host, kept_place.local_rank, kept_place.ranks,
                                        kept_place.device_uuid, kept_place.model),
                            result.places.size());
    if (fresh) result.places.push_back(std::move(kept_place));
    return found->second;
  }

  static KeptValue settle(Key const& key, std::vector<Measurement> list) {
    bool const doubtful = std::all_of(list.begin(), list.end(), [](auto const& value) { return value.doubtful; });
    if (!doubtful) std::erase_if(list, [](auto const& value) { return value.doubtful; });
    std::vector<double> values;
    for (auto const& one : list) values.push_back(one.value);
    KeptValue value;
    value.metric = key.first;
    value.place = key.second;
    value.value = median_of(values);
    if (list.size() == 1) value.ci = list.front().ci;
    value.doubtful = doubtful;
    return value;
  }

  Report const& report_;
  std::unordered_map<std::string, std::string> kernels_;
  std::unordered_map<std::int64_t, std::int64_t> threads_;
  std::unordered_map<std::string, std::size_t> places_;
  Values values_;
  std::vector<Values::const_iterator> order_;
};

} // namespace

Kept kept(Report const& report) {
  Keeper keeper(report);
  keeper.read();
  return std::move(keeper.result);
}

} // namespace maru
