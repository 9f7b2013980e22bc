// SPDX-License-Identifier: Apache-2.0
#include "analysis/ceilings.hpp"

#include "analysis/peaks.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

namespace maru {
namespace {

enum class Bound { none, compute, memory, host_link, link };

struct Question {
  Bound bound = Bound::none;
  std::optional<Dtype> dtype; ///< of compute
  std::string_view figure;    ///< which of figures()
};

/// The group's devices, or nothing when one of its ranks has none.
struct Devices {
  std::vector<std::string_view> models;
  bool one_host = true;
};

using Ranks = std::unordered_map<std::int64_t, RankInfo const*>;
using IssueKey = std::pair<std::int64_t, Dtype>; ///< rank and type
using Issues = std::map<IssueKey, Record const*>;

bool is_timed(Record const& record) { return record.status == Status::ok && record.time && !record.rehearsal; }

Question question_of(Record const& record) {
  auto const& name = record.operation;
  if (name == "gemm" || name == "tensor_issue")
    return {Bound::compute, parse_dtype(record.labels.text("dtype")), "flops"};
  if (parse_memory_kind(name) && record.labels.text("space") == "device") return {Bound::memory, {}, "bandwidth"};
  if (auto const transfer = parse_transfer_kind(name))
    return {*transfer == TransferKind::peer ? Bound::link : Bound::host_link, {}, "bandwidth"};
  if (parse_collective_kind(name)) return {Bound::link, {}, "bus_bandwidth"};
  return {};
}

std::optional<double> figure_of(Record const& record, std::string_view name) {
  for (auto const& figure : figures(record))
    if (figure.name == name) return figure.value;
  return std::nullopt;
}

std::optional<double> mean_clock(Record const& record) {
  return record.conditions ? record.conditions->sm_clock : std::nullopt;
}

std::optional<double> ratio(std::optional<double> part, std::optional<double> whole) {
  return part && whole && *whole > 0 ? std::optional(*part / *whole) : std::nullopt;
}

std::optional<Devices> devices_of(Group const& group, Ranks const& ranks) {
  Devices result;
  std::string_view host;
  for (auto const rank : group.ranks) {
    auto const found = ranks.find(rank);
    if (found == ranks.end() || found->second->device.empty()) return std::nullopt;
    auto const& info = *found->second;
    result.one_host = result.one_host && (host.empty() || host == info.host);
    host = info.host;
    result.models.push_back(info.device);
  }
  return result.models.empty() ? std::nullopt : std::optional(result);
}

/// The figure of one device that bounds the record; 0 when the datasheet has none.
double figure_of(Peak const& peak, Record const& record, Question const& question) {
  switch (question.bound) {
  case Bound::compute: return question.dtype ? peak_rate(peak, *question.dtype).value_or(0) : 0;
  case Bound::memory: return peak.memory_bandwidth;
  case Bound::host_link: return peak.host_bandwidth * (record.operation == "both_ways" ? 2 : 1);
  case Bound::link: return record.conditions && record.conditions->nvlinks == 0 ? 0 : peak.nvlink_bandwidth;
  case Bound::none: break;
  }
  return 0;
}

void join(std::string& text, std::set<std::string_view> const& names) {
  for (auto const name : names) text += (text.empty() ? "" : ", ") + std::string(name);
}

// Of links the slowest device counts, since each carries the same; of all else the sum.
void add_datasheet(Ceiling& ceiling, Record const& record, Question const& question, Devices const& devices) {
  std::set<std::string_view> names, sources;
  double sum = 0, least = 0;
  bool known = question.bound != Bound::link || devices.one_host;
  for (auto const model : devices.models) {
    auto const* peak = find_peak(model);
    if (!peak) return;
    auto const figure = figure_of(*peak, record, question);
    known = known && figure > 0;
    least = sum > 0 ? std::min(least, figure) : figure;
    sum += figure;
    names.insert(peak->device);
    sources.insert(peak->source);
  }
  join(ceiling.device, names);
  if (!known) return;
  join(ceiling.source, sources);
  ceiling.datasheet = question.bound == Bound::link ? least : sum;
}

/// The clock that the datasheet's rate stands for, where it is one.
std::optional<double> datasheet_clock(Question const& question, Devices const& devices) {
  std::optional<double> clock;
  for (auto const model : devices.models) {
    auto const* peak = find_peak(model);
    auto const own = peak && question.dtype ? peak_clock(*peak, *question.dtype) : std::nullopt;
    if (!own || (clock && clock != own)) return std::nullopt;
    clock = own;
  }
  return clock;
}

Issues find_issues(Report const& report) {
  Issues issues;
  for (auto const& record : report.records) {
    if (record.operation != "tensor_issue" || !is_timed(record) || record.group.ranks.size() != 1) continue;
    auto const dtype = parse_dtype(record.labels.text("dtype"));
    auto const words = doubts(record);
    if (!dtype || std::find(words.begin(), words.end(), "contended") != words.end()) continue;
    auto& best = issues[{record.group.ranks.front(), *dtype}];
    if (!best || figure_of(record, "flops") > figure_of(*best, "flops")) best = &record;
  }
  return issues;
}

void add_issue(Ceiling& ceiling, Record const& record, Question const& question, Issues const& issues) {
  if (record.operation != "gemm" || !question.dtype) return;
  double sum = 0;
  for (auto const rank : record.group.ranks) {
    auto const found = issues.find({rank, *question.dtype});
    if (found == issues.end()) return;
    auto const scale = ratio(mean_clock(record), mean_clock(*found->second));
    sum += figure_of(*found->second, "flops").value_or(0) * scale.value_or(1);
  }
  if (sum > 0) ceiling.issue = sum;
}

void add_shares(Ceiling& ceiling, Record const& record, std::optional<double> boost) {
  ceiling.clock_share = ratio(mean_clock(record), boost);
  if (!ceiling.clock_share || !ceiling.datasheet) return;
  auto const at_clock = *ceiling.datasheet * *ceiling.clock_share;
  auto const issue = record.operation == "tensor_issue" ? figure_of(record, "flops") : ceiling.issue;
  ceiling.issue_share = ratio(issue, at_clock);
  if (record.operation == "gemm" && ceiling.issue_share)
    ceiling.memory_share = ratio(ceiling.of_datasheet, *ceiling.clock_share * *ceiling.issue_share);
}

std::optional<Ceiling> ceiling_of(Record const& record, Ranks const& ranks, Issues const& issues) {
  auto const question = question_of(record);
  if (question.bound == Bound::none || !is_timed(record) || !computes_with_device(record)) return std::nullopt;
  auto const rate = figure_of(record, question.figure);
  auto const devices = devices_of(record.group, ranks);
  if (!rate || !devices) return std::nullopt;
  Ceiling ceiling;
  add_datasheet(ceiling, record, question, *devices);
  add_issue(ceiling, record, question, issues);
  ceiling.of_datasheet = ratio(rate, ceiling.datasheet);
  ceiling.of_issue = ratio(rate, ceiling.issue);
  if (question.bound == Bound::compute) add_shares(ceiling, record, datasheet_clock(question, *devices));
  return ceiling.datasheet || ceiling.issue ? std::optional(ceiling) : std::nullopt;
}

} // namespace

void add_ceilings(Report& report) {
  Ranks ranks;
  for (auto const& rank : report.ranks) ranks.emplace(rank.rank, &rank);
  auto const issues = find_issues(report);
  for (auto& record : report.records) record.ceiling = ceiling_of(record, ranks, issues);
}

} // namespace maru
