// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/gemm/cuda_gemm.hpp"

#include <memory>

/// What the kernels' files have to themselves, compiled for the emulator.
namespace maru::emulator {

std::unique_ptr<DeviceGemmKernel> make_tiled(Gemm const& shape);
std::unique_ptr<DeviceGemmKernel> make_wgmma(Gemm const& shape);

} // namespace maru::emulator
