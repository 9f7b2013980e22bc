// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/page.hpp"

#include "exporters/html/questions.hpp"
#include "exporters/rank_hosts.hpp"
#include "exporters/text.hpp"
#include "exporters/verdict_format.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <numeric>

namespace maru {
namespace {

constexpr std::size_t longest_text = 400;

std::string short_text(std::string_view text) { return clip(one_line(text), longest_text); }

/// The first `most`, and a line for the page when that is not all.
template <class T> std::vector<T> first_of(std::vector<T> const& all, std::size_t most, char const* what, Page& page) {
  if (all.size() > most) page.left_out.push_back(fmt::format("{} {} {}", what, most, all.size()));
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()))};
}

void add_machine(Page& page, Report const& report) {
  page.host_count = report.hosts.size();
  page.rank_count = report.ranks.size();
  std::map<std::string, std::size_t> devices, processors;
  for (auto const& rank : report.ranks)
    if (!rank.device.empty()) ++devices[rank.device];
  for (auto const& host : report.hosts) ++processors[host.cpu];
  constexpr std::size_t most_models = 4;
  for (auto const& [name, number] : devices.empty() ? processors : devices)
    if (page.models.size() < most_models)
      page.models.push_back(number == 1 ? name : fmt::format("{} × {}", number, name));
}

void add_verdict(Page& page, Verdict const& verdict, PageLimits const& limits) {
  page.state = verdict.state;
  page.headline = headline(verdict);
  page.spec = verdict.spec;
  page.baseline = verdict.baseline;
  page.thresholds = verdict.thresholds;
  for (auto const& host : verdict.hosts) ++page.states[static_cast<std::size_t>(host.state)];
  page.notes = first_of(verdict.notes, limits.lines, "notes", page);
  page.bad_links = first_of(verdict.links, limits.lines, "links", page);
}

/// Larger is kept first.
int urgency(HostVerdict const& host) {
  switch (host.state) {
  case State::fail: return 4;
  case State::unknown: return 3;
  case State::warn: return 2;
  case State::pass: return host.flaky ? 1 : 0;
  }
  return 0;
}

PageHost page_host(HostVerdict const& verdict, PageLimits const& limits) {
  PageHost host{verdict.host, verdict.state, verdict.flaky, short_text(verdict.reason), {}};
  for (auto const& evidence : verdict.evidence) {
    if (host.evidence.size() == limits.evidence) break;
    host.evidence.push_back({evidence.judgement, short_text(evidence.text), evidence.state, evidence.rank});
  }
  return host;
}

void add_remains(Page& page, Report const& report, PageLimits const& limits) {
  std::vector<std::string> cut, lost;
  for (auto const& one : report.cut)
    cut.push_back(short_text(fmt::format("{} {} {}: {}", one.probe, one.operation, one.labels.line(), one.reason)));
  for (auto const& one : report.lost)
    lost.push_back(short_text(fmt::format("rank {} on {}: {}", one.rank, one.host, one.reason)));
  page.cut = first_of(cut, limits.lines, "cut", page);
  page.lost = first_of(lost, limits.lines, "lost", page);
  page.findings = first_of(report.findings, limits.lines, "findings", page);
}

std::size_t hosts_within(std::vector<PageQuestion> const& questions, PageLimits const& limits) {
  std::size_t figures = 0;
  for (auto const& question : questions) figures += question.figures.size();
  auto const room = limits.host_values / std::max<std::size_t>(figures, 1);
  return std::min(limits.hosts, std::max(limits.least_hosts, room));
}

} // namespace

std::vector<PageHost> page_hosts(PageSource const& source, std::size_t most, PageLimits const& limits) {
  auto const& all = source.verdict.hosts;
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (all.size() > most) {
    // Of those that nothing speaks against, evenly through the fleet: 0, 1/2, 1/4, 3/4 … of it.
    auto const turned = [](std::size_t i) {
      std::uint32_t bits = static_cast<std::uint32_t>(i), result = 0;
      for (int bit = 0; bit < 32; ++bit, bits >>= 1U) result = result << 1U | (bits & 1U);
      return result;
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      auto const first = urgency(all[a]), second = urgency(all[b]);
      return first != second ? first > second : turned(a) < turned(b);
    });
    order.resize(most);
    std::sort(order.begin(), order.end());
  }
  std::vector<PageHost> hosts;
  for (auto const i : order) hosts.push_back(page_host(all[i], limits));
  return hosts;
}

void add_late(Page& page, Report const& report, PageLimits const& limits) {
  struct Named {
    std::vector<double> lateness;
    double error = 0, share = 0;
  };
  std::map<std::int64_t, Named> ranks;
  for (auto const& record : report.records) {
    if (!record.arrival || record.rehearsal || record.second_look) continue;
    auto const& arrival = *record.arrival;
    ++page.arrivals;
    if (!arrival.last_rank) continue;
    auto& named = ranks[*arrival.last_rank];
    named.lateness.push_back(arrival.lateness);
    named.error = std::max(named.error, arrival.lateness_error);
    named.share += arrival.last_share;
  }
  RankHosts const hosts(report);
  for (auto& [rank, named] : ranks) {
    std::sort(named.lateness.begin(), named.lateness.end());
    auto const records = named.lateness.size();
    page.late.push_back({rank, std::string(hosts.of(rank)), quantile(named.lateness, 0.5), named.error,
                         named.share / static_cast<double>(records), records});
  }
  std::stable_sort(page.late.begin(), page.late.end(), [](PageLate const& a, PageLate const& b) {
    return a.records != b.records ? a.records > b.records : a.lateness > b.lateness;
  });
  page.late_count = page.late.size();
  if (page.late.size() > limits.late) page.late.resize(limits.late);
}

Page make_page(PageSource const& source, PageLimits const& limits) {
  auto const& report = source.report;
  Page page;
  page.run = report.run;
  page.clock = report.clock;
  add_machine(page, report);
  add_verdict(page, source.verdict, limits);
  add_remains(page, report, limits);
  page.questions = page_questions(source, limits);
  if (auto const all = asked(report).groups.size(); all > page.questions.size())
    page.left_out.push_back(fmt::format("questions {} {}", page.questions.size(), all));
  page.hosts = page_hosts(source, hosts_within(page.questions, limits), limits);
  if (page.hosts.size() < source.verdict.hosts.size())
    page.left_out.push_back(fmt::format("hosts {} {}", page.hosts.size(), source.verdict.hosts.size()));
  add_host_values(page.questions, report, page.hosts);
  add_late(page, report, limits);
  page.links = page_links(report, limits);
  return page;
}

} // namespace maru
