// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/opinion.hpp"
#include "core/report.hpp"

#include <span>
#include <string>
#include <string_view>

namespace maru {

/// One way to write a Report down. A row of a table: exporters/CMakeLists.txt registers it. Rendering is a pure
/// function: same report, same bytes, under every locale.
struct Exporter {
  char const* name; ///< of `maru show --format NAME`
  char const* file; ///< name of the file that a run leaves, or nullptr for a form that is only shown
  char const* help;
  std::string (*write)(Report const&, Opinion const&);
  bool judged = false; ///< whether it says what the opinion says; the others are written without one

  std::string render(Report const& report, Opinion const& opinion = {}) const { return write(report, opinion); }
};

std::span<Exporter const* const> exporters();
/// Null when there is none of that name.
Exporter const* find_exporter(std::string_view name);

} // namespace maru
