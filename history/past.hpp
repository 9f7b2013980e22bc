// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/past.hpp"
#include "history/store.hpp"

namespace maru {

/// What each place of the report answered before: one Past for each (metric, place) that has any, in the order of the
/// report's records. Runs of that cluster that did not start later than the report's own, without it; at most `most`
/// values, the latest first. By the device's UUID, in whatever host it was then, else by host, local rank, number of
/// ranks and threads, and model. Doubtful values are left out. A few look-ups per value, whatever the history's size.
std::vector<Past> past(History const& history, std::string_view cluster, Report const& report, std::size_t most = 32);

} // namespace maru
