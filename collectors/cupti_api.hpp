// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <cupti_result.h>
#include <string>

namespace maru {

/// For MARU_CHECK on calls of CUPTI: its name of the error, and what usually stands behind it.
struct CuptiApi {
  static bool ok(CUptiResult status) { return status == CUPTI_SUCCESS; }
  static std::string text(CUptiResult status);
};

/// Why the CUDA runtime has no device for us, in one line; empty when it has one. To be asked before anything that
/// CUPTI would ask the driver: without a driver some of its calls crash (cuptiDeviceGetChipName of 13.0 does) and the
/// others say CUPTI_ERROR_UNKNOWN.
std::string why_no_cuda_device();

/// Of the library that was loaded, not of the headers: 22 is CUDA 12.4's, 130001 that of 13.0 Update 1.
std::uint32_t cupti_api_version();
/// "CUPTI 12.8 (API 26)"
std::string cupti_version_text(std::uint32_t api);

/// API versions from which on, or in which, CUPTI behaves differently (its release notes).
constexpr std::uint32_t cupti_api_12_9 = 27;         ///< a refused buffer crashed before
constexpr std::uint32_t cupti_api_13_0_ga = 130'000; ///< disabling kernels may deadlock, flushing may crash

} // namespace maru
