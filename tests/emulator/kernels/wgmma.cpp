// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/cuda_emulator.hpp"

#include "kernels/gemm/wgmma.cu"

#include "tests/emulator/cuda_kernels.hpp"

namespace maru::emulator {

std::unique_ptr<DeviceGemmKernel> make_wgmma(Gemm const& shape) { return std::make_unique<WgmmaGemm>(shape); }

} // namespace maru::emulator
