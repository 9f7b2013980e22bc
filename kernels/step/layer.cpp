// SPDX-License-Identifier: Apache-2.0
#include "kernels/step/layer.hpp"

#include "core/work.hpp"
#include "kernels/gemm/blas.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <cmath>
#include <omp.h>

namespace maru {
namespace {

Buffer<float> poisoned(std::int64_t count) {
  Buffer<float> buffer(static_cast<std::size_t>(count));
  std::ranges::fill(buffer.span(), poison<float>());
  return buffer;
}

template <class Action> void timed(double& seconds, Action const& action) {
  double const begun = monotonic_seconds();
  action();
  seconds += monotonic_seconds() - begun;
}

} // namespace

LayerShape::LayerShape(Step const& step, StepPlace const& place)
    : sequences(step.sequences), tokens(step.tokens), batch(sequences * tokens), hidden(step.model.hidden),
      heads(step.model.heads / step.tp), kv_heads(step.model.kv_heads / step.tp), head_dim(step.model.head_dim),
      attention(heads * head_dim), qkv((heads + 2 * kv_heads) * head_dim), up(up_width(step.model) / step.tp),
      ffn(step.model.ffn / step.tp), gated(step.model.gated), tensor(place.tensor), tp(step.tp) {}

std::int64_t LayerShape::rows(Weight weight) const {
  switch (weight) {
  case Weight::out: return attention;
  case Weight::down: return ffn;
  default: return hidden;
  }
}

std::int64_t LayerShape::columns(Weight weight) const {
  switch (weight) {
  case Weight::qkv: return qkv;
  case Weight::up: return up;
  default: return hidden;
  }
}

std::int64_t LayerShape::parameters() const {
  std::int64_t sum = 0;
  for (auto const weight : all_weights) sum += size(weight);
  return sum;
}

// A rank's columns are of several matrices side by side: queries, keys and values; gate and up.
std::int64_t LayerShape::whole_index(Weight weight, std::int64_t row, std::int64_t column) const {
  auto const width = tp * columns(weight);
  auto const cut = [&](std::initializer_list<std::int64_t> parts) {
    std::int64_t before = 0;
    for (auto const part : parts) {
      if (column < part) return row * width + tp * before + tensor * part + column;
      column -= part;
      before += part;
    }
    return row * width;
  };
  if (weight == Weight::qkv) return cut({attention, kv_heads * head_dim, kv_heads * head_dim});
  if (weight == Weight::up) return gated ? cut({ffn, ffn}) : cut({ffn});
  return (tensor * rows(weight) + row) * hidden + column;
}

StepScratch::StepScratch(LayerShape const& s, int threads)
    : narrow(poisoned(s.batch * s.hidden)), wide(poisoned(s.batch * s.up)), ffn(poisoned(s.batch * s.ffn)),
      qkv(poisoned(s.batch * s.qkv)), attention(poisoned(s.batch * s.attention)),
      scores(poisoned(threads * s.tokens * s.tokens)) {}

StepLayer::StepLayer(LayerShape const& shape, std::uint64_t seed)
    : shape_(shape), weights_(static_cast<std::size_t>(shape.parameters())), gradient_(poisoned(shape.parameters())),
      first_(weights_.size()), second_(weights_.size()), norm_x_(poisoned(shape.batch * shape.hidden)),
      qkv_(poisoned(shape.batch * shape.qkv)),
      probabilities_(poisoned(shape.sequences * shape.heads * shape.tokens * shape.tokens)),
      attended_(poisoned(shape.batch * shape.attention)), middle_(poisoned(shape.batch * shape.hidden)),
      norm_middle_(poisoned(shape.batch * shape.hidden)), up_(poisoned(shape.batch * shape.up)),
      active_(poisoned(shape.batch * shape.ffn)) {
  std::ranges::fill(first_.span(), 0.0F);
  std::ranges::fill(second_.span(), 0.0F);
  for (auto const which : all_weights) {
    auto const rows = shape.rows(which), columns = shape.columns(which);
    auto const inputs = rows * (which == Weight::out || which == Weight::down ? shape.tp : 1);
    auto const scale = std::sqrt(3 / static_cast<float>(inputs)); // unit variance out of unit variance in
    auto const stream = random_bits(seed, static_cast<std::uint64_t>(which));
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        weight(which)[row * columns + column] =
            scale * random_value<float>(stream, static_cast<std::uint64_t>(shape.whole_index(which, row, column)));
  }
}

std::ptrdiff_t StepLayer::offset(Weight which) const {
  std::int64_t before = 0;
  for (auto const weight : all_weights) {
    if (weight == which) break;
    before += shape_.size(weight);
  }
  return static_cast<std::ptrdiff_t>(before);
}

void StepLayer::product(Pass const& pass, float const* in, Weight which, float* out) {
  auto const rows = shape_.rows(which), columns = shape_.columns(which);
  timed(pass.seconds.products, [&] {
    multiply<float>({shape_.batch, columns, rows}, {in, rows}, {weight(which), columns}, {out, columns});
  });
}

void StepLayer::product_backward(Pass const& pass, float const* in, Weight which, float const* dout, float* din) {
  auto const rows = shape_.rows(which), columns = shape_.columns(which);
  timed(pass.seconds.products, [&] {
    multiply<float>({shape_.batch, rows, columns}, {dout, columns}, {weight(which), columns, true}, {din, rows});
    multiply<float>({rows, columns, shape_.batch}, {in, rows, true}, {dout, columns},
                    {gradient_.data() + offset(which), columns});
  });
}

void StepLayer::sum(Pass const& pass, float* rows) {
  if (!pass.communicates) return;
  timed(pass.seconds.communication, [&] {
    pass.place.sum_tensor({rows, static_cast<std::size_t>(shape_.batch * shape_.hidden)});
  });
}

void StepLayer::forward(Pass const& pass, float const* x, float* y) {
  Rows const narrow{shape_.batch, shape_.hidden, pass.place.threads}, wide{shape_.batch, shape_.ffn, narrow.threads};
  auto& other = pass.seconds.other;
  timed(other, [&] { rms_norm(narrow, x, norm_x_.data()); });
  product(pass, norm_x_.data(), Weight::qkv, qkv_.data());
  timed(pass.seconds.attention, [&] { attend(pass); });
  product(pass, attended_.data(), Weight::out, middle_.data());
  sum(pass, middle_.data());
  timed(other, [&] {
    add(narrow, x, middle_.data());
    rms_norm(narrow, middle_.data(), norm_middle_.data());
  });
  product(pass, norm_middle_.data(), Weight::up, up_.data());
  timed(other, [&] { activate(wide, shape_.gated, up_.data(), active_.data()); });
  product(pass, active_.data(), Weight::down, y);
  sum(pass, y);
  timed(other, [&] { add(narrow, middle_.data(), y); });
}

void StepLayer::backward(Pass const& pass, float const* x, float* gradient) {
  Rows const narrow{shape_.batch, shape_.hidden, pass.place.threads}, wide{shape_.batch, shape_.ffn, narrow.threads};
  auto& scratch = pass.scratch;
  auto& other = pass.seconds.other;
  product_backward(pass, active_.data(), Weight::down, gradient, scratch.ffn.data());
  timed(other, [&] { activate_gradient(wide, shape_.gated, up_.data(), scratch.ffn.data(), scratch.wide.data()); });
  product_backward(pass, norm_middle_.data(), Weight::up, scratch.wide.data(), scratch.narrow.data());
  sum(pass, scratch.narrow.data());
  timed(other, [&] { add_rms_norm_gradient(narrow, middle_.data(), scratch.narrow.data(), gradient); });
  product_backward(pass, attended_.data(), Weight::out, gradient, scratch.attention.data());
  timed(pass.seconds.attention, [&] { attend_backward(pass); });
  product_backward(pass, norm_x_.data(), Weight::qkv, scratch.qkv.data(), scratch.narrow.data());
  sum(pass, scratch.narrow.data());
  timed(other, [&] { add_rms_norm_gradient(narrow, x, scratch.narrow.data(), gradient); });
  if (pass.communicates) timed(pass.seconds.communication, [&] { pass.place.sum_replicas(gradient_.span()); });
}

void StepLayer::update(Pass const& pass, std::uint64_t time) {
  timed(pass.seconds.optimizer, [&] {
    adam_sweep({.threads = pass.place.threads}, time, gradient_.span(), first_.span(), second_.span(), weights_.span());
  });
}

namespace {

/// One head of one sequence: where its queries, keys, values and results begin.
struct Head {
  std::int64_t query, key, value, result, probabilities, scores;
  bool first_of_key; ///< several heads may share keys and values
};

/// action(head) for all, each on one thread: products of a head are too small to be shared. Heads with the same keys
/// follow one another on one thread, for their gradients add up.
template <class Action> void for_heads(LayerShape const& s, int threads, Action const& action) {
  auto const shared = s.heads / s.kv_heads, keys = s.sequences * s.kv_heads;
  use_blas_threads(1);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t i = 0; i < keys; ++i)
    for (std::int64_t j = 0; j < shared; ++j) {
      auto const sequence = i / s.kv_heads, key_head = i % s.kv_heads, head = key_head * shared + j;
      auto const row = sequence * s.tokens, key = row * s.qkv + (s.heads + key_head) * s.head_dim;
      action(Head{.query = row * s.qkv + head * s.head_dim,
                  .key = key,
                  .value = key + s.kv_heads * s.head_dim,
                  .result = row * s.attention + head * s.head_dim,
                  .probabilities = (sequence * s.heads + head) * s.tokens * s.tokens,
                  .scores = omp_get_thread_num() * s.tokens * s.tokens,
                  .first_of_key = j == 0});
    }
  use_blas_threads(threads);
}

float attention_scale(LayerShape const& s) { return 1 / std::sqrt(static_cast<float>(s.head_dim)); }

} // namespace

void StepLayer::attend(Pass const& pass) {
  auto const& s = shape_;
  for_heads(s, pass.place.threads, [&](Head const& head) {
    auto const* const qkv = qkv_.data();
    auto* const p = probabilities_.data() + head.probabilities;
    multiply<float>({s.tokens, s.tokens, s.head_dim}, {qkv + head.query, s.qkv}, {qkv + head.key, s.qkv, true},
                    {p, s.tokens}, attention_scale(s));
    causal_softmax({s.tokens, s.tokens, 1}, p);
    multiply<float>({s.tokens, s.head_dim, s.tokens}, {p, s.tokens}, {qkv + head.value, s.qkv},
                    {attended_.data() + head.result, s.attention});
  });
}

void StepLayer::attend_backward(Pass const& pass) {
  auto const& s = shape_;
  for_heads(s, pass.place.threads, [&](Head const& head) {
    auto const* const qkv = qkv_.data();
    auto const *const p = probabilities_.data() + head.probabilities, *const dout =
                                                                          pass.scratch.attention.data() + head.result;
    auto *const dp = pass.scratch.scores.data() + head.scores, *const dqkv = pass.scratch.qkv.data();
    float const keep = head.first_of_key ? 0 : 1;
    multiply<float>({s.tokens, s.tokens, s.head_dim}, {dout, s.attention}, {qkv + head.value, s.qkv, true},
                    {dp, s.tokens});
    multiply<float>({s.tokens, s.head_dim, s.tokens}, {p, s.tokens, true}, {dout, s.attention},
                    {dqkv + head.value, s.qkv, keep});
    softmax_gradient({s.tokens, s.tokens, 1}, p, dp);
    multiply<float>({s.tokens, s.head_dim, s.tokens}, {dp, s.tokens}, {qkv + head.key, s.qkv},
                    {dqkv + head.query, s.qkv}, attention_scale(s));
    multiply<float>({s.tokens, s.head_dim, s.tokens}, {dp, s.tokens, true}, {qkv + head.query, s.qkv},
                    {dqkv + head.key, s.qkv, keep}, attention_scale(s));
  });
}

} // namespace maru
