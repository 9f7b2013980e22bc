// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/world.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <string>

namespace maru {

/// Collective: the last results of each host into `directory` there, by the first of its ranks; those of the run go
/// with rank 0's host. `exposition` is rank 0's. What cannot be written is said on stderr with the host's name, counted
/// in what rank 0 gets, and fails nothing.
SinkHealth write_textfiles(World& world, std::string const& directory, Exposition const& exposition);

} // namespace maru
