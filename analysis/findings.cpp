// SPDX-License-Identifier: Apache-2.0
#include "analysis/findings.hpp"

#include "analysis/ceilings.hpp"
#include "analysis/device_findings.hpp"
#include "analysis/late_ranks.hpp"
#include "analysis/link_map.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <numeric>

namespace maru {
namespace {

void add_status(std::vector<Finding>& findings, Report const& report, Status status, char const* kind,
                char const* severity) {
  std::size_t count = 0;
  Record const* first = nullptr;
  for (auto const& record : report.records) {
    if (record.status != status) continue;
    ++count;
    if (!first) first = &record;
  }
  if (!first) return;
  findings.push_back({kind, severity,
                      fmt::format("{} {}; first: {} {}: {}", counted(count, "record"), name(status), first->operation,
                                  first->labels.line(), first->reason)});
}

void add_late_ranks(std::vector<Finding>& findings, Report const& report) {
  for (auto const& late : late_ranks(report))
    findings.push_back({"late_rank", "warning", fmt::format("rank {} on {} {}", late.rank, late.host, describe(late))});
}

/// What a search for the best shape found: of each type and backend the best shape, and what the ranks do at it. Rates
/// that must not be used make no peak.
void add_gemm_peaks(std::vector<Finding>& findings, Report const& report) {
  using Rates = std::map<std::string, std::vector<double>>; // by the question, of its ranks
  std::map<std::string, Rates> peaks;
  for (auto const& record : report.records) {
    if (record.probe != "gemm_peak" || !record.time || record.time->median <= 0 || !doubts(record).empty()) continue;
    auto const name = fmt::format("{} on {}", record.labels.text("dtype"), record.backend);
    peaks[name][record.labels.line()].push_back(record.cost.flops / record.time->median);
  }
  for (auto const& [name, rates] : peaks) {
    auto const mean = [](std::vector<double> const& ranks) {
      return std::accumulate(ranks.begin(), ranks.end(), 0.0) / static_cast<double>(ranks.size());
    };
    auto const best = std::max_element(rates.begin(), rates.end(),
                                       [&](auto const& a, auto const& b) { return mean(a.second) < mean(b.second); });
    auto const [slowest, fastest] = std::minmax_element(best->second.begin(), best->second.end());
    auto const over = best->second.size() < 2
                          ? std::string()
                          : fmt::format(", ranks {:.2f} to {:.2f}", 1e-12 * *slowest, 1e-12 * *fastest);
    findings.push_back({"gemm_peak", "note",
                        fmt::format("{}: {:.2f} TFLOP/s{} at {}, the best of {} shapes", name,
                                    1e-12 * mean(best->second), over, best->first, rates.size())});
  }
}

} // namespace

std::vector<Finding> find(Report const& report) {
  std::vector<Finding> findings;
  add_status(findings, report, Status::wrong, "wrong_result", "failure");
  add_status(findings, report, Status::failed, "failed", "failure");
  add_late_ranks(findings, report);
  add_device_findings(findings, report);
  add_gemm_peaks(findings, report);
  return findings;
}

void conclude(Report& report) {
  add_ceilings(report);
  report.links = link_maps(report);
  for (auto& finding : find(report)) report.findings.push_back(std::move(finding));
}

} // namespace maru
