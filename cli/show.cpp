// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "core/report_io.hpp"
#include "core/suggest.hpp"
#include "exporters/exporter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (auto const* exporter : exporters()) names.emplace_back(exporter->name);
  return names;
}

Exit show(std::string const& path, std::string const& format) {
  auto const* exporter = find_exporter(format);
  if (!exporter) throw Error(Exit::usage, unknown("format", format, format_names()));
  print(rendered(*exporter, read_report(path)));
  return Exit::good;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("show", "print the report of a run");
  auto const path = std::make_shared<std::string>();
  auto const format = std::make_shared<std::string>("table");
  add_value(*app, "DIR", *path, "", "folder of a run, or a report's file")->required();
  add_value(*app, "--format", *format, "TEXT", fmt::format("{}", fmt::join(format_names(), ", ")))
      ->capture_default_str();
  app->callback([=, &code] { code = show(*path, *format); });
}

} // namespace

extern Command const show_command;
Command const show_command{"show", add};

} // namespace maru
