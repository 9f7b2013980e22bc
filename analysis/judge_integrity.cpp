// SPDX-License-Identifier: Apache-2.0
// What fails a host whatever its speed, and what there is not enough of to judge it at all.
#include "analysis/docket.hpp"
#include "analysis/phrases.hpp"
#include "analysis/scores.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace maru {
namespace {

constexpr double usual_part = 0.5; // of the peers must have answered for an answer to be missing

std::string title(Record const& record) { return fmt::format("{} {}", record.operation, record.labels.line()); }

void accuse(Docket& docket, std::int64_t rank, State state, char const* what, std::string text) {
  auto* host = docket.of(docket.host_of(rank));
  if (!host) return;
  Evidence evidence;
  evidence.judgement = "integrity";
  evidence.state = state;
  evidence.what = what;
  evidence.rank = rank;
  evidence.device_uuid = docket.device_of(rank);
  evidence.text = std::move(text);
  docket.add(*host, std::move(evidence));
}

// The rank that found the wrong element; where the report does not say, all of the group.
void judge_wrong(Docket& docket) {
  for (auto const& record : docket.report.records) {
    if (record.status != Status::wrong) continue;
    auto const culprit = record.verification.wrong_rank;
    auto const text = fmt::format("wrong result: {}: {}", title(record), record.reason);
    for (auto const rank : culprit ? std::vector{*culprit} : record.group.ranks)
      accuse(docket, rank, State::fail, "wrong result", text);
  }
}

void judge_memory_errors(Docket& docket) {
  for (auto const& record : docket.report.records) {
    if (!record.conditions || record.rehearsal) continue;
    auto const& invalid = record.conditions->invalid;
    if (std::find(invalid.begin(), invalid.end(), "ecc") == invalid.end()) continue;
    auto const& detail = record.conditions->detail;
    for (auto const rank : record.group.ranks) {
      auto const device = docket.device_of(rank);
      bool const named = record.group.ranks.size() == 1 || (!device.empty() && detail.find(device) != detail.npos);
      if (named)
        accuse(docket, rank, State::fail, "ecc",
               fmt::format("memory errors grew during {}: {}", title(record), detail));
    }
  }
}

void judge_lost(Docket& docket) {
  for (auto const& lost : docket.report.lost)
    accuse(docket, lost.rank, State::unknown, "lost", fmt::format("lost before the run ended: {}", lost.reason));
}

// Who is invalid, by the word for it: they are named, and not judged.
void note_doubts(Docket& docket) {
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> doubted;
  for (auto const& record : docket.report.records)
    for (auto const& word : doubts(record)) {
      auto& [count, hosts] = doubted[word];
      ++count;
      for (auto const rank : record.group.ranks) hosts.emplace(docket.host_of(rank));
    }
  for (auto const& [word, entry] : doubted)
    docket.notes.push_back(fmt::format("{} {}, not judged: {}", counted(entry.first, "record"), word,
                                       list_text({entry.second.begin(), entry.second.end()})));
}

/// Hosts by what makes them peers: the model of the place that answers.
std::string peers_of(Place const& place) { return place.device ? place.model : "processors " + place.model; }

std::map<std::string, std::set<std::string_view>> hosts_by_model(Report const& report) {
  std::map<std::string, std::set<std::string_view>> hosts;
  for (auto const& host : report.hosts) hosts["processors " + host.cpu].insert(host.name);
  for (auto const& rank : report.ranks)
    if (!rank.device.empty()) hosts[rank.device].insert(rank.host);
  return hosts;
}

/// Who has a valid answer, by title and peers.
using Answered = std::map<std::pair<std::string, std::string>, std::set<std::string_view>>;

Answered answers(Docket const& docket) {
  Answered answered;
  std::map<std::tuple<std::size_t, bool, std::string_view>, std::set<std::string_view>*> known; // by metric and model
  for (auto const& value : docket.all.values) {
    if (!is_comparable(docket.report, docket.all, value, false)) continue;
    auto const& place = docket.all.places[value.place];
    auto& hosts = known[{value.metric, place.device, place.model}];
    if (!hosts) hosts = &answered[{category_title(docket.all.metrics[value.metric]), peers_of(place)}];
    hosts->insert(place.host);
  }
  return answered;
}

std::string why_missing(Docket const& docket, std::map<std::string_view, std::string> const& reasons,
                        std::string_view host) {
  auto const found = reasons.find(host);
  if (found != reasons.end()) return found->second;
  return docket.report.run.complete ? "not measured" : "not measured before the run ended";
}

/// The first reason for which a host has no valid answer.
std::map<std::string_view, std::string> reasons_by_host(Docket const& docket) {
  std::map<std::string_view, std::string> reasons;
  for (auto const& record : docket.report.records) {
    auto const words = doubts(record);
    if (record.second_look || (record.status == Status::ok && words.empty())) continue;
    for (auto const rank : record.group.ranks)
      if (auto const host = docket.host_of(rank); !host.empty())
        reasons.try_emplace(host,
                            words.empty() ? fmt::format("{}: {}", name(record.status), record.reason) : words.front());
  }
  return reasons;
}

} // namespace

void judge_integrity(Docket& docket) {
  judge_wrong(docket);
  judge_memory_errors(docket);
  judge_lost(docket);
  note_doubts(docket);
}

void judge_missing(Docket& docket) {
  auto const answered = answers(docket);
  auto const hosts = hosts_by_model(docket.report);
  auto const reasons = reasons_by_host(docket);
  for (auto const& [key, there] : answered) {
    auto const peers = hosts.find(key.second);
    if (peers == hosts.end() || there.size() == peers->second.size() ||
        static_cast<double>(there.size()) < usual_part * static_cast<double>(peers->second.size()))
      continue;
    for (auto const host : peers->second) {
      if (there.contains(host)) continue;
      Evidence evidence;
      evidence.judgement = "integrity";
      evidence.what = key.first;
      evidence.text = fmt::format("{}: no valid figure ({}); {} have one", key.first,
                                  why_missing(docket, reasons, host), counted(there.size(), "peer"));
      docket.add(*docket.of(host), std::move(evidence));
    }
  }
}

} // namespace maru
