// SPDX-License-Identifier: Apache-2.0
#include "analysis/ceilings.hpp"
#include "analysis/compare.hpp"
#include "analysis/judge.hpp"
#include "analysis/link_map.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "cli/thresholds.hpp"
#include "core/file.hpp"
#include "core/journal.hpp"
#include "core/measurement.hpp"
#include "core/report_io.hpp"
#include "core/suggest.hpp"
#include "exporters/html/render.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <set>

namespace maru {
namespace {

struct Arguments {
  std::vector<std::string> paths;
  std::string out, language = "en";
  ThresholdArguments thresholds;
};

Report read(std::string const& path) {
  auto report = read_run(path);
  if (report.records.empty())
    throw Error(Exit::usage, fmt::format("{}: holds no records: there is nothing to show", path));
  add_ceilings(report);
  if (report.links.empty()) report.links = link_maps(report);
  return report;
}

/// The floors of the specs, question by question: where several are for one, the strictest. One in seconds is the most
/// that may be taken: no line to stay above.
std::vector<Expected> floors_of(Report const& report, std::vector<Spec> const& specs) {
  auto const all = measurements(report);
  std::map<std::string, Expected> found;
  std::set<std::size_t> seen;
  for (auto const& value : all.values) {
    auto const& metric = all.metrics[value.metric];
    if (!seen.insert(value.metric).second || metric.unit == Unit::second) continue;
    auto const& record = report.records[value.record];
    for (auto const& spec : specs) {
      auto const* floor = floor_for(spec, metric, record.group.ranks.size());
      if (!floor || !is_for(spec, all.places[value.place])) continue;
      auto& best = found[page_key(record)];
      if (best.least < floor->least)
        best = {page_key(record), metric.figure, floor->least, spec.name + ": " + floor->source};
    }
  }
  std::vector<Expected> result;
  for (auto& [key, one] : found) result.push_back(std::move(one));
  return result;
}

Page page_of(Report const& report, Thresholds const& thresholds) {
  JudgeOptions options;
  options.thresholds = thresholds;
  options.specs = specs_for(report);
  auto const verdict = judge(report, options);
  return make_page({report, verdict, floors_of(report, options.specs)});
}

/// What is there and no page of ours stays: a typing error must not cost anybody a file.
void require_replaceable(std::string const& path) {
  if (is_directory(path)) throw Error(Exit::usage, fmt::format("-o {}: is a directory", path));
  if (!is_file(path)) return;
  FileReader file(path);
  auto const beginning = file.next(); // lasts as long as its reader
  if (!beginning.empty() && !is_page({beginning.data(), beginning.size()}))
    throw Error(Exit::usage, fmt::format("-o {}: is there already and is no page of maru report", path));
}

Exit make(Arguments const& a) {
  auto const languages = page_languages();
  if (std::find(languages.begin(), languages.end(), a.language) == languages.end())
    throw Error(Exit::usage, unknown("language", a.language, languages));
  if (a.paths.size() > 2) throw Error(Exit::usage, "one report, or two to compare");
  bool const to_file = a.out != "-";
  if (to_file) require_replaceable(a.out);
  auto const thresholds = read_thresholds(a.thresholds);
  PageSet set;
  set.names = a.paths;
  set.language = a.language;
  std::vector<Report> reports;
  for (auto const& path : a.paths) reports.push_back(read(path));
  for (auto const& report : reports) set.pages.push_back(page_of(report, thresholds));
  if (reports.size() == 2) set.comparison = compare(reports[0], reports[1]);
  auto const html = render_page(set);
  if (to_file)
    write_file(a.out, html);
  else
    print(html);
  return Exit::good;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("report", "one HTML page of a run, or of two that are compared");
  auto const a = std::make_shared<Arguments>();
  app->add_option("DIR", a->paths, "folder of a run, or a report's file; two are compared")->required()->type_name("");
  app->add_option("-o,--out", a->out, "the page; - is standard output")->required()->type_name("FILE");
  app->add_option("--lang", a->language, "en or ko [en]; the page can change it")->type_name("NAME");
  add_threshold_options(*app, a->thresholds, "Thresholds of the verdict");
  app->footer("  the page loads nothing: send it, keep it, print it");
  app->callback([a, &code] { code = make(*a); });
}

} // namespace

extern Command const report_command;
Command const report_command{"report", add};

} // namespace maru
