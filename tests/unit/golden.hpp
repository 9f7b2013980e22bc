// SPDX-License-Identifier: Apache-2.0
// Files that hold what a test must print, byte for byte. Run with MARU_UPDATE_GOLDEN=1 to write them anew, and then
// read the difference before it is committed.
#pragma once

#include "core/file.hpp"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

namespace maru {

inline std::string source_file(std::string const& path) { return std::string(MARU_SOURCE_DIR) + "/" + path; }

/// `path` is relative to the root of the tree.
inline void expect_golden(std::string const& path, std::string const& text) {
  if (std::getenv("MARU_UPDATE_GOLDEN")) write_file(source_file(path), text);
  auto const golden = is_file(source_file(path)) ? read_file(source_file(path)) : std::string();
  if (golden == text) return;
  auto const size = std::min(golden.size(), text.size());
  auto const differs = static_cast<std::size_t>(
      std::mismatch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), golden.begin()).first -
      text.begin());
  auto const begin = differs < 80 ? 0 : differs - 80;
  ADD_FAILURE() << path << " differs at byte " << differs
                << "; MARU_UPDATE_GOLDEN=1 writes it anew.\nis:     " << text.substr(begin, 160)
                << "\nshould: " << golden.substr(std::min(begin, golden.size()), 160);
}

} // namespace maru
