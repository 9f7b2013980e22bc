// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/runner.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace maru {

/// One line on stderr, control characters made harmless. Never fails: a full or closed stderr must not end a run.
void say(std::string_view line) noexcept;

/// What was asked for, on stdout, to its last byte. Throws Error(incomplete) when it cannot be written.
void print(std::string_view text);

/// Whether this process is the one of a job that speaks where all would say the same, as the launcher numbers them: a
/// command line that is wrong is wrong for each of them, before any of them has found the others.
bool speaks_for_all();

/// The value of --watchdog in seconds, 0 for "off". Throws Error(usage).
double parse_watchdog(std::string const& text);

/// Opens /dev/null for those of the descriptors 0 to 2 that are closed, so that no file of a run becomes one of them.
void open_standard_descriptors();

enum class ProgressStyle { automatic, line, plain, none };
/// Throws Error(usage).
ProgressStyle parse_progress_style(std::string const& text);

/// Tells on stderr where a run stands: one line that is rewritten on a terminal, plain lines elsewhere.
class ProgressPrinter {
public:
  explicit ProgressPrinter(ProgressStyle style);
  ~ProgressPrinter();
  ProgressPrinter(ProgressPrinter const&) = delete;
  ProgressPrinter& operator=(ProgressPrinter const&) = delete;

  void show(Progress const& progress);
  /// Takes the rewritten line off the screen, before something else is printed.
  void clear();

private:
  ProgressStyle style_;
  bool on_screen_ = false;
  std::string last_probe_;
};

/// Whether what this process writes to stderr ends on a person's terminal. Open MPI hands its ranks pipes, so the
/// launcher's own stderr is what counts there.
bool stderr_is_terminal();

} // namespace maru
