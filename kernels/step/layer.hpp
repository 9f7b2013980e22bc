// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "kernels/buffer.hpp"
#include "kernels/step/elementwise.hpp"
#include "kernels/summation.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace maru {

/// Which part of a step this rank does, and with whom.
struct StepPlace {
  int tensor = 0, replica = 0; ///< its number among those that share a layer; which replica that is
  int threads = 1;
  Summation sum_tensor = [](std::span<float>) {};   ///< over those that share a layer
  Summation sum_replicas = [](std::span<float>) {}; ///< over the same part of all replicas
};

/// Where the seconds of steps went.
struct StepSeconds {
  double products = 0, attention = 0, other = 0, optimizer = 0, communication = 0;
};

/// What products of a layer multiply with, this rank's part: the columns of qkv (whole heads) and up, the rows of out
/// and down (Shoeybi et al. 2019, section 3).
enum class Weight { qkv, out, up, down };
inline constexpr std::array all_weights{Weight::qkv, Weight::out, Weight::up, Weight::down};

/// The widths of one rank's part of a layer.
struct LayerShape {
  LayerShape(Step const& step, StepPlace const& place);

  std::int64_t rows(Weight weight) const;
  std::int64_t columns(Weight weight) const;
  std::int64_t size(Weight weight) const { return rows(weight) * columns(weight); }
  std::int64_t parameters() const;
  /// Where an element of this rank's part lies in the whole matrix.
  std::int64_t whole_index(Weight weight, std::int64_t row, std::int64_t column) const;

  std::int64_t sequences, tokens; ///< of a replica
  std::int64_t batch;             ///< sequences · tokens
  std::int64_t hidden;
  std::int64_t heads, kv_heads, head_dim; ///< of this rank
  std::int64_t attention, qkv, up, ffn;   ///< columns of this rank
  bool gated;
  std::int64_t tensor, tp;
};

/// What a backward pass may overwrite; one for all layers.
struct StepScratch {
  StepScratch(LayerShape const& shape, int threads);
  Buffer<float> narrow, wide, ffn, qkv, attention;
  Buffer<float> scores; ///< of one head, for each thread
};

/// One layer of this rank: x + out(attention(norm x)), then the same with the feed-forward network.
class StepLayer {
public:
  /// Weights are random, and the same whatever the number of ranks that share them.
  StepLayer(LayerShape const& shape, std::uint64_t seed);

  struct Pass {
    StepPlace const& place;
    StepScratch& scratch;
    StepSeconds& seconds;
    bool communicates = true;
  };
  void forward(Pass const& pass, float const* x, float* y);
  /// `gradient`, that of y, becomes that of x.
  void backward(Pass const& pass, float const* x, float* gradient);
  void update(Pass const& pass, std::uint64_t time);

  std::span<float> weights() { return weights_.span(); }
  std::span<float const> gradient() const { return gradient_.span(); }
  float* weight(Weight which) { return weights_.data() + offset(which); }
  float const* gradient_of(Weight which) const { return gradient_.data() + offset(which); }
  LayerShape const& shape() const { return shape_; }

private:
  std::ptrdiff_t offset(Weight which) const;
  void attend(Pass const& pass);
  void attend_backward(Pass const& pass);
  void product(Pass const& pass, float const* in, Weight which, float* out);
  void product_backward(Pass const& pass, float const* in, Weight which, float const* dout, float* din);
  void sum(Pass const& pass, float* rows);

  LayerShape shape_;
  Buffer<float> weights_, gradient_, first_, second_;
  // What backward needs of forward. `middle` is x + attention's output.
  Buffer<float> norm_x_, qkv_, probabilities_, attended_, middle_, norm_middle_, up_, active_;
};

} // namespace maru
