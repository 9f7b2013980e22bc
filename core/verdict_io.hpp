// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/verdict.hpp"

#include <string>

namespace maru {

/// The verdict's JSON format. A reader should refuse every other number; a new field does not raise it.
constexpr int verdict_version = 1;

/// JSON text with a final newline, as docs/validate.md describes it. Free of control codes, whatever hosts call
/// themselves. Throws Error(incomplete) when a value is not finite.
std::string verdict_to_json(Verdict const& verdict);

} // namespace maru
