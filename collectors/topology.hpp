// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <string>

namespace maru {

/// What hwloc says of this machine and of the part of it that this process was given.
struct Topology {
  HostInfo host;
  std::string cpus;        ///< hardware threads this process may run on, as "0-3,8"
  std::string usable_cpus; ///< those of the machine (or of the container) as a whole
  std::int64_t cores = 1;  ///< physical cores among `cpus`, at least 1
};

/// Its name and its kernel, and nothing else.
HostInfo name_host();

/// Throws Error(incomplete) when the machine cannot be read.
Topology read_topology();

} // namespace maru
