// SPDX-License-Identifier: Apache-2.0
#include "core/report.hpp"

#include "core/error.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::int64_t most_ranks = 1 << 20; // a hostile "0-9999999999" must not fill the memory

Figure rate(std::string_view name, Unit unit, double amount, Timing const& time) {
  Figure figure{.name = name, .unit = unit, .value = amount / time.median, .ci = std::nullopt};
  if (time.median_ci && time.median_ci->low > 0)
    figure.ci = Interval{amount / time.median_ci->high, amount / time.median_ci->low};
  return figure;
}

} // namespace

std::vector<Figure> figures(Record const& record) {
  std::vector<Figure> result;
  if (!record.time) return result;
  auto const& time = *record.time;
  result.push_back({.name = "duration", .unit = Unit::second, .value = time.median, .ci = time.median_ci});
  if (time.median <= 0) return result;
  auto const& cost = record.cost;
  if (cost.flops > 0) {
    result.push_back(rate("flops", Unit::flop_per_second, cost.flops, time));
  } else if (cost.bus_bytes > 0) {
    result.push_back(rate("algorithm_bandwidth", Unit::byte_per_second, cost.bytes, time));
    result.push_back(rate("bus_bandwidth", Unit::byte_per_second, cost.bus_bytes, time));
  } else if (cost.bytes > 0) {
    result.push_back(rate("bandwidth", Unit::byte_per_second, cost.bytes, time));
  }
  return result;
}

bool computes_with_device(Record const& record) { return !record.device.empty() && record.device != "cpu"; }

std::vector<std::string> doubts(Record const& record) {
  std::vector<std::string> result;
  if (record.rehearsal) result.emplace_back("rehearsal");
  if (record.conditions)
    result.insert(result.end(), record.conditions->invalid.begin(), record.conditions->invalid.end());
  return result;
}

std::span<std::string_view const> doubt_words() {
  static constexpr std::array<std::string_view, 5> words{"rehearsal", "throttled", "clock_changed", "contended", "ecc"};
  return words;
}

std::string question(Record const& record) {
  return fmt::format("{} {} {} {}", record.probe, record.operation, record.backend, record.labels.line());
}

std::string question(std::string_view probe, Operation const& operation, std::string_view backend) {
  return fmt::format("{} {} {} {}", probe, name(operation), backend, labels(operation).line());
}

std::string key(Record const& record) {
  return fmt::format("{} {}#{} {}{}", question(record), record.group.kind, record.group.index,
                     format_ranks(record.group.ranks), record.second_look ? " again" : "");
}

bool is_latency(LinkMap const& map) { return map.figure == "latency"; }

double badness(LinkMap const& map, double value) {
  if (!(value > 0) || !(map.usual > 0)) return 0;
  double const ratio = std::log(value) - std::log(map.usual); // their ratio itself may be too large for a number
  return is_latency(map) ? ratio : -ratio;
}

std::string_view name(Status status) {
  switch (status) {
  case Status::ok: return "ok";
  case Status::wrong: return "wrong";
  case Status::skipped: return "skipped";
  case Status::failed: return "failed";
  }
  return "?";
}

std::string_view name(Stop stop) {
  switch (stop) {
  case Stop::converged: return "converged";
  case Stop::max_iterations: return "max_iterations";
  case Stop::budget: return "budget";
  case Stop::fixed: return "fixed";
  case Stop::interrupted: return "interrupted";
  }
  return "?";
}

std::string format_ranks(std::vector<std::int64_t> const& ranks) {
  std::string text;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t j = i;
    while (j + 1 < ranks.size() && ranks[j + 1] == ranks[j] + 1) ++j;
    text += fmt::format("{}{}", text.empty() ? "" : ",", ranks[i]);
    if (j > i) text += fmt::format("-{}", ranks[j]);
    i = j + 1;
  }
  return text;
}

std::vector<std::int64_t> parse_ranks(std::string_view text) {
  std::vector<std::int64_t> ranks;
  while (!text.empty()) {
    auto const comma = text.find(',');
    auto const part = text.substr(0, comma);
    auto const dash = part.find('-');
    auto const first = parse_integer(part.substr(0, dash), "ranks", 0, most_ranks);
    auto const last = dash == part.npos ? first : parse_integer(part.substr(dash + 1), "ranks", first, most_ranks);
    if (static_cast<std::int64_t>(ranks.size()) + last - first > most_ranks)
      throw Error(Exit::usage, "ranks: more than can be");
    for (auto rank = first; rank <= last; ++rank) ranks.push_back(rank);
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) throw Error(Exit::usage, "ranks: ends with a comma");
  }
  return ranks;
}

} // namespace maru
