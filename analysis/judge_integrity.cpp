// SPDX-License-Identifier: Apache-2.0
// What fails a host whatever its speed, and what there is not enough of to judge it at all.
#include "analysis/docket.hpp"
#include "analysis/scores.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>
#include <unordered_map>

namespace maru {
namespace {

constexpr double usual_part = 0.5; // of the peers must have answered for an answer to be missing

std::string title(Record const& record) { return fmt::format("{} {}", record.operation, record.labels.line()); }

/// False when the report does not know the rank's host.
bool accuse(Docket& docket, std::int64_t rank, State state, std::string what, std::string text) {
  auto* host = docket.of(docket.host_of(rank));
  if (!host) return false;
  Evidence evidence;
  evidence.judgement = "integrity";
  evidence.state = state;
  evidence.what = std::move(what);
  evidence.rank = rank;
  evidence.device_uuid = docket.device_of(rank);
  evidence.text = std::move(text);
  docket.add(*host, std::move(evidence));
  return true;
}

// The rank that found the wrong element; where the report does not say, or does not know it, all of the group.
void judge_wrong(Docket& docket) {
  for (auto const& record : docket.report.records) {
    if (record.status != Status::wrong) continue;
    auto const culprit = record.verification.wrong_rank;
    auto const text = fmt::format("wrong result: {}: {}", title(record), record.reason);
    bool accused = culprit && accuse(docket, *culprit, State::fail, "wrong result", text);
    if (accused) continue;
    for (auto const rank : record.group.ranks)
      accused = accuse(docket, rank, State::fail, "wrong result", text) || accused;
    if (accused) continue;
    docket.failed_by_nobody = true;
    docket.notes.push_back("of a rank that the report does not list: " + text);
  }
}

// What could not be measured is unknown, whatever the peers have. Of several hosts together nobody is to blame.
void judge_failed(Docket& docket) {
  for (auto const& record : docket.report.records) {
    if (record.status != Status::failed || record.second_look) continue;
    std::set<std::string_view> hosts;
    for (auto const rank : record.group.ranks) hosts.insert(docket.host_of(rank));
    auto const text = fmt::format("could not be measured: {}: {}", title(record), record.reason);
    if (hosts.size() == 1)
      accuse(docket, record.group.ranks.front(), State::unknown, "failed", text);
    else
      docket.notes.push_back(text);
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
  for (auto const& lost : docket.report.lost) {
    auto const text = fmt::format("lost before the run ended: {}", lost.reason);
    if (!accuse(docket, lost.rank, State::unknown, "lost", text))
      docket.notes.push_back(
          fmt::format("rank {} on {}, which the report does not list: {}", lost.rank, lost.host, text));
  }
}

// A hostile report may hold numbers that give no rate.
bool is_absurd(Record const& record) {
  if (record.status != Status::ok || !record.time) return false;
  auto const rate = [&](double amount) { return amount / record.time->median; };
  auto const& cost = record.cost;
  return !(record.time->median > 0 && std::isfinite(rate(cost.flops) + rate(cost.bytes) + rate(cost.bus_bytes)));
}
constexpr char const* absurd = "without a positive, finite figure";

// Who is invalid, by the word for it: they are named, and not judged.
void note_doubts(Docket& docket) {
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> doubted;
  auto const add = [&](std::string const& word, Record const& record) {
    auto& [count, hosts] = doubted[word];
    ++count;
    for (auto const rank : record.group.ranks) hosts.emplace(docket.host_of(rank));
  };
  for (auto const& record : docket.report.records) {
    for (auto const& word : doubts(record)) add(word, record);
    if (is_absurd(record)) add(absurd, record);
  }
  for (auto const& [word, entry] : doubted)
    docket.notes.push_back(fmt::format("{} {}, not judged: {}", counted(entry.first, "record"), word,
                                       listed({entry.second.begin(), entry.second.end()})));
}

/// In order, each once: sets of a large fleet's ranks would take ten times the memory.
using Ranks = std::vector<std::int64_t>;

void settle(Ranks& ranks) {
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
}

bool holds(Ranks const& ranks, std::int64_t rank) { return std::binary_search(ranks.begin(), ranks.end(), rank); }

/// Who could have answered in a category: ranks where each answers alone, otherwise the first ranks of hosts.
struct Electorate {
  std::string title;
  Ranks all, valid, doubted;
};

std::string peers_of(Place const& place) { return place.device ? place.model : "processors " + place.model; }

/// The ranks of each model, or of each the first on its host.
using RanksByModel = std::map<std::string, Ranks>;

RanksByModel ranks_by_model(Report const& report, bool first_only) {
  std::unordered_map<std::string_view, std::string_view> processors;
  for (auto const& host : report.hosts) processors[host.name] = host.cpu;
  RanksByModel ranks;
  for (auto const& rank : report.ranks) {
    if (first_only && rank.local_rank != 0) continue;
    ranks["processors " + std::string(processors[rank.host])].push_back(rank.rank);
    if (!rank.device.empty()) ranks[rank.device].push_back(rank.rank);
  }
  for (auto& [model, list] : ranks) settle(list);
  return ranks;
}

std::map<std::string, Electorate> electorates(Docket const& docket) {
  auto const each = ranks_by_model(docket.report, false), first = ranks_by_model(docket.report, true);
  std::vector<std::string> keys;
  for (auto const& metric : docket.all.metrics) keys.push_back(category_key(metric));
  std::map<std::string, Electorate> result;
  for (auto const& value : docket.all.values) {
    auto const& record = docket.report.records[value.record];
    auto const& place = docket.all.places[value.place];
    auto const& metric = docket.all.metrics[value.metric];
    bool const comparable = is_comparable(docket.report, docket.all, value, false);
    bool const by_rank = metric.group_kind == "rank", by_host = metric.group_kind == "node";
    if ((!comparable && !value.doubtful) || record.second_look || (!by_rank && !by_host)) continue;
    auto& electorate = result[keys[value.metric] + " " + peers_of(place)];
    if (electorate.title.empty()) {
      electorate.title = category_title(metric);
      auto const& peers = by_rank ? each : first;
      if (auto const found = peers.find(peers_of(place)); found != peers.end()) electorate.all = found->second;
    }
    auto const speaker = record.group.ranks.front();
    (comparable ? electorate.valid : electorate.doubted).push_back(speaker);
  }
  for (auto& [key, electorate] : result) {
    settle(electorate.valid);
    settle(electorate.doubted);
  }
  return result;
}

/// The first reason for which a rank has no valid answer.
std::unordered_map<std::int64_t, std::string> reasons_by_rank(Docket const& docket) {
  std::unordered_map<std::int64_t, std::string> reasons;
  for (auto const& record : docket.report.records) {
    auto words = doubts(record);
    if (is_absurd(record)) words.emplace_back(absurd);
    if (record.second_look || (record.status == Status::ok && words.empty())) continue;
    for (auto const rank : record.group.ranks)
      reasons.try_emplace(rank,
                          words.empty() ? fmt::format("{}: {}", name(record.status), record.reason) : words.front());
  }
  return reasons;
}

} // namespace

void judge_integrity(Docket& docket) {
  judge_wrong(docket);
  judge_failed(docket);
  judge_memory_errors(docket);
  judge_lost(docket);
  note_doubts(docket);
}

void judge_missing(Docket& docket) {
  auto const reasons = reasons_by_rank(docket);
  for (auto const& [key, electorate] : electorates(docket)) {
    auto const& [title, all, valid, doubted] = electorate;
    bool const usual = static_cast<double>(valid.size()) >= usual_part * static_cast<double>(all.size());
    if (valid.size() == all.size() && doubted.empty()) continue;
    for (auto const rank : all) {
      // Peers who answered show that it could have been asked; its own invalid answer shows that it was.
      if (holds(valid, rank) || !(usual || holds(doubted, rank))) continue;
      auto const reason = reasons.find(rank);
      auto const why = reason != reasons.end()      ? reason->second
                       : docket.report.run.complete ? std::string("not measured")
                                                    : std::string("not measured before the run ended");
      accuse(docket, rank, State::unknown, key, fmt::format("{}: no valid figure ({})", title, why));
    }
  }
}

} // namespace maru
