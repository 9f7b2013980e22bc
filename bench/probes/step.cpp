// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/transformer.hpp"
#include "core/units.hpp"

#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::int64_t most = 1 << 20;

std::vector<std::int64_t> counts(Parameters const& parameters, std::string const& key) {
  std::vector<std::int64_t> result;
  for (auto const& text : parameters.at(key)) result.push_back(parse_integer(text, "step: " + key, 1, most));
  return result;
}

Transformer model_of(std::string const& name) {
  auto const& model = find_transformer(name);
  if (model.hidden == 0) throw Error(Exit::usage, fmt::format("step: '{}' has no widths of its own", name));
  return model;
}

void check(Step const& step) {
  if (auto const fault = fault_of_cut(step.model, step.tp); !fault.empty()) throw Error(Exit::usage, "step: " + fault);
  if (step.layers > step.model.layers)
    throw Error(Exit::usage,
                fmt::format("step: {} has {} layers, not {}", step.model.name, step.model.layers, step.layers));
  if (step.sequences > most / step.tokens) throw Error(Exit::usage, fmt::format("step: mb times seq is over {}", most));
  if (step.tp > most / step.dp) throw Error(Exit::usage, fmt::format("step: tp times dp is over {}", most));
}

Case case_of(Step const& step, std::string const& backend, ProbeContext const& context) {
  check(step);
  auto const ranks = step.tp * step.dp;
  Case item;
  item.operation = step;
  item.group_kind = ranks == 1 ? "rank" : fmt::format("blocks:{}", ranks);
  item.max_iterations = 40;
  choose_backend(item, backend, context);
  // A host's step in the place of its device's would be taken for it.
  if (context.has_device() && backend == "auto" && item.backend && std::string_view(item.backend->device) == "cpu") {
    item.backend = nullptr;
    item.skip_reason = "no backend takes steps on devices yet; step.backend=step_mpi asks the host";
  }
  return item;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const& backend = single(parameters, "backend");
  std::vector<Case> result;
  for (auto const& name : parameters.at("model"))
    for (auto const layers : counts(parameters, "layers"))
      for (auto const tp : counts(parameters, "tp"))
        for (auto const dp : counts(parameters, "dp"))
          for (auto const sequences : counts(parameters, "mb"))
            for (auto const tokens : counts(parameters, "seq")) {
              Step step;
              step.model = model_of(name);
              step.layers = layers;
              step.tp = static_cast<int>(tp);
              step.dp = static_cast<int>(dp);
              step.sequences = sequences;
              step.tokens = tokens;
              result.push_back(case_of(step, backend, context));
            }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"model", "gpt3-125m", "gpt3-1.3b, llama3-8b …: its layers' widths"},
    ProbeParameter{"layers", "2", "how many of its layers"},
    ProbeParameter{"tp", "1", "ranks that share each layer, neighbours"},
    ProbeParameter{"dp", "1", "replicas, whose gradients are added up"},
    ProbeParameter{"mb", "1", "sequences of a replica"},
    ProbeParameter{"seq", "256", "tokens of a sequence"},
    ProbeParameter{"backend", "auto", "step_mpi"},
};

} // namespace

extern Probe const step_probe;
Probe const step_probe{"step", "a step of training: layers forward and backward, and Adam", parameters, cases};

} // namespace maru
