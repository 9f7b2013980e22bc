// SPDX-License-Identifier: Apache-2.0
#include "bench/probes/gemm_shapes.hpp"

#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/transformer.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace maru {
namespace {

constexpr std::int64_t largest = 1 << 20;

Transformer model_of(std::string_view word) {
  constexpr std::string_view prefix = "model:";
  if (!word.starts_with(prefix))
    throw Error(Exit::usage, fmt::format("shapes: '{}' does not begin with 'model:'", word));
  return find_transformer(word.substr(prefix.size()));
}

struct Layout {
  std::int64_t tp = 1, sequences = 1, tokens = 4096;
};

void set(Transformer& model, Layout& layout, std::string_view word) {
  struct Setting {
    std::string_view key;
    std::int64_t& value;
  };
  Setting const settings[] = {
      {"tp", layout.tp},     {"mb", layout.sequences}, {"seq", layout.tokens},       {"hidden", model.hidden},
      {"ffn", model.ffn},    {"heads", model.heads},   {"kv_heads", model.kv_heads}, {"head_dim", model.head_dim},
      {"vocab", model.vocab}};
  auto const equals = word.find('=');
  std::vector<std::string> keys;
  for (auto const& [key, value] : settings) {
    if (equals != word.npos && word.substr(0, equals) == key) {
      value = parse_integer(word.substr(equals + 1), fmt::format("shapes: {}", key), 1, largest);
      return;
    }
    keys.emplace_back(key);
  }
  throw Error(Exit::usage, unknown("part of shapes", word.substr(0, equals), keys));
}

std::int64_t divided(std::int64_t value, std::int64_t tp, std::string_view what) {
  if (value == 0) throw Error(Exit::usage, fmt::format("shapes: {}= is missing", what));
  if (value % tp != 0) throw Error(Exit::usage, fmt::format("shapes: {} {} cannot be cut into tp={}", what, value, tp));
  return value / tp;
}

} // namespace

GemmShape parse_gemm_shape(std::string const& text, bool device) {
  auto const square = [](std::int64_t edge) { return GemmShape{edge, edge, edge}; };
  auto const edge = [](std::string_view part) { return parse_integer(part, "gemm size", 1, largest); };
  std::int64_t const scale = device ? 4 : 1;
  if (text == "small") return square(1024 * scale);
  if (text == "medium") return square(2048 * scale);
  if (text == "large") return square(4096 * scale);
  std::string_view const view = text;
  auto const first = view.find('x');
  if (first == view.npos) return square(edge(view));
  auto const second = view.find('x', first + 1);
  if (second == view.npos) throw Error(Exit::usage, fmt::format("gemm size: '{}' is neither N nor MxNxK", text));
  return {edge(view.substr(0, first)), edge(view.substr(first + 1, second - first - 1)), edge(view.substr(second + 1))};
}

std::vector<GemmShape> transformer_shapes(std::vector<std::string> const& words) {
  auto model = model_of(words.at(0));
  Layout layout;
  for (std::size_t i = 1; i < words.size(); ++i) set(model, layout, words[i]);
  auto const tp = layout.tp;
  auto const heads = divided(model.heads, tp, "heads");
  // Fewer key and value heads than ranks: each rank keeps a copy of one.
  auto const kv_heads =
      model.kv_heads < tp ? std::min<std::int64_t>(model.kv_heads, 1) : divided(model.kv_heads, tp, "kv_heads");
  auto const width = divided(model.head_dim, 1, "head_dim"), hidden = divided(model.hidden, 1, "hidden");
  auto const ffn = divided(model.ffn, tp, "ffn");
  if (kv_heads == 0) throw Error(Exit::usage, "shapes: kv_heads= is missing");
  // An embedding is padded so that it can be cut.
  auto const vocab = (divided(model.vocab, 1, "vocab") + tp - 1) / tp;
  struct Linear {
    std::int64_t out, in;
  };
  Linear const linears[] = {{(heads + 2 * kv_heads) * width, hidden}, // queries, keys and values
                            {hidden, heads * width},                  // attention's output
                            {model.gated ? 2 * ffn : ffn, hidden},    // gate and up, or up alone
                            {hidden, ffn},                            // down
                            {vocab, hidden}};                         // output layer
  auto const tokens = layout.sequences * layout.tokens;
  if (tokens > largest) throw Error(Exit::usage, fmt::format("shapes: mb times seq is over {}", largest));
  std::vector<GemmShape> shapes;
  for (auto const& [out, in] : linears)
    for (auto const& shape : {GemmShape{tokens, out, in}, GemmShape{tokens, in, out}, GemmShape{out, in, tokens}})
      if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  return shapes;
}

} // namespace maru
