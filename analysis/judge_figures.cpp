// SPDX-License-Identifier: Apache-2.0
// Figures of single places: against floors, peers and their own past.
#include "analysis/docket.hpp"
#include "analysis/scores.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>

namespace maru {
namespace {

constexpr double warn_part = 0.6; // of the effect that fails

bool computes(Metric const& metric) { return metric.probe == "gemm" || metric.probe == "memory"; }

Evidence evidence_of(Docket const& docket, Place const& place, char const* judgement, State state, std::string what) {
  Evidence evidence;
  evidence.judgement = judgement;
  evidence.state = state;
  evidence.what = std::move(what);
  evidence.rank = place.rank;
  evidence.device_uuid = place.rank < 0 ? std::string() : std::string(docket.device_of(place.rank));
  return evidence;
}

// ---- absolute

/// The best figure of each place for each floor of its spec.
struct Best {
  double value = std::numeric_limits<double>::quiet_NaN();
  double most = 0; ///< the better end of its interval
  std::size_t metric = 0;
};

Spec const* spec_of(Place const& place, std::vector<Spec> const& specs) {
  for (auto const& spec : specs)
    if (is_for(spec, place)) return &spec;
  return nullptr;
}

void keep_better(Best& best, Measurement const& value, Metric const& metric) {
  bool const up = metric.higher_is_better();
  if (!std::isnan(best.value) && (up ? value.value <= best.value : value.value >= best.value)) return;
  best.value = value.value;
  best.most = !value.ci ? value.value : up ? value.ci->high : value.ci->low;
  best.metric = value.metric;
}

void judge_floor(Docket& docket, Place const& place, Floor const& floor, Best const& best) {
  auto* host = docket.of(place.host);
  if (!host || std::isnan(best.value)) return;
  auto const& metric = docket.all.metrics[best.metric];
  bool const up = metric.higher_is_better();
  auto const misses = [&](double value) { return up ? value < floor.least : value > floor.least; };
  auto const state = !misses(best.value) ? State::pass : misses(best.most) ? State::fail : State::warn;
  host->absolute = worse_judged(host->absolute, state);
  if (state == State::pass && !docket.second_look) return;
  auto evidence = evidence_of(docket, place, "absolute", state, floor.what);
  evidence.value = best.value;
  evidence.expected = floor.least;
  evidence.text = fmt::format("{}: {} at best, the floor is {} ({})", floor.what, figure_text(best.value, metric.unit),
                              figure_text(floor.least, metric.unit), floor.source);
  docket.add(*host, std::move(evidence), !place.device && computes(metric));
}

void judge_floors(Docket& docket) {
  for (auto const& spec : docket.options.specs) {
    std::map<std::pair<std::size_t, std::size_t>, std::vector<std::size_t>> known; // by metric and number of ranks
    auto const floors_for = [&](std::size_t metric, std::size_t ranks) -> std::vector<std::size_t> const& {
      auto const [found, fresh] = known.try_emplace({metric, ranks});
      for (std::size_t floor = 0; fresh && floor < spec.floors.size(); ++floor)
        if (is_for(spec.floors[floor], docket.all.metrics[metric], ranks)) found->second.push_back(floor);
      return found->second;
    };
    std::vector<std::vector<Best>> best(docket.all.places.size());
    for (auto const& value : docket.all.values) {
      auto const& floors = floors_for(value.metric, docket.report.records[value.record].group.ranks.size());
      if (floors.empty() || !is_comparable(docket.report, docket.all, value, docket.second_look) ||
          spec_of(docket.all.places[value.place], docket.options.specs) != &spec)
        continue;
      best[value.place].resize(spec.floors.size());
      for (auto const floor : floors) keep_better(best[value.place][floor], value, docket.all.metrics[value.metric]);
    }
    for (std::size_t place = 0; place < best.size(); ++place)
      for (std::size_t floor = 0; floor < best[place].size(); ++floor)
        judge_floor(docket, docket.all.places[place], spec.floors[floor], best[place][floor]);
  }
}

// ---- relative and historical

// A past of one or two runs has no width: only what is plain beyond any usual noise counts there.
constexpr std::size_t firm_past = 3;
constexpr double thin_past = 3; // times the effect

State state_of(Score const& score, Thresholds const& thresholds, double effect) {
  double const miss = 1 - std::exp(score.deviation);
  if (-score.deviation < thresholds.sigmas * score.sigma || miss < warn_part * thresholds.effect) return State::pass;
  // Far off, and so unsteady that its own interval reaches what is usual: it may be either.
  if (-score.deviation <= score.uncertainty) return miss < effect ? State::pass : State::warn;
  return miss < effect ? State::warn : State::fail;
}

std::string text_of(Score const& score, Category const& category, char const* whom) {
  double const change =
      100 * (category.higher_is_better ? 1 - std::exp(score.deviation) : std::exp(-score.deviation) - 1);
  auto text =
      fmt::format("{}: {}, {} % {} the median {} of {}", category.title, figure_text(score.value, category.unit),
                  fixed(std::abs(change), 1), (change < 0) == category.higher_is_better ? "above" : "below",
                  figure_text(score.expected, category.unit), counted(score.peers, whom));
  if (score.sigma > 0) text += fmt::format(" ({} sigma)", fixed(std::abs(score.deviation) / score.sigma, 1));
  return text;
}

void judge_scores(Docket& docket, Scorecard const& card, char const* judgement, State HostDocket::*slot,
                  std::size_t least, char const* whom) {
  auto const& thresholds = docket.options.thresholds;
  for (auto const& score : card.scores) {
    auto const& place = docket.all.places[score.place];
    auto* host = docket.of(place.host);
    if (!host || score.peers < least) continue;
    bool const thin = slot == &HostDocket::historical && score.peers < firm_past;
    auto const state =
        state_of(score, thresholds, thin ? std::min(0.99, thin_past * thresholds.effect) : thresholds.effect);
    auto const& category = card.categories[score.category];
    host->*slot = worse_judged(host->*slot, state);
    if (state == State::pass && !docket.second_look) continue;
    auto evidence = evidence_of(docket, place, judgement, state, category.key);
    evidence.value = score.value;
    evidence.expected = score.expected;
    evidence.text = text_of(score, category, whom);
    docket.add(*host, std::move(evidence), !place.device && category.computes);
  }
}

} // namespace

void judge_figures(Docket& docket) {
  judge_floors(docket);
  docket.peers = docket.first ? against_peers_again(docket.report, docket.all, docket.first->peers, docket.suspects)
                              : against_peers(docket.report, docket.all);
  judge_scores(docket, docket.peers, "relative", &HostDocket::relative, docket.options.thresholds.least_peers, "peer");
  judge_scores(docket, against_past(docket.report, docket.all, docket.options.past, docket.second_look), "historical",
               &HostDocket::historical, 1, "earlier run");
}

} // namespace maru
