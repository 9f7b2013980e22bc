// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <CLI/CLI.hpp>
#include <span>

namespace maru {

/// A row of a table: cli/CMakeLists.txt registers it. `add` hangs a subcommand with its options below the program and
/// has its callback leave the exit code in `code`.
struct Command {
  char const* name;
  void (*add)(CLI::App& program, Exit& code);
};

std::span<Command const* const> commands();

} // namespace maru
