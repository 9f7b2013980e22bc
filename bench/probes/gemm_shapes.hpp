// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maru {

/// C[m,n] = A[m,k]·B[k,n].
struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;
  bool operator==(GemmShape const&) const = default;
};

/// "4096" is a square, "4096x1024x512" is MxNxK; "small", "medium" and "large" are squares that fill a host's cores
/// (1024, 2048, 4096), and with `device` an accelerator (4096, 8192, 16384). Throws Error(usage).
GemmShape parse_gemm_shape(std::string const& text, bool device);

/// The distinct products of one layer of a transformer, and of its output layer, in one rank of a tensor-parallel group
/// of tp: forward, and the gradients of inputs and weights. `words` are the parts of
/// "model:NAME,tp=T,mb=B,seq=S" between the commas: B sequences of S tokens at a time. Instead of a known NAME,
/// "model:custom" takes hidden=, ffn=, heads=, kv_heads=, head_dim= and vocab=; they also replace a known model's.
/// Gate and up of a gated feed-forward network are one product. Throws Error(usage).
std::vector<GemmShape> transformer_shapes(std::vector<std::string> const& words);

} // namespace maru
