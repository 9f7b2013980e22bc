// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The candidate nearest to a misspelt word (by Levenshtein distance), or "".
std::string nearest(std::string_view word, std::vector<std::string> const& candidates);

/// "unknown probe 'gem'; did you mean 'gemm'?", or with the list of all candidates when none is near.
std::string unknown(std::string_view kind, std::string_view word, std::vector<std::string> const& candidates);

} // namespace maru
