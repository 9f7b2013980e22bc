// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

namespace maru {

/// A report that has some of everything: four ranks on two hosts, good, wrong, skipped, failed and cut cases, a late
/// rank, p99 present and withheld, and text that means harm.
Report sample_report();

/// One record, every field filled in: small enough to be cut short at each of its bytes.
Report small_report();

} // namespace maru
