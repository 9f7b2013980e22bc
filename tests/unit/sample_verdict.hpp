// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/verdict.hpp"

namespace maru {

/// Every case that a format has to write.
Verdict sample_verdict();

/// Names and texts that want to be more than text.
Verdict hostile_verdict();

/// `failing` hosts that fail and as many unknown ones, each for a reason of its own, among `hosts`.
Verdict large_verdict(std::size_t hosts, std::size_t failing);

} // namespace maru
