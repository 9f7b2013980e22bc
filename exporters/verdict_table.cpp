// SPDX-License-Identifier: Apache-2.0
// What a person reads: the answer first, then why, then what it rests on. Hosts that pass are counted, and long lists
// are cut: the length does not grow with the cluster, and the other formats hold everything.
#include "exporters/grid.hpp"
#include "exporters/text.hpp"
#include "exporters/verdict_format.hpp"
#include "exporters/verdict_text.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace maru {
namespace {

constexpr std::size_t most_hosts = 20; // with their evidence
constexpr std::size_t most_rows = 40;
constexpr std::size_t most_lines = 6; // of evidence for one host
constexpr std::size_t longest = 400;  // of a text

std::string lines(std::string_view text, std::string_view first) {
  return wrap(clip(one_line(text), longest), first, terminal_columns);
}

std::string labelled(std::string_view word, std::string_view text) { return lines(text, fmt::format("  {:<9}", word)); }

std::string more(std::size_t count, std::size_t shown, std::string_view what) {
  return count > shown ? labelled("", fmt::format("and {} more {}: --format json has all", count - shown, what)) : "";
}

std::string evidence(HostVerdict const& host) {
  std::string text;
  std::size_t count = 0;
  for (auto const& item : host.evidence) {
    // The reason has said it already; of a flaky host both figures are wanted side by side.
    if (!host.flaky && !item.text.empty() && host.reason.find(item.text) != std::string::npos) continue;
    if (++count <= most_lines) text += lines(evidence_line(item), "             ");
  }
  return count > most_lines ? text + fmt::format("             and {} more\n", count - most_lines) : text;
}

std::string failing(Verdict const& verdict) {
  std::string text;
  std::size_t count = 0;
  for (auto const& host : verdict.hosts)
    if (host.state == State::fail && ++count <= most_hosts)
      text += labelled("FAIL", host.host + ": " + host.reason) + evidence(host);
  return text + more(count, most_hosts, "failing nodes");
}

std::string bad_links(Verdict const& verdict) {
  std::string text;
  std::size_t count = 0;
  for (auto const& link : verdict.links)
    if (++count <= most_hosts)
      text += labelled(link.state == State::fail ? "LINK" : "link",
                       fmt::format("{} → {}: {}{}", link.from, link.to,
                                   link.state == State::fail ? "" : fmt::format("{}: ", name(link.state)), link.text));
  return text + more(count, most_hosts, "links");
}

// Hosts of one reason together: it is often the run's, and then it is that of all.
std::string grouped(Verdict const& verdict, State state, std::string_view word) {
  std::vector<std::pair<std::string_view, std::vector<std::string>>> groups;
  std::map<std::string_view, std::size_t> places;
  for (auto const& host : verdict.hosts) {
    if (host.state != state || host.flaky) continue;
    auto const [place, fresh] = places.try_emplace(host.reason, groups.size());
    if (fresh) groups.push_back({host.reason, {}});
    groups[place->second].second.push_back(clip(one_line(host.host), 40));
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(groups.size(), most_hosts); ++i) {
    auto const& [reason, hosts] = groups[i];
    text += labelled(word, fmt::format("{}: {}", listed(hosts), reason));
  }
  return text + more(groups.size(), most_hosts, "reasons");
}

std::string flaky(Verdict const& verdict) {
  std::string text;
  std::size_t count = 0;
  for (auto const& host : verdict.hosts)
    if (host.flaky && host.state != State::fail && ++count <= most_hosts)
      text += labelled("flaky", fmt::format("{}: a suspect that a second look cleared{}{}", host.host,
                                            host.reason.empty() ? "" : ": ", host.reason)) +
              evidence(host);
  return text + more(count, most_hosts, "flaky nodes");
}

std::string states(Verdict const& verdict) {
  Grid grid("  ", {{"node", false}, {"state", false}, {"absolute", false}, {"relative", false}, {"historical", false}});
  std::size_t bad = 0;
  for (auto const state : {State::fail, State::unknown, State::warn})
    for (auto const& host : verdict.hosts)
      if (host.state == state && ++bad <= most_rows)
        grid.row({clip(one_line(host.host), 32), std::string(name(host.state)), std::string(name(host.absolute)),
                  std::string(name(host.relative)), std::string(name(host.historical))});
  if (bad == 0) return {};
  auto text = "\n" + grid.text() + more(bad, most_rows, "nodes");
  if (auto const passing = verdict.hosts.size() - bad)
    text += fmt::format("  {} {}\n", counted(passing, "node"), passing == 1 ? "passes" : "pass");
  return text;
}

std::string foot(Verdict const& verdict) {
  std::string text;
  for (std::size_t i = 0; i < std::min(verdict.notes.size(), most_hosts); ++i)
    text += labelled("note", verdict.notes[i]);
  text += more(verdict.notes.size(), most_hosts, "notes");
  if (count_of(verdict.hosts, State::unknown))
    text += labelled("note", "unknown is no pass: such a node is neither drained nor in the hostfile");
  if (!verdict.plan.empty() || !verdict.run.empty())
    text += labelled("judged", fmt::format("plan {} · run {}", verdict.plan, verdict.run));
  text += labelled("floors", verdict.spec.empty() ? "none" : verdict.spec);
  text += labelled("baseline", verdict.baseline.empty() ? "none" : verdict.baseline);
  return verdict.thresholds.empty() ? text : text + labelled("limits", verdict.thresholds);
}

std::string table(Verdict const& verdict) {
  auto text = wrap(headline(verdict), "", terminal_columns);
  auto const reasons = failing(verdict) + bad_links(verdict) + grouped(verdict, State::unknown, "unknown") +
                       grouped(verdict, State::warn, "warning") + flaky(verdict);
  if (!reasons.empty()) text += "\n" + reasons;
  return text + states(verdict) + "\n" + foot(verdict);
}

} // namespace

extern VerdictFormat const table_verdict;
VerdictFormat const table_verdict{"table", "80 columns for a terminal, the answer first", table};

} // namespace maru
