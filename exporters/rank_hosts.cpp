// SPDX-License-Identifier: Apache-2.0
#include "exporters/rank_hosts.hpp"

#include <unordered_set>

namespace maru {

RankHosts::RankHosts(Report const& report) {
  std::unordered_map<std::string_view, std::int64_t> threads;
  for (auto const& rank : report.ranks) {
    hosts_.emplace(rank.rank, rank.host);
    if (!rank.device_uuid.empty()) devices_.emplace(rank.rank, rank.device_uuid);
    threads[rank.host] += rank.threads;
  }
  for (auto const& host : report.hosts) oversubscribed_ = oversubscribed_ || threads[host.name] > host.processing_units;
}

std::string_view RankHosts::of(std::int64_t rank) const {
  auto const found = hosts_.find(rank);
  return found == hosts_.end() ? std::string_view() : found->second;
}

std::vector<std::string_view> RankHosts::of(Group const& group) const {
  std::vector<std::string_view> hosts;
  std::unordered_set<std::string_view> seen;
  for (auto const rank : group.ranks)
    if (auto const host = of(rank); !host.empty() && seen.insert(host).second) hosts.push_back(host);
  return hosts;
}

std::optional<std::int64_t> RankHosts::named(std::string_view text, Group const& group) const {
  for (auto const rank : group.ranks)
    if (auto const found = devices_.find(rank); found != devices_.end() && text.find(found->second) != text.npos)
      return rank;
  return std::nullopt;
}

} // namespace maru
