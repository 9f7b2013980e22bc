// SPDX-License-Identifier: Apache-2.0
#include "analysis/device_findings.hpp"

#include "analysis/peaks.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>
#include <string_view>

namespace maru {
namespace {

constexpr double most_above = 1.02;        // datasheets round, and clocks are sampled
constexpr double most_disagreement = 0.02; // of two clocks that time the same calls
constexpr double most_cost = 0.01;

std::string title(Record const& record) { return fmt::format("{} {}", record.operation, record.labels.line()); }

/// "rank 3 on node-b (GPU-…)": of the ranks given, hosts and device as the report has them.
std::string who(Report const& report, std::vector<std::int64_t> const& ranks) {
  std::set<std::string_view> hosts;
  std::string_view device;
  for (auto const& info : report.ranks)
    if (std::find(ranks.begin(), ranks.end(), info.rank) != ranks.end()) {
      hosts.insert(info.host);
      device = info.device_uuid;
    }
  auto text = fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", format_ranks(ranks));
  if (hosts.size() == 1) text += fmt::format(" on {}", *hosts.begin());
  if (hosts.size() > 1) text += fmt::format(" on {} hosts", hosts.size());
  return ranks.size() == 1 && !device.empty() ? text + fmt::format(" ({})", device) : text;
}

/// The ranks to blame for an invalid record. Its detail is that of the first word and names one device; the other words
/// of a group may be any member's.
std::vector<std::int64_t> culprits(Report const& report, Record const& record, std::string_view word) {
  auto const& members = record.group.ranks;
  auto const& conditions = *record.conditions;
  if (members.size() == 1 || conditions.invalid.front() != word) return members;
  for (auto const& info : report.ranks)
    if (std::find(members.begin(), members.end(), info.rank) != members.end() && !info.device_uuid.empty() &&
        conditions.detail.find(info.device_uuid) != std::string::npos)
      return {info.rank};
  return members;
}

// Without the device's name at its front, where who() has said it.
std::string_view without_device(std::string_view detail, std::string_view said) {
  auto const colon = detail.find(": ");
  bool const twice = colon != detail.npos && said.find(detail.substr(0, colon)) != said.npos;
  return twice ? detail.substr(colon + 2) : detail;
}

struct Cases {
  std::size_t count = 0;
  Record const* first = nullptr;
};

void add_invalid(std::vector<Finding>& findings, Report const& report) {
  std::map<std::pair<std::string, std::vector<std::int64_t>>, Cases> cases;
  for (auto const& record : report.records) {
    if (record.rehearsal || !record.conditions) continue;
    for (auto const& word : record.conditions->invalid) {
      auto& entry = cases[{word, culprits(report, record, word)}];
      if (entry.count++ == 0) entry.first = &record;
    }
  }
  for (auto const& [key, entry] : cases) {
    auto const& [word, ranks] = key;
    auto const name = who(report, ranks);
    auto const& conditions = *entry.first->conditions;
    // The detail is that of the record's first word.
    auto const detail = conditions.invalid.front() == word ? without_device(conditions.detail, name) : "";
    findings.push_back({word, word == "ecc" ? "failure" : "warning",
                        fmt::format("{}: {} in {}; first: {}{}{}", name, word, counted(entry.count, "record"),
                                    title(*entry.first), detail.empty() ? "" : ": ", detail)});
  }
}

struct Excess {
  double ratio = 0;
  char const* bound = "";
};

/// The largest ratio of a rate to what it cannot exceed. Links are left out: reductions in their switches exceed them.
Excess excess(Record const& record) {
  Excess result;
  auto const consider = [&](std::optional<double> ratio, char const* bound) {
    if (ratio && *ratio > result.ratio) result = {*ratio, bound};
  };
  auto const& ceiling = *record.ceiling;
  consider(ceiling.of_issue, "the rate of tensor instructions alone");
  if (ceiling.clock_share && ceiling.of_datasheet)
    consider(*ceiling.of_datasheet / *ceiling.clock_share, "the datasheet's rate at that clock");
  if (record.labels.text("space") == "device") consider(ceiling.of_datasheet, "the datasheet's bandwidth");
  return result;
}

void add_above_ceiling(std::vector<Finding>& findings, Report const& report) {
  std::size_t count = 0;
  Excess worst;
  Record const* record_of_worst = nullptr;
  for (auto const& record : report.records) {
    if (!record.ceiling || !doubts(record).empty()) continue;
    auto const seen = excess(record);
    if (seen.ratio <= most_above) continue;
    ++count;
    if (seen.ratio > worst.ratio) {
      worst = seen;
      record_of_worst = &record;
    }
  }
  if (!record_of_worst) return;
  findings.push_back({"above_ceiling", "warning",
                      fmt::format("{} faster than the ceiling, so one of both is wrong; worst: {}: {}: {:.1f} % of {}",
                                  counted(count, "record"), who(report, record_of_worst->group.ranks),
                                  title(*record_of_worst), 100 * worst.ratio, worst.bound)});
}

void add_disagreement(std::vector<Finding>& findings, Report const& report) {
  std::size_t count = 0;
  Record const* worst = nullptr;
  for (auto const& record : report.records) {
    if (record.rehearsal || !record.trace || std::abs(record.trace->disagreement) <= most_disagreement) continue;
    ++count;
    if (!worst || std::abs(record.trace->disagreement) > std::abs(worst->trace->disagreement)) worst = &record;
  }
  if (!worst) return;
  findings.push_back(
      {"timing_disagreement", "warning",
       fmt::format("{} in which {} and the timing disagree by more than {:.0f} %; worst: {}: {}: {:+.1f} %",
                   counted(count, "record"), worst->trace->source, 100 * most_disagreement,
                   who(report, worst->group.ranks), title(*worst), 100 * worst->trace->disagreement)});
}

bool costs_too_much(Trace const& trace) {
  return trace.cost > most_cost && !(trace.cost_ci && trace.cost_ci->low <= 0);
}

void add_trace_cost(std::vector<Finding>& findings, Report const& report) {
  std::size_t count = 0, traced = 0;
  Record const* worst = nullptr;
  for (auto const& record : report.records) {
    if (record.rehearsal || !record.trace) continue;
    ++traced;
    if (!costs_too_much(*record.trace)) continue;
    ++count;
    if (!worst || record.trace->cost > worst->trace->cost) worst = &record;
  }
  if (!worst) return;
  auto const& trace = *worst->trace;
  auto const interval =
      trace.cost_ci ? fmt::format(" ({:.1f} to {:.1f} %)", 100 * trace.cost_ci->low, 100 * trace.cost_ci->high) : "";
  findings.push_back(
      {"trace_cost", "note",
       fmt::format("{} costs more than {:.0f} % in {} of {}; worst: {}: {:.1f} %{}", trace.source, 100 * most_cost,
                   count, counted(traced, "record"), title(*worst), 100 * trace.cost, interval)});
}

void add_rehearsal(std::vector<Finding>& findings, Report const& report) {
  std::size_t count = 0;
  for (auto const& record : report.records) count += record.rehearsal ? 1 : 0;
  if (count == 0) return;
  findings.push_back({"rehearsal", "note",
                      fmt::format("{} of {} rehearsed by ranks that share a device: they prove the code and measure "
                                  "nothing",
                                  count, counted(report.records.size(), "record"))});
}

void add_unknown_models(std::vector<Finding>& findings, Report const& report) {
  std::set<std::string> unknown;
  for (auto const& rank : report.ranks)
    if (!rank.device.empty() && !find_peak(rank.device)) unknown.insert(rank.device);
  for (auto const& model : unknown)
    findings.push_back(
        {"no_peak", "note",
         fmt::format("{} is not in the table of datasheets, so there is no percentage of its peak", model)});
}

} // namespace

void add_device_findings(std::vector<Finding>& findings, Report const& report) {
  add_invalid(findings, report);
  add_above_ceiling(findings, report);
  add_disagreement(findings, report);
  add_trace_cost(findings, report);
  add_rehearsal(findings, report);
  add_unknown_models(findings, report);
}

} // namespace maru
