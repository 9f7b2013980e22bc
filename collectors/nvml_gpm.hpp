// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/nvml.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"

#include <memory>
#include <optional>

namespace maru {

/// Why GPM (the counters that Hopper and later let NVML read) cannot be had of this device, found by taking a sample:
/// the driver's word that it is supported says nothing of permissions.
std::optional<Skipped> gpm_refusal(NvmlDevice const& device);

/// Takes a sample at its beginning and one at its end; for devices without a refusal. finish() fills Utilisation; where
/// that is refused it leaves only the reason, without a source, for a lower rung to take up.
std::unique_ptr<Watch> gpm_watch(NvmlDevice device);

} // namespace maru
