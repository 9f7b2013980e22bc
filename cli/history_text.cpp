// SPDX-License-Identifier: Apache-2.0
#include "cli/history_view.hpp"
#include "exporters/grid.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace maru {
namespace {

std::string day(double at) { return utc_time(at).substr(0, 10); }

std::string plural(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 || one == "series" ? "" : "s");
}

std::string signed_percent(double ratio) { return fmt::format("{:+.1f} %", 100 * ratio); }

/// What a metric's values are divided by, so that they have few digits.
struct Scale {
  double divisor = 1;
  std::string unit;
};

Scale scale_of(Series const& series, double value) {
  constexpr std::array steps{std::pair(1e15, "P"), std::pair(1e12, "T"), std::pair(1e9, "G"),  std::pair(1e6, "M"),
                             std::pair(1e3, "k"),  std::pair(1.0, ""),   std::pair(1e-3, "m"), std::pair(1e-6, "u")};
  std::string const base = series.unit == "flops_per_second"   ? "FLOP/s"
                           : series.unit == "bytes_per_second" ? "B/s"
                           : series.unit == "seconds"          ? "s"
                                                               : one_line(series.unit);
  for (auto const& [divisor, prefix] : steps)
    if (value >= divisor) return {divisor, prefix + base};
  return {1e-9, "n" + base};
}

// Scaled to the values, but noise of a percent must not look like a mountain.
std::string sparkline(std::vector<double> const& values) {
  constexpr std::array bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::size_t columns = 12;
  constexpr double least_span = 0.05;
  auto const thin = thinned(values, columns);
  auto const [min, max] = std::minmax_element(thin.begin(), thin.end());
  auto const middle = (*min + *max) / 2, span = std::max(*max - *min, least_span * middle);
  std::string text;
  for (auto const value : thin) {
    auto const level = (value - middle) / span + 0.5;
    text += bars[!(level > 0) ? 0 : level >= 1 ? 7 : static_cast<std::size_t>(level * 8)];
  }
  return text;
}

/// The changes of software that occur, each told once: many series have the same.
class Footnotes {
public:
  explicit Footnotes(History const& history) : history_(history) {}

  std::size_t number(Point const& before, Point const& after) {
    auto const [found, fresh] = numbers_.try_emplace({before.software, after.software}, numbers_.size() + 1);
    if (fresh) text_ += told(found->second, before.software, after.software);
    return found->second;
  }
  std::string text() const { return text_.empty() ? "" : "Changes of software\n" + text_; }

private:
  std::string told(std::size_t number, std::int64_t from, std::int64_t to) const {
    auto const before = history_.software(from), after = history_.software(to);
    std::string text;
    auto const compare = [&](char const* what, std::string const& a, std::string const& b) {
      if (a == b) return;
      auto const shown = [](std::string const& name) { return name.empty() ? "none" : one_line(name); };
      text += wrap(fmt::format("{} {} → {}", what, shown(a), shown(b)),
                   text.empty() ? fmt::format("  {:<5}", fmt::format("[{}]", number)) : "       ", terminal_columns);
    };
    compare("driver", before.driver, after.driver);
    compare("kernel", before.kernel, after.kernel);
    compare("MPI", before.mpi, after.mpi);
    compare("maru", before.maru, after.maru);
    return text;
  }

  History const& history_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> numbers_;
  std::string text_;
};

std::string chance(double p) { return p < 1e-6 ? "p < 1e-06" : fmt::format("p {:.1g}", p); }

std::string told(Change const& change, SeriesTrend const& of, Footnotes& footnotes) {
  auto const when = day(of.points[change.at].at);
  auto const runs = fmt::format("{} | {} runs", change.before, change.after);
  auto const cause =
      change.known ? fmt::format("software [{}]", footnotes.number(of.points[change.at - 1], of.points[change.at]))
                   : std::string("no known change");
  if (change.shifted)
    return fmt::format("{} {}: {} ({}), {}, {}", when, cause, signed_percent(change.effect),
                       (change.effect > 0) == of.series.higher_is_better ? "better" : "worse", chance(change.p), runs);
  if (std::min(change.before, change.after) < least_beside)
    return fmt::format("{} {}: too few runs to tell, {}", when, cause, runs);
  return fmt::format("{} {}: no shift ({}, {}), {}", when, cause, signed_percent(change.effect), chance(change.p),
                     runs);
}

bool has_shift(SeriesTrend const& of) {
  return std::any_of(of.trend.changes.begin(), of.trend.changes.end(), [](auto const& c) { return c.shifted; });
}

// A series whose software changes with every run must not fill the screen.
void add_notes(Grid& grid, SeriesTrend const& of, Footnotes& footnotes) {
  constexpr std::size_t most_quiet = 4;
  auto const& changes = of.trend.changes;
  auto quiet =
      static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(), [](auto const& c) { return !c.shifted; }));
  if (quiet > most_quiet) grid.note(fmt::format("{} earlier changes of software without a shift", quiet - most_quiet));
  for (auto const& change : changes)
    if (change.shifted || quiet-- <= most_quiet) grid.note(told(change, of, footnotes));
}

// What tells series of one metric apart that have host and local rank in common: "" where nothing is needed.
std::string apart(SeriesTrend const& of, std::vector<SeriesTrend const*> const& block) {
  auto const& s = of.series;
  std::string text;
  for (auto const* other : block) {
    auto const& o = other->series;
    if (o.id == s.id || o.host != s.host || o.local_rank != s.local_rank || o.cluster != s.cluster) continue;
    if (o.device_uuid != s.device_uuid) return clip(one_line(s.device_uuid), 14);
    if (o.threads != s.threads) text = plural(static_cast<std::size_t>(std::max<std::int64_t>(0, s.threads)), "thread");
    if (text.empty() && o.model != s.model) text = clip(one_line(s.model), 14);
  }
  return text;
}

std::string block_text(std::vector<SeriesTrend const*> const& block, bool with_cluster, Footnotes& footnotes) {
  auto const scale = scale_of(block.front()->series, block.front()->trend.latest);
  Grid grid("  ", {{"host", false},
                   {"rank"},
                   {"ranks"},
                   {"", false},
                   {"runs"},
                   {"first"},
                   {"latest"},
                   {"vs past"},
                   {"trend", false},
                   {"min"},
                   {"max"}});
  for (auto const* of : block) {
    auto const& series = of->series;
    auto const scaled = [&](double value) { return Value{value / scale.divisor}; };
    grid.row({(with_cluster ? series.cluster + "/" : "") + series.host,
              series.local_rank < 0 ? "" : fmt::to_string(series.local_rank),
              series.local_rank < 0 ? fmt::to_string(series.ranks) : "", apart(*of, block), fmt::to_string(of->trend.n),
              scaled(of->trend.first), scaled(of->trend.latest),
              of->trend.of_past ? signed_percent(*of->trend.of_past) : "", of->trend.n > 1 ? sparkline(of->values) : "",
              scaled(of->trend.min), scaled(of->trend.max)});
    add_notes(grid, *of, footnotes);
  }
  return wrap(fmt::format("{} in {}", one_line(block.front()->series.metric), scale.unit), "", terminal_columns) +
         grid.text();
}

// "3 to 12 runs each, 2026-01-03 to 2026-11-22."
std::string extent(std::vector<SeriesTrend> const& all) {
  double from = INFINITY, to = 0;
  std::size_t fewest = SIZE_MAX, most = 0;
  for (auto const& of : all) {
    from = std::min(from, of.points.front().at);
    to = std::max(to, of.points.back().at);
    fewest = std::min(fewest, of.trend.n);
    most = std::max(most, of.trend.n);
  }
  return fmt::format("{}{}{}, {} to {}.\n", fewest == most ? "" : fmt::format("{} to ", fewest), plural(most, "run"),
                     all.size() > 1 ? " each" : "", day(from), day(to));
}

std::string answer(std::vector<SeriesTrend> const& all) {
  std::size_t shifted = 0, unexplained = 0;
  for (auto const& of : all) {
    shifted += has_shift(of);
    unexplained += std::any_of(of.trend.changes.begin(), of.trend.changes.end(),
                               [](auto const& change) { return change.shifted && !change.known; });
  }
  if (shifted == 0) return fmt::format("No shift found in {}.\n", plural(all.size(), "series"));
  return fmt::format("{} of {} changed level, {} without a known change.\n", shifted, plural(all.size(), "series"),
                     unexplained);
}

} // namespace

SeriesTrend trend_of(History const& history, Series const& series, std::int64_t last, bool doubtful) {
  SeriesTrend of;
  of.series = series;
  of.points = history.points(series, last, doubtful);
  std::vector<std::int64_t> software;
  for (auto const& point : of.points) {
    of.values.push_back(point.value);
    software.push_back(point.software);
  }
  if (!of.points.empty()) of.trend = trend(of.values, software);
  return of;
}

std::string list_text(std::vector<RunEntry> const& runs, std::int64_t all, std::string const& path) {
  if (runs.empty()) return fmt::format("No runs in {}.\n", one_line(path));
  auto const shown = static_cast<std::int64_t>(runs.size());
  auto text =
      fmt::format("{} in {}; {}{} to {}.\n", plural(static_cast<std::size_t>(all), "run"), one_line(path),
                  shown < all ? fmt::format("the latest {}, ", shown) : "", day(runs.back().at), day(runs.front().at));
  Grid grid("  ", {{"started (UTC)", false},
                   {"run", false},
                   {"cluster", false},
                   {"hosts"},
                   {"ranks"},
                   {"values"},
                   {"state", false},
                   {"plan", false}});
  for (auto const& run : runs)
    grid.row({utc_time(run.at).substr(0, 16), clip(one_line(run.run), 20), clip(one_line(run.cluster), 12),
              fmt::to_string(run.hosts), fmt::to_string(run.ranks), fmt::to_string(run.values),
              std::string(run.complete ? "" : "incomplete"), run.plan});
  return text + "\n" + grid.text();
}

std::string trend_text(History const& history, std::vector<SeriesTrend> const& all, bool every) {
  Footnotes footnotes(history);
  std::map<std::string, std::vector<SeriesTrend const*>> blocks;
  bool const with_cluster = std::any_of(
      all.begin(), all.end(), [&](auto const& of) { return of.series.cluster != all.front().series.cluster; });
  std::size_t hidden = 0;
  for (auto const& of : all) {
    if (every || has_shift(of))
      blocks[of.series.metric].push_back(&of);
    else
      ++hidden;
  }
  std::string tables;
  for (auto const& [metric, block] : blocks) tables += block_text(block, with_cluster, footnotes) + "\n";
  auto text = answer(all) + extent(all);
  if (hidden > 0)
    text += fmt::format("{} without a shift not shown; --host or --metric shows them.\n", plural(hidden, "series"));
  if (!tables.empty()) text += "\n" + tables;
  auto notes = footnotes.text();
  if (!notes.empty()) return text + notes;
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

} // namespace maru
