// SPDX-License-Identifier: Apache-2.0
#include "kernels/step/elementwise.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace maru {
namespace {

constexpr float tiny = 1e-5F;
constexpr float gelu_slope = 1.702F;

/// e^x = 2^n · e^r with |r| ≤ ln 2 / 2 and ln 2 in two parts (Cody and Waite 1980), e^r by Taylor to r⁶: right to 2e-7.
/// The library's is exact to the last bit and called element by element; this one a compiler turns into vectors.
inline float exponential(float x) {
  x = std::min(std::max(x, -87.0F), 88.0F);
  float const t = x * 1.44269504F;
  auto const n = static_cast<std::int32_t>(t + (t < 0 ? -0.5F : 0.5F));
  auto const whole = static_cast<float>(n);
  float const r = x - whole * 0.693359375F + whole * 2.12194440e-4F;
  float const series =
      1 + r * (1 + r * (0.5F + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720))))));
  return series * std::bit_cast<float>((n + 127) << 23);
}

inline float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

/// action(row) for all rows, split evenly and always the same way.
template <class Action> void for_rows(Rows const& rows, Action const& action) {
#pragma omp parallel for num_threads(rows.threads) schedule(static)
  for (std::int64_t row = 0; row < rows.count; ++row) action(row);
}

float dot(float const* a, float const* b, std::int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

float scale_of(float const* x, std::int64_t width) {
  return 1 / std::sqrt(dot(x, x, width) / static_cast<float>(width) + tiny);
}

} // namespace

void rms_norm(Rows const& rows, float const* x, float* y) {
  for_rows(rows, [&](std::int64_t row) {
    auto const* const in = x + row * rows.width;
    auto* const out = y + row * rows.width;
    float const scale = scale_of(in, rows.width);
    for (std::int64_t i = 0; i < rows.width; ++i) out[i] = scale * in[i];
  });
}

// With s = scale and y = s·x: dx = s·(dy − y·mean(dy·y)).
void add_rms_norm_gradient(Rows const& rows, float const* x, float const* dy, float* into) {
  for_rows(rows, [&](std::int64_t row) {
    auto const *const in = x + row * rows.width, *const gradient = dy + row * rows.width;
    auto* const out = into + row * rows.width;
    float const scale = scale_of(in, rows.width);
    float const along = scale * scale * dot(in, gradient, rows.width) / static_cast<float>(rows.width);
    for (std::int64_t i = 0; i < rows.width; ++i) out[i] += scale * (gradient[i] - along * in[i]);
  });
}

void add(Rows const& rows, float const* what, float* into) {
  for_rows(rows, [&](std::int64_t row) {
    auto const begin = row * rows.width;
    for (auto i = begin; i < begin + rows.width; ++i) into[i] += what[i];
  });
}

void activate(Rows const& rows, bool gated, float const* up, float* z) {
  for_rows(rows, [&](std::int64_t row) {
    auto const* const gate = up + row * rows.width * (gated ? 2 : 1);
    auto const* const linear = gated ? gate + rows.width : gate;
    auto* const out = z + row * rows.width;
    if (gated)
      for (std::int64_t i = 0; i < rows.width; ++i) out[i] = gate[i] * sigmoid(gate[i]) * linear[i];
    else
      for (std::int64_t i = 0; i < rows.width; ++i) out[i] = linear[i] * sigmoid(gelu_slope * linear[i]);
  });
}

namespace {

/// d/dx x·σ(a·x) = σ + a·x·σ·(1 − σ).
inline float rise_of(float slope, float x) {
  float const s = sigmoid(slope * x);
  return s + slope * x * s * (1 - s);
}

} // namespace

void activate_gradient(Rows const& rows, bool gated, float const* up, float const* dz, float* dup) {
  for_rows(rows, [&](std::int64_t row) {
    auto const width = rows.width, begin = row * width * (gated ? 2 : 1);
    auto const *const gate = up + begin, *const linear = gate + width, *const gradient = dz + row * width;
    auto *const out = dup + begin, *const out_linear = out + width;
    if (gated) {
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) {
        out_linear[i] = gradient[i] * gate[i] * sigmoid(gate[i]);
        out[i] = gradient[i] * linear[i] * rise_of(1, gate[i]);
      }
    } else {
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) out[i] = gradient[i] * rise_of(gelu_slope, gate[i]);
    }
  });
}

void causal_softmax(Rows const& rows, float* scores) {
  for_rows(rows, [&](std::int64_t row) {
    auto* const out = scores + row * rows.width;
    auto const seen = row + 1;
    float const most = *std::max_element(out, out + seen);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < seen; ++i) sum += out[i] = exponential(out[i] - most);
    for (std::int64_t i = 0; i < seen; ++i) out[i] /= sum;
    std::fill(out + seen, out + rows.width, 0.0F);
  });
}

void softmax_gradient(Rows const& rows, float const* p, float* dp) {
  for_rows(rows, [&](std::int64_t row) {
    auto const* const probability = p + row * rows.width;
    auto* const out = dp + row * rows.width;
    float const mean = dot(probability, out, rows.width);
    for (std::int64_t i = 0; i < rows.width; ++i) out[i] = probability[i] * (out[i] - mean);
  });
}

void adam_sweep(Adam const& adam, std::uint64_t time, std::span<float const> gradient, std::span<float> first,
                std::span<float> second, std::span<float> weights) {
  auto const count = static_cast<std::int64_t>(weights.size());
  auto const t = static_cast<double>(time);
  auto const per_share = [t](float decay) { return 1 / (1 - std::pow(static_cast<double>(decay), t)); };
  auto const first_scale = static_cast<float>(static_cast<double>(adam.rate) * per_share(adam.first_decay)),
             second_scale = static_cast<float>(per_share(adam.second_decay));
  auto const* const g = gradient.data();
  auto *const m = first.data(), *const v = second.data(), *const w = weights.data();
#pragma omp parallel for simd num_threads(adam.threads) schedule(static)
  for (std::int64_t i = 0; i < count; ++i) {
    m[i] = adam.first_decay * m[i] + (1 - adam.first_decay) * g[i];
    v[i] = adam.second_decay * v[i] + (1 - adam.second_decay) * g[i] * g[i];
    w[i] -= first_scale * m[i] / (std::sqrt(second_scale * v[i]) + adam.epsilon);
  }
}

} // namespace maru
