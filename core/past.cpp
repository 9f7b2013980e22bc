// SPDX-License-Identifier: Apache-2.0
#include "core/past.hpp"

#include "core/kept.hpp"
#include "core/phrases.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace maru {
namespace {

/// How the ranks share a host.
struct Layout {
  std::size_t ranks = 0;
  std::vector<std::int64_t> threads; ///< of each rank, in order
  bool operator==(Layout const&) const = default;
};

std::string text_of(Layout const& layout) {
  auto const [least, most] = std::minmax_element(layout.threads.begin(), layout.threads.end());
  return *least == *most ? fmt::format("{} × {}", counted(layout.ranks, "rank"),
                                       counted(static_cast<std::size_t>(std::max<std::int64_t>(*most, 0)), "thread"))
                         : fmt::format("{} × {} to {} threads", counted(layout.ranks, "rank"), *least, *most);
}

std::string now_and_then(std::string const& now, std::string const& then) {
  auto const shown = [](std::string const& text) { return text.empty() ? std::string("unknown model") : text; };
  return fmt::format("{} now, {} then", shown(now), shown(then));
}

/// The values of a run by who answered what.
struct Run {
  explicit Run(Report const& report) : all(kept(report)) {
    for (auto const& rank : report.ranks) {
      auto& layout = layouts[rank.host];
      ++layout.ranks;
      layout.threads.push_back(rank.threads);
    }
    for (auto& [host, layout] : layouts) std::sort(layout.threads.begin(), layout.threads.end());
  }

  Kept all;
  std::unordered_map<std::string, Layout> layouts; ///< by host
};

/// What makes a place the same in both runs: its device, or its seat on its host.
std::string seat(KeptPlace const& place) {
  return fmt::format("{}\n{}\n{}\n{}", place.host, place.local_rank, place.ranks, place.device);
}

class Comparison {
public:
  Comparison(Report const& report, Report const& earlier) : now_(report), then_(earlier) {
    for (std::size_t i = 0; i < then_.all.metrics.size(); ++i) metrics_[then_.all.metrics[i].name] = i;
    for (std::size_t i = 0; i < then_.all.places.size(); ++i) {
      auto const& place = then_.all.places[i];
      seats_[seat(place)] = i;
      if (!place.device_uuid.empty()) devices_[place.device_uuid] = i;
    }
    for (auto const& value : then_.all.values)
      if (!value.doubtful) values_[{value.metric, value.place}] = value.value;
  }

  EarlierRun run() {
    EarlierRun result;
    std::map<std::size_t, std::optional<std::size_t>> known; // places of both
    for (auto const& value : now_.all.values) {
      auto const& place = now_.all.places[value.place];
      auto const metric = metrics_.find(now_.all.metrics[value.metric].name);
      if (place.host == all_hosts || metric == metrics_.end()) continue;
      auto const [before, fresh] = known.try_emplace(value.place);
      if (fresh) before->second = place_then(place);
      auto const found = before->second ? values_.find({metric->second, *before->second}) : values_.end();
      if (found == values_.end()) continue;
      compared_.insert(place.host);
      auto& past = result.past.emplace_back();
      past.metric = metric->first;
      past.host = place.host;
      past.local_rank = place.local_rank;
      past.device_uuid = place.device_uuid;
      past.values = {found->second};
    }
    result.differences = differences();
    return result;
  }

private:
  /// The place as it was then, or nothing, and what is different is noted.
  std::optional<std::size_t> place_then(KeptPlace const& place) {
    auto const device = place.device_uuid.empty() ? devices_.end() : devices_.find(place.device_uuid);
    auto const by_seat = seats_.find(seat(place));
    bool const anywhere = device != devices_.end() || by_seat != seats_.end();
    auto const number = device != devices_.end() ? device->second : anywhere ? by_seat->second : 0;
    auto const& host = anywhere ? then_.all.places[number].host : place.host;
    if (!then_.layouts.contains(host)) return std::nullopt;
    auto const &now = now_.layouts.at(place.host), &then = then_.layouts.at(host);
    if (place.device ? now.ranks != then.ranks : now != then)
      return note(place, now_and_then(text_of(now), text_of(then)));
    if (!anywhere) return std::nullopt;
    auto const& before = then_.all.places[number];
    if (place.model != before.model) return note(place, now_and_then(place.model, before.model));
    if (place.device_uuid != before.device_uuid)
      return note(place, fmt::format("another {} then", place.model.empty() ? "device" : place.model));
    return number;
  }

  std::nullopt_t note(KeptPlace const& place, std::string what) {
    differences_[place.host].insert(std::move(what));
    return std::nullopt;
  }

  std::vector<std::string> differences() const {
    std::map<std::string, std::vector<std::string>> hosts; // by what is different
    for (auto const& [host, words] : differences_)
      hosts[fmt::format("{}", fmt::join(words, "; "))].push_back(compared_.contains(host) ? host + " in part" : host);
    std::vector<std::string> lines;
    for (auto const& [what, names] : hosts) lines.push_back(fmt::format("{}: {}", listed(names), what));
    return lines;
  }

  Run now_, then_;
  std::unordered_map<std::string, std::size_t> metrics_, seats_, devices_; ///< of the earlier run
  std::map<std::pair<std::size_t, std::size_t>, double> values_;           ///< likewise, by metric and place
  std::map<std::string, std::set<std::string>> differences_;               ///< by host
  std::set<std::string> compared_;                                         ///< hosts
};

} // namespace

EarlierRun past_of_report(Report const& report, Report const& earlier) { return Comparison(report, earlier).run(); }

} // namespace maru
