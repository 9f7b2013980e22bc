// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/host_setup.hpp"

#include <string_view>

namespace maru {

/// Whether an item of Open MPI's lists ("eth0", "10.1.0.0/16") means this interface.
bool names(std::string_view item, NetworkInterface const& interface);

/// A bridge that containers or virtual machines of this host use, by its name.
bool inner_bridge(NetworkInterface const& interface);

} // namespace maru
