// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "cli/thresholds.hpp"
#include "core/file.hpp"
#include "core/journal.hpp"
#include "core/past.hpp"
#include "core/phrases.hpp"
#include "core/report_io.hpp"
#include "core/suggest.hpp"
#include "exporters/text.hpp"
#include "exporters/verdict_format.hpp"
#include "history/past.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace maru {
namespace {

struct Arguments {
  std::string path, spec = "auto", baseline, cluster = "default", format = "table", drain_list;
  ThresholdArguments thresholds;
};

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (auto const* format : verdict_formats()) names.emplace_back(format->name);
  return names;
}

Report read_what_there_is(std::string const& path) {
  auto report = read_run(path, Keep::figures);
  if (report.records.empty())
    throw Error(Exit::usage, fmt::format("{}: holds no records: there is nothing to judge", path));
  return report;
}

std::vector<std::string> models_of(Report const& report) {
  std::set<std::string> models;
  for (auto const& rank : report.ranks) models.insert(rank.device.empty() ? std::string("processors") : rank.device);
  return {models.begin(), models.end()};
}

std::vector<Spec> read_specs(std::string const& wanted, Report const& report) {
  if (wanted == "none") return {};
  if (wanted == "auto") return specs_for(report);
  auto spec = load_spec(wanted);
  auto const models = models_of(report);
  bool const fits = spec.models.empty() || std::any_of(models.begin(), models.end(), [&](std::string const& model) {
                      return std::find(spec.models.begin(), spec.models.end(), model) != spec.models.end();
                    });
  if (!fits)
    throw Error(Exit::usage, one_line(fmt::format("--spec {}: it is for {}, and the report has {}", wanted,
                                                  listed(spec.models), listed(models))));
  return {std::move(spec)};
}

/// The past of the report's places, and what it was taken from.
struct Baseline {
  std::vector<Past> past;
  std::string name;
  std::vector<std::string> not_comparable;
};

[[noreturn]] void refuse(std::string const& baseline, std::string_view why) {
  throw Error(Exit::usage, one_line(fmt::format("--baseline {}: {}", baseline, why)));
}

Baseline earlier_run(std::string const& path, Report const& report) {
  auto const earlier = read_what_there_is(path);
  auto [past, differences] = past_of_report(report, earlier);
  std::set<std::string_view> hosts;
  for (auto const& host : earlier.hosts) hosts.insert(host.name);
  bool const known = std::any_of(report.hosts.begin(), report.hosts.end(),
                                 [&](HostInfo const& host) { return hosts.contains(host.name); });
  if (past.empty() && !differences.empty()) refuse(path, "no host is comparable: " + listed(differences, 1));
  if (past.empty())
    refuse(path, known ? "knows nothing of what the report measured" : "another fleet: no host of the report is in it");
  return {std::move(past), fmt::format("{} ({})", path, earlier.run.id), std::move(differences)};
}

// "history:FILE": what the history knows of these places; otherwise an earlier run.
Baseline read_baseline(std::string const& wanted, std::string const& cluster, Report const& report) {
  constexpr std::string_view prefix = "history:";
  if (wanted.empty()) return {};
  if (!wanted.starts_with(prefix)) return earlier_run(wanted, report);
  auto const file = wanted.substr(prefix.size());
  if (file.empty()) refuse(wanted, "names no file");
  History const history(file, History::Access::read);
  Baseline baseline;
  baseline.past = past(history, cluster, report);
  baseline.name = fmt::format("the history {}, cluster {}", file, cluster);
  if (baseline.past.empty()) refuse(wanted, "knows nothing of what the report measured in cluster " + cluster);
  return baseline;
}

Exit validate(Arguments const& a) {
  auto const* format = find_verdict_format(a.format);
  if (!format) throw Error(Exit::usage, unknown("format", a.format, format_names()));
  JudgeOptions options;
  options.thresholds = read_thresholds(a.thresholds);
  auto const report = read_what_there_is(a.path);
  options.specs = read_specs(a.spec, report);
  auto baseline = read_baseline(a.baseline, a.cluster, report);
  options.past = std::move(baseline.past);
  options.baseline = std::move(baseline.name);
  options.not_comparable = std::move(baseline.not_comparable);
  auto const verdict = judge(report, options);
  auto const text = format->render(verdict);
  try {
    if (!a.drain_list.empty()) write_file(a.drain_list, find_verdict_format("drain")->render(verdict));
  } catch (Error const&) {
    print(text); // the answer is not lost with the list
    throw;
  }
  print(text);
  return verdict.state == State::pass || verdict.state == State::warn ? Exit::good : Exit::wrong;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("validate", "judge the hosts of a run: which node is slow, which link?");
  auto const a = std::make_shared<Arguments>();
  auto const value = [&](char const* name, std::string& target, char const* kind, std::string const& help) {
    add_value(*app, name, target, kind, help);
  };
  add_value(*app, "DIR", a->path, "", "folder of a run, or a report's file")->required();
  value("--spec", a->spec, "NAME|FILE", "floors: auto, none, h200 ... or a TOML file [auto]");
  value("--baseline", a->baseline, "DIR|history:DB", "their own past: an earlier run, or a history");
  value("--cluster", a->cluster, "NAME", "of the history [default]");
  value("--format", a->format, "NAME", fmt::format("{} [table]", fmt::join(format_names(), ", ")));
  value("--drain-list", a->drain_list, "FILE", "write the hosts that fail, with reasons, one a line");
  add_threshold_options(*app, a->thresholds, "Thresholds");
  app->footer("  exit code 0: all pass, perhaps with warnings; 1: something fails or is unknown");
  app->callback([a, &code] { code = validate(*a); });
}

} // namespace

extern Command const validate_command;
Command const validate_command{"validate", add};

} // namespace maru
