// SPDX-License-Identifier: Apache-2.0
// The table of metrics as people and as generators read it.
#include "exporters/metrics/expose.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace maru {
namespace {

constexpr std::string_view intro = R"(# Metrics

Written from the table in the code (`maru metrics --format markdown`); do not edit. How to get them into Prometheus and Grafana:
[monitoring.md](monitoring.md).

Names begin with `maru_`, units are base units. Figures of records that must not be used as they stand (throttled, contended,
rehearsals) are in no metric but those that count them. Beside the labels below, what answers a question carries it: `probe`,
`operation`, `backend`, `group`, and what was asked (`dtype`, `size_bytes`, `m`, `n`, `k` …).

Three tiers, by what the number of series grows with:

- **run**: with the questions of the plan, not with the number of hosts. Only here is `run_id`.
- **node**: with hosts; the last result of each.
- **device**: with devices (or ranks, where hosts compute); the last result of each. `UUID` is written as DCGM's exporter
  writes it.
)";

std::string or_dash(std::string_view text) { return text.empty() ? "–" : std::string(text); }

} // namespace

std::string metrics_markdown() {
  std::string out(intro);
  for (auto const tier : {Tier::run, Tier::node, Tier::device}) {
    out += fmt::format("\n## Tier {}\n\n| metric | type | labels | expected | what it is |\n|---|---|---|---|---|\n",
                       name(tier));
    for (auto const* row : metric_table()) {
      if (row->tier != tier) continue;
      out += fmt::format("| `{}` | {} | {} | {} | {} |\n", sample_name(*row), name(row->type), row->labels,
                         *row->expected ? fmt::format("`{}`", row->expected) : or_dash(row->expected), row->help);
    }
  }
  return out;
}

std::string metrics_json() {
  auto all = nlohmann::ordered_json::array();
  for (auto const* row : metric_table())
    all.push_back({{"name", sample_name(*row)},
                   {"type", name(row->type)},
                   {"unit", row->unit},
                   {"tier", name(row->tier)},
                   {"labels", row->labels},
                   {"expected", row->expected},
                   {"help", row->help}});
  return all.dump(2) + "\n";
}

} // namespace maru
