// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace maru {

/// The widths of a decoder-only transformer. A feed-forward network is gated (gate and up as one product of 2·ffn
/// columns, as in Llama) or has one up projection (GPT-3).
struct Transformer {
  std::string_view name; ///< static text: the table's, or "custom"
  std::int64_t layers = 0, hidden = 0, ffn = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0;
  bool gated = true;
};

/// From the models' published config.json files; gpt3-* from table 2.1 of Brown et al. 2020, with 16 heads for 1.3B and
/// a width of 5120 for 13B, for the table's 24 heads of 128 do not make 2048, nor 40 of 128 its 5140.
std::span<Transformer const> transformers();
/// Throws Error(usage) with the nearest name.
Transformer const& find_transformer(std::string_view name);

/// Columns of the product that gives queries, keys and values; of that which goes into the feed-forward network.
std::int64_t qkv_width(Transformer const& model);
std::int64_t up_width(Transformer const& model);

/// Weights of the four products of a layer; norms and biases left out.
std::int64_t layer_parameters(Transformer const& model);
/// Floating-point operations of the products in one layer's forward pass over `sequences` sequences of `tokens` tokens,
/// a multiply and an add being two: 2·parameters per token, and 4·tokens·heads·head_dim per token for attention
/// over all tokens of its sequence (no half is left out for causality). Backward is twice that (Narayanan et al. 2021,
/// appendix).
double layer_flops(Transformer const& model, std::int64_t sequences, std::int64_t tokens);

/// Why a layer cannot be cut among `tp` ranks, each with whole heads; empty when it can.
std::string fault_of_cut(Transformer const& model, std::int64_t tp);

} // namespace maru
