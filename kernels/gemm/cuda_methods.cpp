// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/cuda_methods.hpp"

#include "core/error.hpp"

#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace maru {

extern CudaGemmMethod const wgmma_method; // kernels/gemm/wgmma.cu
extern CudaGemmMethod const tiled_method; // kernels/gemm/tiled.cu

namespace {

std::vector<CudaGemmMethod const*>& offered() {
  static std::vector<CudaGemmMethod const*> methods;
  return methods;
}

std::optional<Skipped> ask(CudaGemmMethod const& method, Gemm const& gemm) try {
  return method.supports(gemm);
} catch (Error const& error) { // a library that is there and does not start
  return Skipped{error.what()};
}

} // namespace

void offer_cuda_gemm(CudaGemmMethod const& method) {
  std::erase_if(offered(), [&](auto const* known) { return std::string_view(known->name) == method.name; });
  offered().push_back(&method);
}

CudaGemmMethod const* find_cuda_gemm(Gemm const& gemm, std::string& reasons) {
  auto methods = offered();
  methods.insert(methods.end(), {&wgmma_method, &tiled_method});
  reasons.clear();
  for (auto const* const method : methods) {
    auto const refusal = ask(*method, gemm);
    if (!refusal) return method;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", method->name, refusal->reason);
  }
  return nullptr;
}

} // namespace maru
