// SPDX-License-Identifier: Apache-2.0
// What the formats of a verdict share.
#pragma once

#include "core/phrases.hpp"
#include "core/verdict.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace maru {

template <class List> std::size_t count_of(List const& list, State state) {
  return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [&](auto const& item) { return item.state == state; }));
}

/// "relative: rank 140, GPU-1c3f: gemm bf16: …", on one line.
std::string evidence_line(Evidence const& evidence);

/// Whether the name can stand in a command, a list or a file without being read as anything else: letters, digits and
/// "._-", a letter or a digit first, at most 253 (RFC 1123, with the underscore that is in use).
bool is_plain_host(std::string_view name);

/// ASCII of which no shell makes anything, also between double quotes or after a "#": everything else becomes "?".
/// Shortened.
std::string harmless(std::string_view text);

} // namespace maru
