// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.hpp"

#include <string>

namespace maru {

/// The GPUs that the CUDA driver shows this process (CUDA_VISIBLE_DEVICES counts), in its order.
extern Accelerators const cuda_accelerators;

/// "CUDA runtime 13.0, driver 13.0"; without a driver it says so.
std::string cuda_version();

/// UUID of the device in use as NVML and nvidia-smi write it ("GPU-…", "MIG-…"); empty when no device was chosen with
/// use().
std::string cuda_uuid_in_use();
/// Index of the device in use, of the CUDA runtime. Throws Error(incomplete) without one. The runtime keeps a device
/// per thread: one that did not call use() has to cudaSetDevice() it before it works with the device.
int cuda_index_in_use();

} // namespace maru
