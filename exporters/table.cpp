// SPDX-License-Identifier: Apache-2.0
// What a person reads in a terminal, perhaps in the middle of the night: first whether it is good and if not, who is to
// blame; then the numbers; last what is not there and why.
#include "core/phrases.hpp"
#include "exporters/exporter.hpp"
#include "exporters/grid.hpp"
#include "exporters/table_blocks.hpp"
#include "exporters/table_cells.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace maru {
namespace {

std::size_t count_of(Report const& report, Status status) {
  return static_cast<std::size_t>(std::count_if(report.records.begin(), report.records.end(),
                                                [&](Record const& record) { return record.status == status; }));
}

std::string lines(std::string_view text, std::string_view first) {
  return wrap(one_line(text), first, terminal_columns);
}

// ---- the head

std::string machines(Report const& report) {
  std::map<std::string, std::size_t> models;
  for (auto const& host : report.hosts)
    ++models[fmt::format("{}, {} cores", host.cpu.empty() ? "unknown processor" : host.cpu, host.cores)];
  std::string text;
  for (auto const& [model, count] : models)
    text += fmt::format("{}{}{}", text.empty() ? "" : "; ", report.hosts.size() > 1 ? fmt::format("{} × ", count) : "",
                        model);
  std::map<std::string, std::set<std::string>> devices; // in a rehearsal several ranks have the same
  for (auto const& rank : report.ranks)
    if (!rank.device.empty())
      devices[rank.device].insert(rank.device_uuid.empty() ? fmt::format("{}", rank.rank) : rank.device_uuid);
  for (auto const& [device, ids] : devices) text += fmt::format("; {} × {}", ids.size(), device);
  return text;
}

std::string head(Report const& report) {
  auto const& run = report.run;
  auto text = lines(fmt::format("maru {} · plan {} · {} on {} · {} · {}", run.maru_version, run.plan,
                                counted(report.ranks.size(), "rank"), counted(report.hosts.size(), "host"),
                                run.complete ? "complete" : "INCOMPLETE", span_of_time(run.finished - run.started)),
                    "");
  if (!run.complete) text += lines(run.incomplete_reason, "  incomplete: ");
  std::string origin = run.id;
  for (auto const& part : {utc_time(run.started), run.launcher, run.mpi})
    if (!part.empty()) origin += (origin.empty() ? "" : " · ") + part;
  text += lines(origin, "");
  return report.hosts.empty() ? text : text + lines(machines(report), "");
}

// ---- the verdict

std::string verdict(Report const& report) {
  auto const records = report.records.size();
  auto const checked = static_cast<std::size_t>(std::count_if(report.records.begin(), report.records.end(),
                                                              [](Record const& r) { return r.verification.checked; }));
  std::size_t rehearsed = 0, invalid = 0;
  for (auto const& record : report.records) {
    if (record.status != Status::ok || doubts(record).empty()) continue;
    ++(record.rehearsal ? rehearsed : invalid);
  }
  std::string text = fmt::format("{} of {} good, {} checked", count_of(report, Status::ok) - rehearsed - invalid,
                                 counted(records, "record"), checked);
  if (invalid) text += fmt::format(" · {} invalid", invalid);
  if (rehearsed) text += fmt::format(" · {} rehearsed", rehearsed);
  for (auto const status : {Status::wrong, Status::failed, Status::skipped})
    if (auto const count = count_of(report, status)) text += fmt::format(" · {} {}", count, name(status));
  if (!report.cut.empty()) text += fmt::format(" · {} cut", counted(report.cut.size(), "case"));
  return text;
}

// Each bad record by name, since "2 failed" sends nobody to the right machine.
std::string blame(Report const& report, RankHosts const& hosts, Status status, char const* word) {
  constexpr std::size_t most = 4;
  std::string text;
  std::size_t bad = 0;
  for (auto const& record : report.records) {
    if (record.status != status || ++bad > most) continue;
    text += lines(fmt::format("{}: {} {}: {}", group_name(record.group, hosts), record.operation, record.labels.line(),
                              reason(record, hosts)),
                  fmt::format("  {:<8}", word));
  }
  return bad > most ? text + fmt::format("          and {} more\n", bad - most) : text;
}

std::string findings(Report const& report) {
  std::string text;
  for (std::string_view const severity : {"failure", "warning", "note"})
    for (auto const& finding : report.findings) {
      // These two are told above, record by record.
      if (finding.severity != severity || finding.kind == "wrong_result" || finding.kind == "failed") continue;
      text += lines(finding.text, fmt::format("  {:<8}", finding.kind == "late_rank" ? "LATE" : severity));
    }
  return text;
}

// ---- the foot

struct Missing {
  std::size_t count = 0;
  std::string first;
};

std::string missing_lines(std::vector<std::pair<std::string, Missing>> const& groups, std::string_view word) {
  std::string text;
  for (auto const& [why, missing] : groups)
    text += lines(missing.count == 1 ? fmt::format("{}: {}", missing.first, why)
                                     : fmt::format("{} × {} …: {}", missing.count, missing.first, why),
                  fmt::format("{:<9}", word));
  return text;
}

// Grouped by probe and reason, in order of appearance.
template <class List, class Wanted> std::string missing(List const& list, std::string_view word, Wanted wanted) {
  std::vector<std::pair<std::string, Missing>> groups;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (auto const& item : list) {
    if (!wanted(item)) continue;
    auto const [place, fresh] = places.try_emplace({item.probe, item.reason}, groups.size());
    if (fresh) groups.push_back({item.reason, {0, fmt::format("{} {}", item.operation, item.labels.line())}});
    ++groups[place->second].second.count;
  }
  return missing_lines(groups, word);
}

std::string foot(Report const& report) {
  auto text = missing(report.records, "skipped", [](Record const& record) { return record.status == Status::skipped; });
  text += missing(report.cut, "cut", [](Cut const&) { return true; });
  if (!text.empty()) text += "\n";
  auto const has = [&](auto wanted) { return std::any_of(report.records.begin(), report.records.end(), wanted); };
  if (has([](Record const& r) { return r.time.has_value(); }))
    text += lines(
        "Times are of one call; a group's sample is the maximum over its ranks, and p90 and p99 are percentiles of "
        "those samples. ± is half the 95 % interval of the median. Over several ranks: the median, the "
        "widest ±, the largest p90 and p99. GB/s is 1e9 bytes per second; K, M and G are binary.",
        "");
  if (has([](Record const& r) { return r.time && !r.time->median_ci; }))
    text += lines("No ±: under 6 samples there is no interval of 95 %.", "");
  if (has([](Record const& r) { return r.time && !r.time->p99; }))
    text += lines("≤: under 100 samples p99 is withheld, and the largest sample stands for it.", "");
  if (has([](Record const& r) { return r.time && !doubts(r).empty(); }))
    text += lines("!: not to be used as it stands; the line below it says why. Where other ranks have good figures, "
                  "those stand alone.",
                  "");
  if (has([](Record const& r) { return r.ceiling || (r.conditions && r.conditions->power); }))
    text += lines("peak: part of the vendor's dense rate or bandwidth. issue: part of the rate of tensor instructions "
                  "without memory traffic, at the same clock. GHz, W and J: of one device, means while it was timed, "
                  "and energy per call.",
                  "");
  if (has([](Record const& r) { return r.arrival && r.arrival->last_rank; }))
    text +=
        lines(fmt::format("last in: the rank that enters last beyond the error (clocks: ± {} us). It keeps the others "
                          "waiting, so its own time is the shortest.",
                          fixed(report.clock.error * 1e6, 1)),
              "");
  return text;
}

std::string render(Report const& report, Opinion const&) {
  RankHosts const hosts(report);
  auto text = head(report) + "\n" + lines(verdict(report), "") + blame(report, hosts, Status::wrong, "WRONG") +
              blame(report, hosts, Status::failed, "FAILED") + findings(report);
  for (auto const& probe : probes_of(report))
    if (auto const block = probe_block(report, hosts, probe); !block.empty()) text += "\n" + block;
  auto const end = foot(report);
  return end.empty() ? text : text + "\n" + end;
}

} // namespace

extern Exporter const table_exporter;
Exporter const table_exporter{"table", nullptr, "what a person reads, in 80 columns", render};

} // namespace maru
