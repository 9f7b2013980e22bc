// SPDX-License-Identifier: Apache-2.0
#include "cli/series_estimate.hpp"

#include "analysis/expectations.hpp"
#include "analysis/findings.hpp"
#include "analysis/judge.hpp"
#include "exporters/metrics/expose.hpp"

namespace maru {
namespace {

Verdict worst_verdict(Report const& report) {
  Verdict verdict;
  verdict.state = State::fail;
  for (auto const& host : report.hosts) {
    auto& judged = verdict.hosts.emplace_back();
    judged.host = host.name;
    judged.state = State::fail;
    auto& evidence = judged.evidence.emplace_back();
    evidence.judgement = "relative";
    evidence.state = State::fail;
    evidence.value = 1;
    evidence.expected = 2;
  }
  return verdict;
}

} // namespace

std::map<std::string, std::size_t> estimate_series(Report planned) {
  conclude(planned);
  ExposeOptions options;
  options.sinks.resize(4);
  for (std::size_t i = 0; i < options.sinks.size(); ++i) options.sinks[i].sink = std::to_string(i);
  options.opinion.expectations = expectations(planned, specs_for(planned));
  options.opinion.verdict = worst_verdict(planned);
  std::map<std::string, std::size_t> counts;
  for (auto const& family : expose(planned, options)) counts[sample_name(*family.row)] = family.samples.size();
  return counts;
}

} // namespace maru
