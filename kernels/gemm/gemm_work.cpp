// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_work.hpp"

#include <fmt/format.h>
#include <limits>

namespace maru {

std::optional<Skipped> refuse_gemm(Operation const& operation, std::initializer_list<GemmTypes> supported) {
  auto const* const g = std::get_if<Gemm>(&operation);
  if (!g) return Skipped{fmt::format("multiplies matrices only, not {}", name(operation))};
  if (std::ranges::find(supported, GemmTypes{g->in, g->out}) == supported.end())
    return Skipped{fmt::format("has no gemm from {} to {}", name(g->in), name(g->out))};
  for (auto const dimension : {g->m, g->n, g->k})
    if (dimension < 1 || dimension > std::numeric_limits<int>::max())
      return Skipped{fmt::format("a dimension of {} is outside 1 to 2147483647", dimension)};
  return std::nullopt;
}

} // namespace maru
