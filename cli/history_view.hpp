// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "history/store.hpp"
#include "history/trend.hpp"

#include <string>
#include <vector>

namespace maru {

/// A series with what is told of it. `times` and `values` stand beside one another.
struct SeriesTrend {
  Series series;
  std::vector<Point> points;
  std::vector<double> values;
  Trend trend;
};

SeriesTrend trend_of(History const& history, Series const& series, std::int64_t last, bool doubtful);

/// Tables of 80 columns for people; the first line is the answer.
std::string list_text(std::vector<RunEntry> const& runs, std::int64_t all, std::string const& path);
std::string trend_text(History const& history, std::vector<SeriesTrend> const& all, bool every);

std::string list_json(std::vector<RunEntry> const& runs);
std::string trend_json(History const& history, std::vector<SeriesTrend> const& all);

/// One row per value, with all that is known of its run, place and software.
std::string export_csv_head();
std::string export_csv(RunEntry const& run, Series const& series, Point const& point, Software const& software);
std::string export_jsonl(RunEntry const& run, Series const& series, Point const& point, Software const& software);

} // namespace maru
