// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

namespace maru {

/// A report that has some of everything: four ranks with a device each on two hosts, which answered with host and
/// device; good, wrong, skipped, failed and cut cases, a late rank, a throttled device, a rehearsal, p99 present and
/// withheld, and text that means harm.
Report sample_report();

/// One record, every field filled in: small enough to be cut short at each of its bytes.
Report small_report();

} // namespace maru
