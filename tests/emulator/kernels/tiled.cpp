// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/cuda_emulator.hpp"

#include "kernels/gemm/tiled.cu"

#include "tests/emulator/cuda_kernels.hpp"

namespace maru::emulator {

std::unique_ptr<DeviceGemmKernel> make_tiled(Gemm const& shape) { return std::make_unique<TiledGemm>(shape); }

} // namespace maru::emulator
