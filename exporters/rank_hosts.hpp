// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace maru {

/// Which host each rank of a report is on. Views into the report, which must outlive it.
class RankHosts {
public:
  explicit RankHosts(Report const& report);

  /// Empty for a rank that the report does not know.
  std::string_view of(std::int64_t rank) const;
  /// The distinct hosts of a group, in the order of its ranks.
  std::vector<std::string_view> of(Group const& group) const;

  /// The group's rank that computes with the device whose id occurs in the text; none where no id does.
  std::optional<std::int64_t> named(std::string_view text, Group const& group) const;

  /// Whether on some host the ranks compute with more threads than it has.
  bool oversubscribed() const { return oversubscribed_; }

private:
  bool oversubscribed_ = false;
  std::unordered_map<std::int64_t, std::string_view> hosts_, devices_;
};

} // namespace maru
