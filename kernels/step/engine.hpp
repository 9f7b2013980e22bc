// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/step/layer.hpp"

#include <vector>

namespace maru {

/// A step of training on one rank. Input and target are random and stay the same; the loss is half the sum of squared
/// differences to the target, over the tokens of all replicas. Needs a model that can be cut (fault_of_cut).
class StepEngine {
public:
  StepEngine(Step const& step, StepPlace place, std::uint64_t seed);

  /// Forward, backward, optimizer: each layer works on what the one before gave. With `communicates` false each rank
  /// goes on with its own part of the sums: the same work, of no meaning.
  void step(bool communicates, StepSeconds& seconds);
  /// A step without its optimizer.
  void differentiate(bool communicates, StepSeconds& seconds);

  /// Forward alone, and the loss of this replica.
  double loss();

  std::vector<StepLayer>& layers() { return layers_; }
  StepPlace const& place() const { return place_; }
  std::span<float const> output() const { return activations_.back().span(); }
  std::span<float const> input_gradient() const { return gradient_.span(); }

private:
  void forward(StepLayer::Pass const& pass);
  void start_backward(StepSeconds& seconds);

  StepPlace place_;
  LayerShape shape_;
  float per_token_;
  std::uint64_t time_ = 0;
  StepScratch scratch_;
  std::vector<StepLayer> layers_;
  std::vector<Buffer<float>> activations_; ///< the input, and each layer's output
  Buffer<float> target_, gradient_;
};

/// Bytes that an engine allocates.
double step_bytes(Step const& step);

} // namespace maru
