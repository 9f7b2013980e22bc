// SPDX-License-Identifier: Apache-2.0
// What a layer does beside products: all of it bound by memory. Rows are split among threads.
#pragma once

#include <cstdint>
#include <span>

namespace maru {

/// `count` rows of `width` neighbouring elements each.
struct Rows {
  std::int64_t count = 0, width = 0;
  int threads = 1;
};

/// y = x / √(mean x² + ε), by rows (Zhang and Sennrich 2019, without gain).
void rms_norm(Rows const& rows, float const* x, float* y);
/// into += the gradient of x, from that of y.
void add_rms_norm_gradient(Rows const& rows, float const* x, float const* dy, float* into);

/// into += what.
void add(Rows const& rows, float const* what, float* into);

/// z = u·σ(1.702·u) (sigmoid GELU, Hendrycks and Gimpel 2016); gated: z = g·σ(g)·u (SwiGLU, Shazeer 2020), g and u
/// being the two halves of each row. `rows` are those of z.
void activate(Rows const& rows, bool gated, float const* up, float* z);
void activate_gradient(Rows const& rows, bool gated, float const* up, float const* dz, float* dup);

/// In place: each row of scores becomes probabilities over the elements up to its own number, zero beyond.
void causal_softmax(Rows const& rows, float* scores);
/// dp, the gradient of the probabilities p, becomes that of the scores.
void softmax_gradient(Rows const& rows, float const* p, float* dp);

/// Adam (Kingma and Ba 2015, algorithm 1).
struct Adam {
  float rate = 1e-4F, first_decay = 0.9F, second_decay = 0.999F, epsilon = 1e-8F;
  int threads = 1;
};
/// One sweep: reads four arrays and writes three. `time` counts from 1.
void adam_sweep(Adam const& adam, std::uint64_t time, std::span<float const> gradient, std::span<float> first,
                std::span<float> second, std::span<float> weights);

} // namespace maru
