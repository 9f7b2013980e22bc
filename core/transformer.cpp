// SPDX-License-Identifier: Apache-2.0
#include "core/transformer.hpp"

#include "core/error.hpp"
#include "core/suggest.hpp"

#include <fmt/format.h>
#include <string>
#include <vector>

namespace maru {
namespace {

constexpr std::int64_t gpt3_vocab = 50257;

constexpr Transformer gpt3(std::string_view name, std::int64_t layers, std::int64_t heads, std::int64_t head_dim) {
  auto const hidden = heads * head_dim;
  return {name, layers, hidden, 4 * hidden, heads, heads, head_dim, gpt3_vocab, false};
}

constexpr Transformer models[] = {
    gpt3("gpt3-125m", 12, 12, 64),
    gpt3("gpt3-350m", 24, 16, 64),
    gpt3("gpt3-760m", 24, 16, 96),
    gpt3("gpt3-1.3b", 24, 16, 128),
    gpt3("gpt3-2.7b", 32, 32, 80),
    gpt3("gpt3-6.7b", 32, 32, 128),
    gpt3("gpt3-13b", 40, 40, 128),
    gpt3("gpt3-175b", 96, 96, 128),
    {"llama2-7b", 32, 4096, 11008, 32, 32, 128, 32000},
    {"llama2-13b", 40, 5120, 13824, 40, 40, 128, 32000},
    {"llama3-8b", 32, 4096, 14336, 32, 8, 128, 128256},
    {"llama3-70b", 80, 8192, 28672, 64, 8, 128, 128256},
    {"llama3-405b", 126, 16384, 53248, 128, 8, 128, 128256},
    {"mistral-7b", 32, 4096, 14336, 32, 8, 128, 32768},
    {"exaone3.5-32b", 64, 5120, 27392, 40, 8, 128, 102400},
    {"qwen3-8b", 36, 4096, 12288, 32, 8, 128, 151936},
    {"qwen3-32b", 64, 5120, 25600, 64, 8, 128, 151936},
    {"custom", 0, 0, 0, 0, 0, 0, 0},
};

} // namespace

std::span<Transformer const> transformers() { return models; }

Transformer const& find_transformer(std::string_view name) {
  std::vector<std::string> names;
  for (auto const& model : models) {
    if (model.name == name) return model;
    names.emplace_back(model.name);
  }
  throw Error(Exit::usage, unknown("model", name, names));
}

std::int64_t qkv_width(Transformer const& model) { return (model.heads + 2 * model.kv_heads) * model.head_dim; }
std::int64_t up_width(Transformer const& model) { return (model.gated ? 2 : 1) * model.ffn; }

std::int64_t layer_parameters(Transformer const& model) {
  auto const attention = qkv_width(model) + model.heads * model.head_dim;
  return model.hidden * (attention + up_width(model) + model.ffn);
}

double layer_flops(Transformer const& model, std::int64_t sequences, std::int64_t tokens) {
  auto const all = static_cast<double>(sequences) * static_cast<double>(tokens);
  auto const attention = 4.0 * static_cast<double>(tokens) * static_cast<double>(model.heads * model.head_dim);
  return all * (2.0 * static_cast<double>(layer_parameters(model)) + attention);
}

std::string fault_of_cut(Transformer const& model, std::int64_t tp) {
  struct Divided {
    std::string_view what;
    std::int64_t value;
  };
  for (auto const& [what, value] : {Divided{"heads", model.heads}, {"kv_heads", model.kv_heads}, {"ffn", model.ffn}})
    if (value < 1 || value % tp != 0)
      return fmt::format("{}: {} {} cannot be cut into tp={}", model.name, what, value, tp);
  return {};
}

} // namespace maru
