// SPDX-License-Identifier: Apache-2.0
#include "exporters/checkup_table.hpp"

#include "core/phrases.hpp"
#include "exporters/grid.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace maru {
namespace {

/// "node1 (GPUs, clock), node2 (fabric) and 3 more": who has an advice of this severity.
std::string concerned(Checkup const& checkup, Severity severity, std::size_t& hosts) {
  std::vector<std::pair<std::string, std::vector<std::string>>> whom; // host → checks; empty is the job
  for (auto const& advice : checkup.advice) {
    if (advice.severity != severity) continue;
    auto const names = advice.hosts.empty() ? std::vector<std::string>{""} : advice.hosts;
    for (auto const& name : names) {
      auto entry = std::find_if(whom.begin(), whom.end(), [&](auto const& known) { return known.first == name; });
      if (entry == whom.end()) entry = whom.insert(whom.end(), {name, {}});
      auto& checks = entry->second;
      if (std::find(checks.begin(), checks.end(), advice.check) == checks.end()) checks.push_back(advice.check);
    }
  }
  std::vector<std::string> names;
  for (auto const& [host, checks] : whom)
    names.push_back(fmt::format("{} ({})", host.empty() ? "the job" : host, fmt::join(checks, ", ")));
  hosts =
      static_cast<std::size_t>(std::count_if(whom.begin(), whom.end(), [](auto const& w) { return !w.first.empty(); }));
  return listed(names);
}

std::string answer(Checkup const& checkup) {
  auto const all = checkup.hosts.size();
  std::size_t hosts = 0;
  auto const ill = concerned(checkup, Severity::failure, hosts);
  if (all == 1 && !ill.empty()) return fmt::format("1 host, and it needs attention: {}", ill);
  if (!ill.empty())
    return hosts == 0
               ? fmt::format("The job needs attention: {}", ill)
               : fmt::format("{} of {} need{} attention: {}", hosts, counted(all, "host"), hosts == 1 ? "s" : "", ill);
  auto const ailing = concerned(checkup, Severity::warning, hosts);
  if (!ailing.empty())
    return fmt::format("{}: nothing prevents a run; worth mending: {}", counted(all, "host"), ailing);
  return fmt::format("{}: nothing to mend", counted(all, "host"));
}

std::string head(Checkup const& checkup) {
  std::int64_t ranks = 0;
  std::set<std::string> versions, libraries;
  std::size_t devices = 0;
  for (auto const& host : checkup.hosts) {
    ranks += host.ranks;
    devices += host.setup.devices.size();
    versions.insert("maru " + host.maru_version);
    if (!host.setup.mpi.empty()) libraries.insert(host.setup.mpi);
  }
  auto text = fmt::format("{}", *versions.begin());
  text += fmt::format(" · {} on {} · started by {}", counted(static_cast<std::size_t>(ranks), "rank"),
                      counted(checkup.hosts.size(), "host"), checkup.launcher == "none" ? "hand" : checkup.launcher);
  for (auto const& library : libraries) text += " · " + library;
  if (devices) text += " · " + counted(devices, "GPU");
  return text;
}

std::string whose(Checkup const& checkup, Advice const& advice) {
  if (advice.hosts.empty()) return {};
  if (advice.hosts.size() == checkup.hosts.size()) return checkup.hosts.size() == 1 ? std::string() : "every host: ";
  return listed(advice.hosts) + ": ";
}

std::string paragraph(Checkup const& checkup, Advice const& advice) {
  auto const first = fmt::format("  {:<9}", name(advice.severity));
  return wrap(one_line(fmt::format("{}{}: {}", whose(checkup, advice), advice.check, advice.what)), first,
              terminal_columns) +
         wrap(one_line(advice.remedy), "           → ", terminal_columns);
}

} // namespace

std::string checkup_table(Checkup const& checkup) {
  auto text = wrap(one_line(answer(checkup)), "", terminal_columns);
  if (!checkup.hosts.empty()) text += wrap(one_line(head(checkup)), "", terminal_columns);
  if (!checkup.advice.empty()) text += "\n";
  for (auto const& advice : checkup.advice) text += paragraph(checkup, advice);
  return text;
}

} // namespace maru
