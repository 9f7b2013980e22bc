// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/emulator/grid.hpp"

namespace maru::emulator {

/// What the emulated runtime says of its one device.
struct Device {
  int capability = 90;
  int multiprocessors = 3;
  int clusters_of_two = 1; ///< at once
};
Device& device();

/// Allocations that something wrote beyond, found when they were freed.
int damaged_allocations();

/// A launch, as the runtime checks it: shared memory beyond 48 KB must have been asked for. Throws Failure.
void launch(void const* kernel, Shape const& shape, std::function<void()> const& run);

} // namespace maru::emulator
