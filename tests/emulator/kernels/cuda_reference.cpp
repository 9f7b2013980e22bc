// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/cuda_emulator.hpp"

#include "kernels/gemm/cuda_reference.cu"
