// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "collectors/launcher.hpp"
#include "core/suggest.hpp"
#include "core/version.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>

namespace maru {
namespace {

Exit complain(std::string const& line) {
  if (speaks_for_all()) say("maru: " + line);
  return Exit::usage;
}

// The subcommand that was being read, or the program.
CLI::App const& current(CLI::App const& program) {
  auto const chosen = program.get_subcommands();
  return chosen.empty() ? program : current(*chosen.front());
}

// "maru history trend"
std::string full_name(CLI::App const& app) {
  auto const* parent = app.get_parent();
  return parent ? full_name(*parent) + " " + app.get_name() : app.get_name();
}

// The names that may follow; none where there are no further subcommands.
std::vector<std::string> names_below(CLI::App const& app) {
  std::vector<std::string> names;
  for (auto const* command : app.get_subcommands([](CLI::App const*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::string first_unknown(CLI::App const& program) {
  auto const& app = current(program);
  auto const extras = program.remaining(true);
  auto const& word = extras.front();
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    for (auto const* option : app.get_options())
      for (auto const& name : option->get_lnames()) known.push_back("--" + name);
    auto const bare = word.substr(0, word.find('='));
    auto const near = nearest(bare, known);
    return fmt::format("unknown option '{}'; {}", bare,
                       near.empty() ? fmt::format("see {} --help", full_name(app))
                                    : fmt::format("did you mean '{}'?", near));
  }
  known = names_below(app);
  if (known.empty()) return fmt::format("unexpected argument '{}'; see {} --help", word, full_name(app));
  return unknown("command", word, known);
}

// They read files and have nothing to do with ranks. Of servers there may be one on each host.
bool is_for_one_process(std::string_view name) {
  constexpr std::array<std::string_view, 5> names{"show", "report", "metrics", "validate", "history"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether that was all there is to do here.
bool leaves_it_to_first_rank(std::string_view name) {
  if (!is_for_one_process(name) || !is_one_too_many(parent_name())) return false;
  if (number_in_program() == 1)
    say(fmt::format("maru: {} is for one process: the first that was started does it, the others nothing", name));
  return true;
}

Exit run_program(int argc, char** argv) {
  if (argc > 1 && leaves_it_to_first_rank(argv[1])) return Exit::good;
  CLI::App program("Measures a cluster, and says which node or link is slow.", "maru");
  program.set_version_flag("--version", fmt::format("maru {}", version));
  program.get_formatter()->column_width(26);
  program.require_subcommand(1);
  auto code = Exit::good;
  for (auto const* command : commands()) command->add(program, code);
  try {
    program.parse(argc, argv);
    return code;
  } catch (CLI::Success const& help) { // --help and --version
    if (speaks_for_all()) program.exit(help);
    return Exit::good;
  } catch (CLI::ExtrasError const&) {
    return complain(first_unknown(program));
  } catch (CLI::RequiredError const& error) {
    if (program.remaining_size(true) > 0) return complain(first_unknown(program));
    return complain(fmt::format("{}; see {} --help", error.what(), full_name(current(program))));
  } catch (CLI::ParseError const& error) {
    return complain(error.what());
  } catch (Error const& error) {
    complain(error.what());
    return error.code();
  }
}

} // namespace
} // namespace maru

int main(int argc, char** argv) {
  maru::open_standard_descriptors();
  try {
    return static_cast<int>(maru::run_program(argc, argv));
  } catch (std::exception const& error) {
    maru::say(std::string("maru: ") + error.what());
    return static_cast<int>(maru::Exit::incomplete);
  }
}
