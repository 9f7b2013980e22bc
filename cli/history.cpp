// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/history_view.hpp"
#include "cli/terminal.hpp"
#include "core/report_io.hpp"
#include "core/suggest.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <sstream>

namespace maru {
namespace {

struct Arguments {
  std::string database, cluster, host, metric, device, format;
  std::vector<std::string> reports;
  std::int64_t limit = 20, last = 0;
  bool doubtful = false;
};

void require_format(std::string const& format, std::vector<std::string> const& known) {
  if (std::find(known.begin(), known.end(), format) == known.end())
    throw Error(Exit::usage, unknown("format", format, known));
}

std::string told(Added added, std::string const& cluster) {
  switch (added) {
  case Added::fresh: return "added to " + cluster;
  case Added::again: return "nothing to do: this run is there already";
  case Added::completed: return "takes the place of the same run when it was incomplete";
  case Added::nothing: return "nothing to keep: no figure, or rehearsals only";
  }
  return {};
}

// The others are added all the same: a folder that is missing must not cost a fleet its night.
Exit add_reports(Arguments const& a) {
  auto code = Exit::good;
  std::optional<History> history;
  for (auto const& path : a.reports) {
    Report report;
    try {
      report = read_report(path);
      if (report.run.id.empty()) throw Error(Exit::usage, path + ": the report has no id of its run");
    } catch (Error const& error) {
      say(std::string("maru: ") + error.what());
      code = error.code();
      continue;
    }
    if (!history) history.emplace(a.database, History::Access::write);
    auto const cluster = !a.cluster.empty() ? a.cluster : report.run.cluster.empty() ? "default" : report.run.cluster;
    auto const added = history->add(report, cluster);
    print(fmt::format("{}: {}\n", one_line(path), told(added, one_line(cluster))));
  }
  return code;
}

// A fleet's hosts would fill the screen, so only the nearest is named.
[[noreturn]] void refuse(char const* kind, std::string const& word, std::vector<std::string> const& known) {
  auto const near = nearest(word, known);
  throw Error(Exit::usage,
              fmt::format("no {} '{}' in this history{}", kind, one_line(word),
                          near.empty() ? std::string() : fmt::format("; did you mean '{}'?", one_line(near))));
}

void require_known(History const& history, Arguments const& a) {
  auto const has = [](auto const& list, auto const& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  auto const clusters = history.clusters();
  if (!a.cluster.empty() && !has(clusters, a.cluster)) refuse("cluster", a.cluster, clusters);
  if (a.host.empty()) return;
  auto const hosts = history.hosts();
  if (!has(hosts, a.host)) refuse("host", a.host, hosts);
}

Exit list(Arguments const& a) {
  require_format(a.format, {"table", "json"});
  History const history(a.database, History::Access::read);
  require_known(history, a);
  auto const runs = history.runs({.cluster = a.cluster, .limit = a.limit});
  print(a.format == "json" ? list_json(runs) : list_text(runs, history.count_runs(a.cluster), a.database));
  return Exit::good;
}

std::vector<Series> wanted(History const& history, Arguments const& a) {
  require_known(history, a);
  SeriesFilter filter;
  filter.cluster = a.cluster;
  filter.host = a.host;
  filter.device = a.device;
  std::istringstream words(a.metric);
  for (std::string word; words >> word;) filter.metric.push_back(word);
  auto found = history.series(filter);
  if (!found.empty()) return found;
  if (!a.device.empty() && a.host.empty() && a.metric.empty())
    throw Error(Exit::usage, fmt::format("no device whose UUID begins with '{}' in this history", one_line(a.device)));
  if (a.metric.empty()) throw Error(Exit::usage, "this history holds nothing of that kind");
  throw Error(Exit::usage, fmt::format("no metric with '{}' in its name, for what was asked", one_line(a.metric)));
}

Exit show_trend(Arguments const& a) {
  constexpr std::size_t most_unasked = 100; // series; above, only those that changed
  require_format(a.format, {"table", "json"});
  History const history(a.database, History::Access::read);
  std::vector<SeriesTrend> all;
  for (auto const& series : wanted(history, a)) {
    all.push_back(trend_of(history, series, a.last, a.doubtful));
    if (all.back().points.empty()) all.pop_back();
  }
  if (all.empty()) throw Error(Exit::usage, "all values of that are doubtful (throttled, say); --doubtful shows them");
  print(a.format == "json" ? trend_json(history, all) : trend_text(history, all, all.size() <= most_unasked));
  return Exit::good;
}

Exit export_all(Arguments const& a) {
  require_format(a.format, {"csv", "jsonl"});
  History const history(a.database, History::Access::read);
  require_known(history, a);
  SeriesFilter filter;
  filter.cluster = a.cluster;
  std::map<std::int64_t, RunEntry> runs;
  std::map<std::int64_t, Software> software;
  auto const row = a.format == "csv" ? export_csv : export_jsonl;
  if (a.format == "csv") print(export_csv_head());
  for (auto const& series : history.series(filter))
    for (auto const& point : history.points(series, 0, true)) {
      auto const [run, fresh_run] = runs.try_emplace(point.run);
      if (fresh_run) run->second = history.run(point.run);
      auto const [with, fresh] = software.try_emplace(point.software);
      if (fresh) with->second = history.software(point.software);
      print(row(run->second, series, point, with->second));
    }
  return Exit::good;
}

Exit check(Arguments const& a) {
  std::vector<std::string> faults;
  try {
    History const history(a.database, History::Access::read);
    faults = history.check();
    if (faults.empty()) {
      print(fmt::format("{}: in order, {} runs\n", one_line(a.database), history.count_runs()));
      return Exit::good;
    }
  } catch (Damaged const& damage) {
    faults.push_back(damage.fault());
  }
  print(fmt::format("{}: damaged\n", one_line(a.database)));
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(faults.size(), most); ++i) print(wrap(one_line(faults[i]), "  ", 80));
  if (faults.size() > most) print(fmt::format("  and {} more\n", faults.size() - most));
  return Exit::wrong;
}

CLI::App* below(CLI::App* history, char const* name, char const* help, std::shared_ptr<Arguments> const& a, Exit& code,
                Exit (*run)(Arguments const&)) {
  auto* app = history->add_subcommand(name, help);
  app->add_option("DB", a->database, "the history's file")->required()->type_name("");
  app->callback([a, run, &code] { code = run(*a); });
  return app;
}

void add_format(CLI::App* app, std::shared_ptr<Arguments> const& a, char const* first, char const* help) {
  a->format = first;
  app->add_option("--format", a->format, help)->capture_default_str();
}

void add(CLI::App& program, Exit& code) {
  auto* history = program.add_subcommand("history", "keep the figures of many runs, and see what changed");
  history->require_subcommand(1);
  auto const arguments = [] { return std::make_shared<Arguments>(); };
  constexpr char const* of_cluster = "only of this cluster";

  auto a = arguments();
  auto* app = below(history, "add", "keep the reports of runs; DB is made when it is not there", a, code, add_reports);
  app->add_option("DIR", a->reports, "folders of runs, or reports' files")->required()->type_name("");
  app->add_option("--cluster", a->cluster, "the cluster's name")->default_str("default");

  a = arguments();
  app = below(history, "list", "the runs that are kept, the latest first", a, code, list);
  app->add_option("--cluster", a->cluster, of_cluster);
  app->add_option("--limit", a->limit, "at most so many, 0 for all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_format(app, a, "table", "table, json");

  a = arguments();
  app = below(history, "trend", "each metric over time, and where its level or the software changed", a, code,
              show_trend);
  app->add_option("--host", a->host, "only this host; '*' for figures of several together");
  app->add_option("--metric", a->metric, "only metrics whose name holds these words");
  app->add_option("--device", a->device, "only the device of this UUID, or the beginning of one");
  app->add_option("--cluster", a->cluster, of_cluster);
  app->add_option("--last", a->last, "only the latest N runs of each")->check(CLI::NonNegativeNumber);
  app->add_flag("--doubtful", a->doubtful, "also values that were not to be used (throttled, say)");
  add_format(app, a, "table", "table, json");

  a = arguments();
  app = below(history, "export", "every value, with its run, place and software", a, code, export_all);
  app->add_option("--cluster", a->cluster, of_cluster);
  add_format(app, a, "csv", "csv, jsonl");

  below(history, "check", "whether the file is in order; 1 when it is damaged", arguments(), code, check);
}

} // namespace

extern Command const history_command;
Command const history_command{"history", add};

} // namespace maru
