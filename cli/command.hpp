// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "exporters/exporter.hpp"

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace maru {

/// A row of a table: cli/CMakeLists.txt registers it. `add` hangs a subcommand with its options below the program and
/// has its callback leave the exit code in `code`.
struct Command {
  char const* name;
  void (*add)(CLI::App& program, Exit& code);
};

std::span<Command const* const> commands();

/// An option that takes a value, its kind shown in the help. An empty one is refused: it is a variable of somebody's
/// script that was not set, and must not be taken for the default.
CLI::Option* add_value(CLI::App& app, std::string const& names, std::string& target, std::string const& kind,
                       std::string const& help);

/// The report in that form, judged where the form says so.
std::string rendered(Exporter const& form, Report const& report);

} // namespace maru
