// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/nvml.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"

#include <memory>
#include <optional>

namespace maru {

/// The device in use, by the one NVML that stays open while the process lives: opening it anew for each record costs
/// tens of milliseconds. Throws Error(incomplete).
NvmlDevice nvml_device_in_use();

/// Why NVML cannot watch this device: it tells nothing of it.
std::optional<Skipped> nvml_refusal(NvmlDevice const& device);

/// Reads at its beginning and end, and every `period` seconds between them from a thread of its own. Where a reading
/// takes over a tenth of the period they become rarer, so that reading never costs more than a tenth of a core.
/// finish() fills Conditions with what judge() makes of it.
std::unique_ptr<Watch> nvml_watch(NvmlDevice device, double period, std::optional<double> busy_before);

/// How much of the time some kernel ran, at the lowest, seen for up to `patience` seconds while it is much: the load of
/// a process that has just ended fades from the driver's number within one.
std::optional<double> lasting_load(NvmlDevice const& device, double patience);

} // namespace maru
