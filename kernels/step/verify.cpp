// SPDX-License-Identifier: Apache-2.0
#include "kernels/step/verify.hpp"

#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

namespace maru {
namespace {

constexpr std::array weight_names{"qkv", "out", "up", "down"};

std::string_view name(Weight weight) { return weight_names.at(static_cast<std::size_t>(weight)); }

double size_of_values(std::span<float const> values) {
  double sum = 0;
  for (float const x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// Sums of other orders differ by roundings of what is summed, not of what comes out: so the tolerance is a part of the
/// matrix's usual size. A part that is missing or doubled is off by about that size.
constexpr double part_of_size = 1e-4;

void compare(Tally& tally, double got, double expected, double tolerance, std::string_view what, std::int64_t index) {
  tally.compared(1);
  if (!tally.tolerates(std::abs(got - expected), tolerance))
    tally.wrong([&] { return fmt::format("{} [{}] is {}, not {}", what, index, got, expected); });
}

/// This replica's rows among those of the whole.
void compare_rows(Tally& tally, std::span<float const> got, std::span<float const> whole, int replica,
                  std::string_view what) {
  auto const rows = whole.subspan(got.size() * static_cast<std::size_t>(replica), got.size());
  double const tolerance = part_of_size * size_of_values(rows);
  for (std::size_t i = 0; i < got.size(); ++i)
    compare(tally, static_cast<double>(got[i]), static_cast<double>(rows[i]), tolerance, what,
            static_cast<std::int64_t>(i));
}

void compare_gradients(Tally& tally, StepLayer const& layer, StepLayer const& whole) {
  auto const& shape = layer.shape();
  for (auto const which : all_weights) {
    std::span<float const> const all(whole.gradient_of(which), static_cast<std::size_t>(whole.shape().size(which)));
    double const tolerance = part_of_size * size_of_values(all);
    for (std::int64_t i = 0; i < shape.size(which); ++i) {
      auto const index = shape.whole_index(which, i / shape.columns(which), i % shape.columns(which));
      compare(tally, static_cast<double>(layer.gradient_of(which)[i]),
              static_cast<double>(all[static_cast<std::size_t>(index)]), tolerance,
              fmt::format("gradient of {}", name(which)), index);
    }
  }
}

/// The first step of Adam is rate · g / (|g| + ε): both of its means are unbiased to g and g².
void compare_update(Tally& tally, StepLayer& layer, std::span<float const> before) {
  Adam const adam;
  double const rate = static_cast<double>(adam.rate);
  for (std::size_t i = 0; i < before.size(); ++i) {
    auto const g = static_cast<double>(layer.gradient()[i]);
    double const expected =
        static_cast<double>(before[i]) - rate * g / (std::abs(g) + static_cast<double>(adam.epsilon));
    compare(tally, static_cast<double>(layer.weights()[i]), expected, 1e-2 * rate, "updated weight",
            static_cast<std::int64_t>(i));
  }
}

/// (L(w + e·u) − L(w − e·u)) / 2e against g·u.
void compare_derivative(Tally& tally, StepEngine& engine, std::size_t index, Weight which, std::uint64_t seed) {
  constexpr float reach = 2e-2F; // of a weight's own size: less drowns in the rounding of the loss
  auto& layer = engine.layers()[index];
  auto const count = static_cast<std::size_t>(layer.shape().size(which));
  std::span<float> const weights(layer.weight(which), count);
  std::vector<float> const before(weights.begin(), weights.end());
  auto const step = static_cast<float>(size_of_values(weights)) * reach;
  double along = 0, size = 0;
  std::array<double, 2> losses{};
  for (std::size_t i = 0; i < count; ++i) {
    auto const u = static_cast<double>(random_value<float>(seed, i)),
               g = static_cast<double>(layer.gradient_of(which)[i]);
    along += g * u;
    size += g * g * u * u;
  }
  for (int const side : {0, 1}) {
    for (std::size_t i = 0; i < count; ++i)
      weights[i] = before[i] + (side == 0 ? step : -step) * random_value<float>(seed, i);
    losses.at(static_cast<std::size_t>(side)) = engine.loss();
  }
  std::copy(before.begin(), before.end(), weights.begin());
  double const measured = (losses[0] - losses[1]) / (2 * static_cast<double>(step));
  compare(tally, along, measured, 0.05 * std::sqrt(size), fmt::format("derivative along {}", name(which)),
          static_cast<std::int64_t>(index));
}

} // namespace

Step small_step(Step const& step) {
  auto small = step;
  bool const shares_keys = step.model.heads != step.model.kv_heads;
  small.model.head_dim = 8;
  small.model.hidden = 32;
  small.model.kv_heads = step.tp;
  small.model.heads = (shares_keys ? 2 : 1) * small.model.kv_heads;
  small.model.ffn = 12 * small.model.kv_heads;
  small.layers = 2;
  small.sequences = 2;
  small.tokens = 12;
  return small;
}

Verification check_small_step(Step const& step, StepPlace const& place, std::uint64_t seed) {
  auto const small = small_step(step);
  auto alone = small;
  alone.tp = alone.dp = 1;
  alone.sequences = small.sequences * small.dp;
  StepEngine part(small, place, seed), whole(alone, {}, seed);
  std::vector<std::vector<float>> before;
  for (auto& layer : part.layers()) before.emplace_back(layer.weights().begin(), layer.weights().end());
  StepSeconds unused;
  part.step(true, unused);
  whole.differentiate(true, unused);
  Tally tally("tp=1+derivative");
  compare_rows(tally, part.output(), whole.output(), place.replica, "output");
  compare_rows(tally, part.input_gradient(), whole.input_gradient(), place.replica, "gradient of the input");
  for (std::size_t i = 0; i < before.size(); ++i) {
    compare_gradients(tally, part.layers()[i], whole.layers()[i]);
    compare_update(tally, part.layers()[i], before[i]);
  }
  for (std::size_t i = 0; i < whole.layers().size(); ++i)
    for (auto const which : all_weights)
      compare_derivative(tally, whole, i, which, random_bits(seed, 64 + 4 * i + static_cast<std::uint64_t>(which)));
  return std::move(tally).result();
}

Verification check_finite(StepEngine& engine) {
  Tally tally("finite");
  auto const judge = [&](std::span<float const> values, std::string_view what) {
    tally.compared(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i])) tally.wrong([&] { return fmt::format("{} [{}] is {}", what, i, values[i]); });
  };
  judge(engine.output(), "output");
  judge(engine.input_gradient(), "gradient of the input");
  for (auto& layer : engine.layers()) {
    judge(layer.gradient(), "gradient");
    judge(layer.weights(), "weight");
  }
  return std::move(tally).result();
}

} // namespace maru
