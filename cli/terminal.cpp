// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include "collectors/launcher.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/text.hpp"
#include "core/units.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <new>
#include <unistd.h>

namespace maru {
namespace {

constexpr std::size_t columns = 79;

void put(std::string_view text) noexcept { // unlike fmt::print, a stream that cannot be written to is no failure
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string shorten(std::string text) {
  if (text.size() > columns) text = text.substr(0, columns - 3) + "...";
  return text;
}

std::string time_left(double seconds) {
  if (seconds <= 0) return {};
  auto const whole = std::lround(seconds);
  return whole < 60 ? fmt::format(", {} s left", whole) : fmt::format(", {} min {} s left", whole / 60, whole % 60);
}

} // namespace

void say(std::string_view line) noexcept {
  try {
    put(one_line(line) + "\n");
  } catch (std::bad_alloc const&) {
    put("maru: out of memory\n");
  }
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(Exit::incomplete, "cannot write to standard output");
}

bool speaks_for_all() { return is_first_of_job(); }

double parse_watchdog(std::string const& text) {
  return text == "0" || text == "off" ? 0 : parse_duration(text, "--watchdog");
}

void open_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY) < 0) return;
}

ProgressStyle parse_progress_style(std::string const& text) {
  if (text == "auto") return ProgressStyle::automatic;
  if (text == "line") return ProgressStyle::line;
  if (text == "plain") return ProgressStyle::plain;
  if (text == "none") return ProgressStyle::none;
  throw Error(Exit::usage, unknown("progress style", text, {"auto", "line", "plain", "none"}));
}

bool stderr_is_terminal() {
  if (::isatty(STDERR_FILENO)) return true;
  if (!std::getenv("OMPI_COMM_WORLD_RANK")) return false;
  std::error_code error;
  auto const target = std::filesystem::read_symlink(fmt::format("/proc/{}/fd/2", ::getppid()), error).string();
  return !error && (target.starts_with("/dev/pts/") || target.starts_with("/dev/tty"));
}

ProgressPrinter::ProgressPrinter(ProgressStyle style) : style_(style) {
  if (style_ == ProgressStyle::automatic) style_ = stderr_is_terminal() ? ProgressStyle::line : ProgressStyle::plain;
}

ProgressPrinter::~ProgressPrinter() { clear(); }

void ProgressPrinter::show(Progress const& progress) {
  if (style_ == ProgressStyle::none) return;
  auto const text =
      fmt::format("[{}/{}{}] {}", progress.done + 1, progress.total, time_left(progress.seconds_left), progress.what);
  if (style_ == ProgressStyle::line) {
    put("\r\033[K" + shorten(text));
    on_screen_ = true;
    return;
  }
  // A line for each operation, not for each of a hundred sizes.
  auto const probe = progress.what.substr(0, progress.what.find(' ', progress.what.find(' ') + 1));
  if (probe == last_probe_) return;
  last_probe_ = probe;
  say(fmt::format("[{}/{}{}] {}", progress.done + 1, progress.total, time_left(progress.seconds_left), probe));
}

void ProgressPrinter::clear() {
  if (!on_screen_) return;
  put("\r\033[K");
  on_screen_ = false;
}

} // namespace maru
