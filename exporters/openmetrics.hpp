// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace maru {

/// Label names and values of one series, in the order in which they are written.
using Series = std::vector<std::pair<std::string, std::string>>;

/// One family of OpenMetrics 1.0 as it is written. Values are scrubbed and escaped; a series that is there already is
/// passed over, since one duplicate makes a whole exposition unreadable.
class FamilyWriter {
public:
  /// `unit` is the name's suffix or empty; `suffix` is what the samples add to the name ("_info" of an info).
  FamilyWriter(std::string_view name, std::string_view type, std::string_view unit, std::string_view help);

  /// `time` is in seconds since the Unix epoch.
  void sample(Series const& series, double value, double time);

  /// Empty when there was no sample.
  std::string text() const;

private:
  std::string name_, header_, samples_;
  std::unordered_set<std::string> seen_;
};

/// Adds a label under a name that OpenMetrics allows and that is not in the series yet.
void add_label(Series& series, std::string_view name, std::string value);

} // namespace maru
