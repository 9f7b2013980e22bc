// SPDX-License-Identifier: Apache-2.0
#include "exporters/verdict_format.hpp"

#include "exporters/text.hpp"
#include "exporters/verdict_text.hpp"

#include <fmt/format.h>
#include <tuple>
#include <vector>

namespace maru {
namespace {

constexpr std::size_t longest_name = 40;

template <class List, class Name> std::string names(List const& list, State state, Name name_of) {
  std::vector<std::string> all;
  for (auto const& item : list)
    if (item.state == state) all.push_back(name_of(item));
  return listed(all);
}

std::string host_names(Verdict const& verdict, State state) {
  return names(verdict.hosts, state, [](HostVerdict const& host) { return clip(one_line(host.host), longest_name); });
}

std::string link_names(Verdict const& verdict, State state) {
  return names(verdict.links, state, [](LinkVerdict const& link) {
    return fmt::format("{} → {}", clip(one_line(link.from), longest_name), clip(one_line(link.to), longest_name));
  });
}

std::string of_nodes(std::size_t count, std::size_t all) {
  if (all == 1) return "1 node";
  return count == all ? fmt::format("all {} nodes", all) : fmt::format("{} of {} nodes", count, all);
}

std::string verb(std::string_view stem, std::string_view third, std::size_t count) {
  return std::string(count == 1 ? third : stem);
}

std::string good_nodes(Verdict const& verdict) {
  auto const all = verdict.hosts.size();
  auto const warned = count_of(verdict.hosts, State::warn);
  auto text = fmt::format("{} {}", counted(all, "node"), verb("pass", "passes", all));
  if (warned) text += fmt::format(", {} with a warning: {}", warned, host_names(verdict, State::warn));
  return text;
}

std::string nodes(Verdict const& verdict) {
  auto const all = verdict.hosts.size();
  auto const failed = count_of(verdict.hosts, State::fail), unsure = count_of(verdict.hosts, State::unknown);
  if (all == 0) return "no node was judged";
  if (failed) {
    auto text = fmt::format("{} {}: {}", of_nodes(failed, all), verb("fail", "fails", failed),
                            host_names(verdict, State::fail));
    return unsure ? fmt::format("{}; {} unknown: {}", text, unsure, host_names(verdict, State::unknown)) : text;
  }
  auto const no_failure = count_of(verdict.links, State::fail) ? "no node fails; " : "";
  if (unsure)
    return fmt::format("{}{} unknown: {}", no_failure, of_nodes(unsure, all), host_names(verdict, State::unknown));
  return *no_failure ? "no node fails" : good_nodes(verdict);
}

std::string links(Verdict const& verdict) {
  std::string text;
  for (auto const& [state, stem, third] : {std::tuple{State::fail, "fail", "fails"},
                                           {State::unknown, "unknown", "unknown"},
                                           {State::warn, "warn", "warns"}}) {
    if (state == State::warn && (verdict.state == State::fail || !text.empty())) continue; // there is worse to say
    if (auto const count = count_of(verdict.links, state))
      text += fmt::format("; {} {}: {}", counted(count, "link"), verb(stem, third, count), link_names(verdict, state));
  }
  return text;
}

} // namespace

VerdictFormat const* find_verdict_format(std::string_view name) {
  for (auto const* format : verdict_formats())
    if (name == format->name) return format;
  return nullptr;
}

std::string headline(Verdict const& verdict) {
  auto text = nodes(verdict) + links(verdict);
  auto worst = State::pass;
  for (auto const& host : verdict.hosts) worst = worse(worst, host.state);
  for (auto const& link : verdict.links) worst = worse(worst, link.state);
  // Never a first line that is better than the whole.
  if (worse(worst, verdict.state) != worst) text += fmt::format("; the verdict is {}", name(verdict.state));
  return text;
}

} // namespace maru
