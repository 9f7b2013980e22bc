// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace maru {

/// The exit codes of the program, and there are no others (docs/exit-codes.md).
enum class Exit {
  good = 0,       ///< everything asked for was measured and is right
  wrong = 1,      ///< a wrong result, or a failed verdict
  usage = 2,      ///< the command line, a plan, a file or the wiring of the job is not usable
  incomplete = 3, ///< something could not run, or the run was stopped early
  watchdog = 4,   ///< the watchdog ended a run that no longer moved
};

/// A failure that ends what was asked for. `what()` is one line, fit to be shown to the person who asked.
class Error : public std::runtime_error {
public:
  Error(Exit code, std::string const& line) : std::runtime_error(line), code_(code) {}
  Exit code() const noexcept { return code_; }

private:
  Exit code_;
};

/// An Error that every rank of the world throws alike, so that each can end in order and only rank 0 need speak.
class AgreedError : public Error {
public:
  using Error::Error;
};

/// Throws Error(Exit::incomplete) saying which call failed, where, and in the API's own words.
[[noreturn]] void fail_call(std::string_view call, std::string const& text, char const* file, int line);

/// Api is a struct with `static bool ok(Status)` and `static std::string text(Status)`.
template <class Api, class Status> void check_call(Status status, char const* call, char const* file, int line) {
  if (!Api::ok(status)) fail_call(call, Api::text(status), file, line);
}

} // namespace maru

/// Checks the status that a C API's call returns, e.g. MARU_CHECK(MpiApi, MPI_Barrier(comm)).
#define MARU_CHECK(api, call) ::maru::check_call<api>((call), #call, __FILE__, __LINE__)
