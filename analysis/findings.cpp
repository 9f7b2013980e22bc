// SPDX-License-Identifier: Apache-2.0
#include "analysis/findings.hpp"

#include "analysis/ceilings.hpp"
#include "analysis/device_findings.hpp"

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
                      fmt::format("{} record{} {}; first: {} {}: {}", count, count == 1 ? "" : "s", name(status),
                                  first->operation, first->labels.line(), first->reason)});
}

/// One rank's record of lateness over the coupled records of one kind of group.
struct Lateness {
  std::string host;
  std::size_t records = 0;
  double last = 0; ///< iterations in which it was last
  double iterations = 0;
  std::vector<double> seconds;
  double error = 0;
};

// A rank must lead the late in at least this part of the records that could name one, so that a single disturbed case
// does not put a node on a list.
constexpr double late_share = 0.5;

void add_late_ranks(std::vector<Finding>& findings, Report const& report) {
  std::map<std::int64_t, std::size_t> judged; // rank → records that could have named it
  std::map<std::int64_t, Lateness> late;
  for (auto const& record : report.records) {
    if (!record.arrival || record.rehearsal) continue;
    auto const iterations = record.arrival->iterations;
    if (last_by_chance(iterations, iterations, record.group.ranks.size()) >= most_chance)
      continue; // too few to name any
    for (auto const rank : record.group.ranks) ++judged[rank];
    auto const& arrival = *record.arrival;
    if (!arrival.last_rank) continue;
    auto& entry = late[*arrival.last_rank];
    entry.host = arrival.last_host;
    ++entry.records;
    entry.last += arrival.last_share * static_cast<double>(arrival.iterations);
    entry.iterations += static_cast<double>(arrival.iterations);
    entry.seconds.push_back(arrival.lateness);
    entry.error = std::max(entry.error, arrival.lateness_error);
  }
  for (auto& [rank, entry] : late) {
    if (static_cast<double>(entry.records) < late_share * static_cast<double>(judged[rank])) continue;
    std::sort(entry.seconds.begin(), entry.seconds.end());
    findings.push_back(
        {"late_rank", "warning",
         fmt::format("rank {} on {} arrives last in {:.0f} % of {:.0f} iterations ({} of {} records), "
                     "{:.1f} us late (± {:.1f} us)",
                     rank, entry.host, 100 * entry.last / entry.iterations, entry.iterations, entry.records,
                     judged[rank], 1e6 * quantile(entry.seconds, 0.5), 1e6 * entry.error)});
  }
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
  for (auto& finding : find(report)) report.findings.push_back(std::move(finding));
}

} // namespace maru
