// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "core/suggest.hpp"
#include "core/text.hpp"
#include "exporters/metrics/expose.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::size_t columns = 80;

std::string metrics_table() {
  std::string out;
  for (auto const tier : {Tier::run, Tier::node, Tier::device}) {
    out += fmt::format("{}Tier {}\n", out.empty() ? "" : "\n", name(tier));
    for (auto const* row : metric_table())
      if (row->tier == tier) out += fmt::format("  {}\n{}", sample_name(*row), wrap(row->help, "      ", columns));
  }
  return out;
}

Exit metrics(std::string const& format) {
  std::string text;
  if (format == "table")
    text = metrics_table();
  else if (format == "markdown")
    text = metrics_markdown();
  else if (format == "json")
    text = metrics_json();
  else
    throw Error(Exit::usage, unknown("format", format, {"table", "markdown", "json"}));
  print(text);
  return Exit::good;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("metrics", "every metric that a run gives, for Prometheus");
  auto const format = std::make_shared<std::string>("table");
  app->add_option("--format", *format, "table, markdown, json")->capture_default_str();
  app->callback([=, &code] { code = metrics(*format); });
}

} // namespace

extern Command const metrics_command;
Command const metrics_command{"metrics", add};

} // namespace maru
