// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/html/page.hpp"

#include <string_view>
#include <vector>

namespace maru {

/// The records of a report by question and kind of group, in the order in which they were first asked. Second looks
/// are left out: they are of suspects only, and no figures of a fleet.
struct Asked {
  std::vector<std::vector<Record const*>> groups;
};
Asked asked(Report const& report);

/// What a page shows of a record: its duration and its rate, when they may be used or nobody has better ones, and the
/// conditions of one device, which are of most interest where the figures must not be used.
struct Shown {
  std::string_view name;
  double value = 0;
  std::optional<Interval> ci = {};
};
std::vector<Shown> shown_rates(Record const& record);
std::vector<Shown> shown_conditions(Record const& record);

/// Whether the greatest is the worst.
bool low_is_good(std::string_view figure);

} // namespace maru
