// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge.hpp"

#include "analysis/docket.hpp"
#include "analysis/scores.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <span>

namespace maru {

Docket::Docket(Report const& judged, JudgeOptions const& with, Docket const* before)
    : report(judged), options(with), first(before), second_look(before != nullptr),
      all(measurements(judged, is_compared)) {
  for (auto const& host : report.hosts) {
    places_.try_emplace(host.name, hosts.size());
    hosts.emplace_back().host = host.name;
  }
  for (auto const& rank : report.ranks) {
    ranks_.try_emplace(rank.rank, &rank);
    if (!rank.device.empty()) models_.try_emplace(rank.host, rank.device);
  }
  for (auto const& host : report.hosts) models_.try_emplace(host.name, host.cpu);
  if (!before) return;
  for (auto const& host : before->hosts)
    if (!host.evidence.empty()) suspects.insert(host.host);
  for (auto const& link : before->links) suspects.insert({link.from, link.to});
}

HostDocket* Docket::of(std::string_view host) {
  auto const found = places_.find(host);
  return found == places_.end() ? nullptr : &hosts[found->second];
}

std::string_view Docket::host_of(std::int64_t rank) const {
  auto const found = ranks_.find(rank);
  return found == ranks_.end() ? std::string_view() : found->second->host;
}

std::string_view Docket::device_of(std::int64_t rank) const {
  auto const found = ranks_.find(rank);
  return found == ranks_.end() ? std::string_view() : found->second->device_uuid;
}

std::int64_t Docket::local_of(std::int64_t rank) const {
  auto const found = ranks_.find(rank);
  return found == ranks_.end() ? -1 : found->second->local_rank;
}

std::string Docket::model_of(std::string_view host) const {
  auto const found = models_.find(host);
  return found == models_.end() ? std::string() : found->second;
}

void Docket::add(HostDocket& host, Evidence evidence, bool processor) const {
  if (evidence.state == State::pass && !second_look) return;
  if (processor && evidence.state == State::fail) host.slow_processor.push_back(host.evidence.size());
  host.evidence.push_back(std::move(evidence));
}

bool HostDocket::processor_is_slow() const {
  return std::any_of(slow_processor.begin(), slow_processor.end(),
                     [&](std::size_t which) { return evidence[which].state == State::fail; });
}

namespace {

// In this order it is told: what came first explains what follows.
constexpr std::array<std::string_view, 6> order{"integrity",  "absolute", "relative",
                                                "historical", "arrival",  "network"};

std::size_t place_of(std::string_view judgement) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), judgement) - order.begin());
}

double ratio(Evidence const& e) { return e.expected > 0 ? e.value / e.expected : 1; }

bool comes_before(Evidence const& a, Evidence const& b) {
  if (a.state != b.state) return a.state > b.state;
  if (a.judgement != b.judgement) return place_of(a.judgement) < place_of(b.judgement);
  return ratio(a) < ratio(b);
}

std::string reason_of(Evidence const& evidence) {
  if (evidence.rank < 0) return evidence.text;
  return evidence.device_uuid.empty()
             ? fmt::format("rank {}: {}", evidence.rank, evidence.text)
             : fmt::format("rank {} ({}): {}", evidence.rank, evidence.device_uuid, evidence.text);
}

void hear(Docket& docket) {
  if (!docket.second_look) judge_integrity(docket);
  judge_figures(docket);
  if (!docket.second_look) judge_missing(docket);
  judge_network(docket);
}

/// Takes back what a second look measured again and does not confirm; what it did not measure stands.
void compare_looks(std::span<Evidence> first, HostDocket const& second, bool arrivals_judged, bool& flaky) {
  for (auto& evidence : first) {
    if (evidence.state != State::fail || evidence.judgement == "integrity") continue;
    auto const again = std::find_if(second.evidence.begin(), second.evidence.end(), [&](Evidence const& e) {
      return e.judgement == evidence.judgement && e.what == evidence.what && e.rank == evidence.rank;
    });
    bool const named = again != second.evidence.end();
    bool const punctual = !named && evidence.judgement == "arrival" && arrivals_judged;
    if (!named && !punctual) continue;
    evidence.text += "; second look: " + (punctual ? std::string("punctual") : again->text);
    if (named && again->state == State::fail) continue;
    evidence.state = State::warn;
    flaky = true;
  }
}

// What was cleared excuses nothing: what it had excused is the host's own, as all else is.
void bring_back_excused(HostDocket& host) {
  if (host.processor_is_slow()) return;
  for (auto& [evidence, note, whom] : host.excused) {
    if (evidence.judgement == "network") host.relative = worse_judged(host.relative, evidence.state);
    host.evidence.push_back(std::move(evidence));
  }
  host.excused.clear();
}

void hear_again(HostDocket& host, HostDocket const& second, bool arrivals_judged, bool& flaky) {
  compare_looks(host.evidence, second, arrivals_judged, flaky);
  auto const heard = host.evidence.size();
  bring_back_excused(host);
  compare_looks(std::span(host.evidence).subspan(heard), second, arrivals_judged, flaky);
}

State state_of(HostDocket const& host) {
  auto state = State::unknown;
  for (auto const judged : {host.absolute, host.relative, host.historical})
    if (judged != State::unknown) state = State::pass;
  for (auto const& evidence : host.evidence) state = worse(state, evidence.state);
  return state;
}

// The three judgements as they stand once a second look has spoken.
State slot(HostDocket const& host, State judged, std::string_view judgement) {
  if (judged == State::unknown) return judged;
  auto state = State::pass;
  for (auto const& evidence : host.evidence)
    if (evidence.judgement == judgement ||
        (judgement == "relative" && (evidence.judgement == "network" || evidence.judgement == "arrival")))
      state = worse(state, evidence.state);
  return state;
}

std::string nothing_to_judge_by(JudgeOptions const& options) {
  return fmt::format("nothing to judge it by: fewer than {} peers, no floor of a spec that was measured, {}",
                     options.thresholds.least_peers, options.baseline.empty() ? "no past" : "no past of its own");
}

HostVerdict conclude_host(HostDocket& host, Docket* second, JudgeOptions const& options) {
  HostVerdict verdict;
  verdict.host = host.host;
  if (second) hear_again(host, *second->of(host.host), second->judged_arrivals.contains(host.host), verdict.flaky);
  // Of absurd reports; the text calls it by its name.
  for (auto& evidence : host.evidence)
    if (!std::isfinite(evidence.value) || !std::isfinite(evidence.expected)) evidence.value = evidence.expected = 0;
  std::stable_sort(host.evidence.begin(), host.evidence.end(), comes_before);
  verdict.state = state_of(host);
  verdict.flaky = verdict.flaky && verdict.state == State::warn;
  verdict.absolute = slot(host, host.absolute, "absolute");
  verdict.relative = slot(host, host.relative, "relative");
  verdict.historical = slot(host, host.historical, "historical");
  verdict.evidence = std::move(host.evidence);
  if (!verdict.evidence.empty())
    verdict.reason = reason_of(verdict.evidence.front());
  else if (verdict.state == State::unknown)
    verdict.reason = nothing_to_judge_by(options);
  return verdict;
}

void note_excused(std::vector<std::string>& notes, std::vector<HostDocket> const& hosts) {
  std::map<std::string_view, std::vector<std::string>> whom;
  for (auto const& host : hosts)
    for (auto const& excused : host.excused) whom[excused.note].push_back(excused.whom);
  for (auto const& [note, names] : whom)
    notes.push_back(fmt::format("{}, which follows from a slow processor: {}", note, listed(names)));
}

std::string names_of(std::vector<Spec> const& specs) {
  std::string names;
  for (auto const& spec : specs) names += (names.empty() ? "" : ", ") + spec.name;
  return names;
}

// A link that the second look measured again and found usual was only disturbed.
void compare_links(Docket& first, Docket const& second) {
  auto const name = [](LinkVerdict const& link) {
    return fmt::format("{}\n{}\n{}\n{}", link.from, link.to, link.figure, link.backend);
  };
  std::map<std::string, LinkVerdict const*> again;
  for (auto const& link : second.links) again[name(link)] = &link;
  for (auto& link : first.links) {
    auto const found = again.find(name(link));
    if (found == again.end()) continue;
    link.text += "; second look: " + found->second->text;
    if (link.state == State::fail && found->second->state == State::pass) link.state = State::warn;
  }
}

} // namespace

std::string describe(Thresholds const& t) {
  return fmt::format("peers and past: {:g} robust sigmas and {:g} %; bandwidth of links {:g} %, latency {:g} times; "
                     "late by {}; {} peers",
                     t.sigmas, 100 * t.effect, 100 * t.link_effect, 1 + 5 * t.link_effect,
                     figure_text(t.late, Unit::second), t.least_peers);
}

Verdict judge(Report const& report, JudgeOptions const& options) {
  Docket first(report, options);
  hear(first);
  std::optional<Docket> second;
  if (std::any_of(report.records.begin(), report.records.end(), [](Record const& r) { return r.second_look; }))
    hear(second.emplace(report, options, &first));
  Verdict verdict;
  verdict.run = report.run.id;
  verdict.plan = report.run.plan;
  verdict.spec = names_of(options.specs);
  verdict.baseline = options.baseline;
  verdict.thresholds = describe(options.thresholds);
  // What was not asked of anybody cannot have passed.
  verdict.state = report.hosts.empty() || !report.run.complete ? State::unknown : State::pass;
  if (first.failed_by_nobody) verdict.state = State::fail;
  for (auto& host : first.hosts) {
    verdict.hosts.push_back(conclude_host(host, second ? &*second : nullptr, options));
    verdict.state = worse(verdict.state, verdict.hosts.back().state);
  }
  if (second) compare_links(first, *second);
  for (auto const& link : first.links) verdict.state = worse(verdict.state, link.state);
  verdict.links = std::move(first.links);
  std::stable_sort(verdict.links.begin(), verdict.links.end(),
                   [](LinkVerdict const& a, LinkVerdict const& b) { return a.state > b.state; });
  verdict.notes = std::move(first.notes);
  note_excused(verdict.notes, first.hosts);
  for (auto const& line : options.not_comparable) verdict.notes.push_back("not held against the baseline: " + line);
  if (!report.run.complete) verdict.notes.push_back("the run is incomplete: " + report.run.incomplete_reason);
  return verdict;
}

std::vector<std::string> suspects(Report const& report, JudgeOptions const& options, bool network_only) {
  Docket docket(report, options);
  if (!network_only) judge_figures(docket);
  judge_network(docket);
  std::set<std::string_view> ends; // of slow links: for one of them it may be
  for (auto const& link : docket.links) ends.insert({link.from, link.to});
  std::vector<std::pair<State, std::string>> accused;
  for (auto const& host : docket.hosts) {
    auto state = State::pass;
    for (auto const& evidence : host.evidence) state = worse(state, evidence.state);
    if (ends.contains(host.host)) state = worse(state, State::warn);
    if (state != State::pass) accused.emplace_back(state, host.host);
  }
  std::stable_sort(accused.begin(), accused.end(), [](auto const& a, auto const& b) { return a.first > b.first; });
  std::vector<std::string> hosts;
  for (auto& [state, host] : accused) hosts.push_back(std::move(host));
  return hosts;
}

std::vector<Spec> specs_for(Report const& report) {
  std::vector<Spec> specs;
  std::set<std::string_view> models{""}; // the processors
  for (auto const& rank : report.ranks) models.insert(rank.device);
  std::set<Spec const*> known;
  for (auto const model : models)
    if (auto const* spec = find_spec(model); spec && known.insert(spec).second) specs.push_back(*spec);
  return specs;
}

} // namespace maru
