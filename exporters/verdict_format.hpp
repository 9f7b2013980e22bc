// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/verdict.hpp"

#include <span>
#include <string>
#include <string_view>

namespace maru {

/// One way to write a Verdict down. A row of a table: exporters/CMakeLists.txt registers it. Rendering is a pure
/// function: same verdict, same bytes, under every locale. Names and texts of a verdict come from a report, which may
/// be hostile: no format lets them become a command, a line of its own, or a control code.
struct VerdictFormat {
  char const* name; ///< of `maru validate --format NAME`
  char const* help;
  std::string (*render)(Verdict const&);
};

std::span<VerdictFormat const* const> verdict_formats();
/// Null when there is none of that name.
VerdictFormat const* find_verdict_format(std::string_view name);

/// The answer in one line: "3 of 128 nodes fail: h17, h44, h90".
std::string headline(Verdict const& verdict);

} // namespace maru
