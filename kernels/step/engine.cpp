// SPDX-License-Identifier: Apache-2.0
#include "kernels/step/engine.hpp"

#include "core/work.hpp"
#include "kernels/gemm/blas.hpp"
#include "kernels/random.hpp"

#include <algorithm>

namespace maru {
namespace {

constexpr std::uint64_t input_stream = 1, target_stream = 2, first_layer_stream = 16;

/// Each replica has tokens of its own, numbered through.
Buffer<float> tokens(LayerShape const& shape, int replica, std::uint64_t seed) {
  auto const count = static_cast<std::uint64_t>(shape.batch * shape.hidden);
  Buffer<float> buffer(count);
  for (std::uint64_t i = 0; i < count; ++i)
    buffer.data()[i] = random_value<float>(seed, static_cast<std::uint64_t>(replica) * count + i);
  return buffer;
}

Buffer<float> poisoned(std::size_t count) {
  Buffer<float> buffer(count);
  std::ranges::fill(buffer.span(), poison<float>());
  return buffer;
}

} // namespace

StepEngine::StepEngine(Step const& step, StepPlace place, std::uint64_t seed)
    : place_(std::move(place)), shape_(step, place_), per_token_(1 / static_cast<float>(shape_.batch * step.dp)),
      scratch_(shape_, place_.threads), target_(tokens(shape_, place_.replica, random_bits(seed, target_stream))),
      gradient_(poisoned(target_.size())) {
  activations_.push_back(tokens(shape_, place_.replica, random_bits(seed, input_stream)));
  for (std::int64_t layer = 0; layer < step.layers; ++layer) {
    layers_.emplace_back(shape_, random_bits(seed, first_layer_stream + static_cast<std::uint64_t>(layer)));
    activations_.push_back(poisoned(target_.size()));
  }
}

void StepEngine::forward(StepLayer::Pass const& pass) {
  use_blas_threads(place_.threads);
  for (std::size_t i = 0; i < layers_.size(); ++i)
    layers_[i].forward(pass, activations_[i].data(), activations_[i + 1].data());
}

void StepEngine::start_backward(StepSeconds& seconds) {
  double const begun = monotonic_seconds();
  auto const *const out = activations_.back().data(), *const target = target_.data();
  auto* const gradient = gradient_.data();
  auto const count = static_cast<std::int64_t>(gradient_.size());
  for (std::int64_t i = 0; i < count; ++i) gradient[i] = per_token_ * (out[i] - target[i]);
  seconds.other += monotonic_seconds() - begun;
}

void StepEngine::differentiate(bool communicates, StepSeconds& seconds) {
  StepLayer::Pass const pass{place_, scratch_, seconds, communicates};
  forward(pass);
  start_backward(seconds);
  for (auto i = layers_.size(); i-- > 0;) layers_[i].backward(pass, activations_[i].data(), gradient_.data());
}

void StepEngine::step(bool communicates, StepSeconds& seconds) {
  differentiate(communicates, seconds);
  StepLayer::Pass const pass{place_, scratch_, seconds, communicates};
  ++time_;
  for (auto& layer : layers_) layer.update(pass, time_);
}

double StepEngine::loss() {
  StepSeconds unused;
  forward({place_, scratch_, unused});
  double sum = 0;
  for (std::size_t i = 0; i < target_.size(); ++i) {
    double const difference = static_cast<double>(output()[i]) - static_cast<double>(target_.data()[i]);
    sum += difference * difference;
  }
  return 0.5 * sum * static_cast<double>(per_token_);
}

double step_bytes(Step const& step) {
  LayerShape const s(step, {});
  auto const narrow = s.batch * s.hidden;
  auto const saved =
      4 * narrow + s.batch * (s.qkv + s.attention + s.up + s.ffn) + s.sequences * s.heads * s.tokens * s.tokens;
  auto const scratch = 4 * narrow + s.batch * (s.qkv + s.attention + s.up + s.ffn) + s.tokens * s.tokens;
  return sizeof(float) * (static_cast<double>(step.layers) * static_cast<double>(4 * s.parameters() + saved) +
                          static_cast<double>(scratch));
}

} // namespace maru
