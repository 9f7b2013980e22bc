// SPDX-License-Identifier: Apache-2.0
#include "exporters/table_blocks.hpp"

#include "exporters/grid.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace maru {
namespace {

constexpr double micro = 1e6, giga = 1e-9, tera = 1e-12;

std::string percent(std::optional<double> ratio) {
  return ratio ? fmt::format("{:.1f}%", *ratio * 100) : std::string();
}

Cell scaled(std::optional<double> value, double scale) {
  return value ? Cell(Value{*value * scale}) : Cell(std::string());
}

// The worst group's ranks and host, where there is more than one to compare: "2 node-b".
Cell worst_name(Answer const& answer, std::optional<Summary> const& summary, RankHosts const& hosts) {
  if (!summary || answer.timed.size() < 2) return std::string();
  auto const& group = summary->worst_record->group;
  auto const names = hosts.of(group);
  return names.size() == 1 ? fmt::format("{} {}", format_ranks(group.ranks), names.front()) : format_ranks(group.ranks);
}
Cell worst_value(Answer const& answer, std::optional<Summary> const& summary, double scale) {
  return summary && answer.timed.size() > 1 ? Cell(Value{summary->worst * scale}) : Cell(std::string());
}

void add_notes(Grid& grid, Answer const& answer, RankHosts const& hosts) {
  constexpr std::size_t most = 3;
  std::size_t bad = 0;
  for (auto const* record : answer.records) {
    if (record->status != Status::wrong && record->status != Status::failed) continue;
    if (++bad <= most)
      grid.note(fmt::format("{}, {}: {}", record->status == Status::wrong ? "WRONG" : "FAILED",
                            group_name(record->group, hosts), reason(*record, hosts)));
  }
  if (bad > most) grid.note(fmt::format("and {} more", bad - most));
}

// Skipped everywhere: these are told together at the end of the table, not as empty rows.
bool is_shown(Answer const& answer) { return !answer.all(Status::skipped); }

std::string shape(Labels const& labels) {
  auto const m = labels.text("m"), n = labels.text("n"), k = labels.text("k");
  return m == n && n == k ? m : fmt::format("{}x{}x{}", m, n, k);
}

std::string size_label(Labels const& labels) {
  auto const* value = labels.find("size_bytes");
  auto const* bytes = value ? std::get_if<std::int64_t>(value) : nullptr;
  return bytes ? binary_size(static_cast<double>(*bytes)) : labels.text("size_bytes");
}

std::string gemm_block(std::vector<Answer> const& all, RankHosts const& hosts) {
  // One unit for the block: the smallest rate must still have a digit before the point.
  double least = 1e12;
  for (auto const& answer : all)
    if (auto const rate = summarize_figure(answer, "flops")) least = std::min(least, rate->worst);
  auto const [scale, unit] = least >= 1e12 ? std::pair(tera, "TFLOP/s") : std::pair(giga, "GFLOP/s");
  Grid grid("  ", {{"type", false},
                   {"shape", false},
                   {"backend", false},
                   {unit},
                   {"±"},
                   {"fastest"},
                   {"slowest"},
                   {"rank", false}});
  for (auto const& answer : all) {
    if (!is_shown(answer)) continue;
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "flops");
    grid.row({record.labels.text("dtype"), shape(record.labels), record.backend,
              scaled(rate ? std::optional(rate->median) : std::nullopt, scale), percent(widest_half_width(answer)),
              rate && answer.timed.size() > 1 ? Cell(Value{rate->best * scale}) : Cell(std::string()),
              worst_value(answer, rate, scale), worst_name(answer, rate, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.empty() ? "" : "gemm: matrix multiplication on every rank at once\n" + grid.text();
}

// What the ranks of a host draw from its memory together; of several hosts the least. Ranks that take turns on a core
// do not draw at the same time, and their rates do not add up.
std::optional<double> host_total(Answer const& answer, RankHosts const& hosts) {
  if (hosts.oversubscribed()) return std::nullopt;
  std::map<std::string_view, double> totals;
  for (auto const* record : answer.timed)
    for (auto const host : hosts.of(record->group)) totals[host] += figure_of(*record, "bandwidth").value_or(0);
  std::optional<double> least;
  for (auto const& [host, total] : totals) least = std::min(least.value_or(total), total);
  return least;
}

std::string memory_block(std::vector<Answer> const& all, RankHosts const& hosts) {
  Grid grid(
      "  ",
      {{"op", false}, {"array"}, {"backend", false}, {"GB/s"}, {"±"}, {"host's sum"}, {"slowest"}, {"rank", false}});
  for (auto const& answer : all) {
    if (!is_shown(answer)) continue;
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "bandwidth");
    grid.row({record.operation, size_label(record.labels), record.backend,
              scaled(rate ? std::optional(rate->median) : std::nullopt, giga), percent(widest_half_width(answer)),
              scaled(host_total(answer, hosts), giga), worst_value(answer, rate, giga),
              worst_name(answer, rate, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.empty() ? "" : "memory: main memory on every rank at once\n" + grid.text();
}

// p99 where there is one; the largest sample bounds it where there is not.
Cell tail(Answer const& answer) {
  double value = 0;
  bool known = true;
  for (auto const* record : answer.timed) {
    known = known && record->time->p99.has_value();
    value = std::max(value, record->time->p99.value_or(record->time->max));
  }
  if (answer.timed.empty()) return std::string();
  return Value{value * micro, known ? "" : "≤"};
}

std::optional<double> largest_p90(Answer const& answer) {
  std::optional<double> largest;
  for (auto const* record : answer.timed) largest = std::max(largest.value_or(0), record->time->p90);
  return largest;
}

// The rank that is furthest behind in any of the groups.
std::string last_in(Answer const& answer, RankHosts const& hosts) {
  Arrival const* worst = nullptr;
  for (auto const* record : answer.records)
    if (record->arrival && record->arrival->last_rank && (!worst || record->arrival->lateness > worst->lateness))
      worst = &*record->arrival;
  if (!worst) return {};
  auto const host = worst->last_host.empty() ? std::string(hosts.of(*worst->last_rank)) : worst->last_host;
  return fmt::format("{} {}", *worst->last_rank, host);
}

std::string collective_heading(Answer const& answer, RankHosts const& hosts) {
  auto const& record = answer.first();
  auto text = fmt::format("  {} {} · {} · ", record.operation, record.labels.text("dtype"), record.backend);
  text += fmt::format("{}, {}", record.group.kind, group_name(record.group, hosts));
  if (auto const root = record.labels.text("root"); !root.empty()) text += fmt::format(" · root {}", root);
  return clip(one_line(text), terminal_columns) + "\n";
}

void collective_row(Grid& grid, Answer const& answer, RankHosts const& hosts) {
  auto const& labels = answer.first().labels;
  auto const time = summarize_figure(answer, "duration");
  auto const algorithm = summarize_figure(answer, "algorithm_bandwidth"),
             bus = summarize_figure(answer, "bus_bandwidth");
  auto const median = [](auto const& summary) { return summary ? std::optional(summary->median) : std::nullopt; };
  grid.row({size_label(labels), labels.text("in_place") == "1" ? "in" : "out", scaled(median(time), micro),
            percent(widest_half_width(answer)), scaled(largest_p90(answer), micro), tail(answer),
            scaled(median(algorithm), giga), scaled(median(bus), giga), last_in(answer, hosts)});
  add_notes(grid, answer, hosts);
}

/// The rows of one group: groups are never averaged together.
struct GroupRows {
  std::string heading;
  std::vector<Answer> rows;
};

std::vector<GroupRows> rows_by_group(std::vector<Answer> const& all, RankHosts const& hosts) {
  std::vector<GroupRows> result;
  for (auto const& answer : all)
    for (auto const* record : answer.records) {
      Answer const row{{record}, record->status == Status::ok ? std::vector{record} : std::vector<Record const*>{}};
      auto const heading = collective_heading(row, hosts);
      auto found =
          std::find_if(result.begin(), result.end(), [&](auto const& rows) { return rows.heading == heading; });
      if (found == result.end()) found = result.insert(result.end(), {heading, {}});
      found->rows.push_back(row);
    }
  return result;
}

std::string collectives_block(std::vector<Answer> const& all, RankHosts const& hosts) {
  std::string text;
  for (auto const& [heading, rows] : rows_by_group(all, hosts)) {
    Grid grid("    ",
              {{"size"}, {"", false}, {"time"}, {"±"}, {"p90"}, {"p99"}, {"algbw"}, {"busbw"}, {"last in", false}});
    for (auto const& row : rows)
      if (is_shown(row)) collective_row(grid, row, hosts);
    if (!grid.empty()) text += heading + grid.text();
  }
  return text.empty() ? "" : "collectives: communication among ranks; times in us, bandwidths in GB/s\n" + text;
}

std::string other_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  Grid grid("  ", {{"operation", false},
                   {"backend", false},
                   {"time"},
                   {"±"},
                   {"p90"},
                   {"p99"},
                   {"asked", false},
                   {"slowest", false}});
  for (auto const& answer : all) {
    if (!is_shown(answer)) continue;
    auto const& record = answer.first();
    auto const time = summarize_figure(answer, "duration");
    grid.row({record.operation, record.backend, scaled(time ? std::optional(time->median) : std::nullopt, micro),
              percent(widest_half_width(answer)), scaled(largest_p90(answer), micro), tail(answer),
              record.labels.line(), worst_name(answer, time, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.empty() ? "" : clip(one_line(probe + ": times in us"), terminal_columns) + "\n" + grid.text();
}

} // namespace

std::string group_name(Group const& group, RankHosts const& hosts) {
  auto const names = hosts.of(group);
  auto text = fmt::format("{} {}", group.ranks.size() == 1 ? "rank" : "ranks", format_ranks(group.ranks));
  if (names.size() == 1) return fmt::format("{} on {}", text, names.front());
  return names.empty() ? text : fmt::format("{} on {} hosts", text, names.size());
}

std::string reason(Record const& record, RankHosts const& hosts) {
  auto const name = group_name(record.group, hosts) + ": ";
  std::string_view text = record.reason;
  if (record.group.ranks.size() == 1 && text.starts_with(name)) text.remove_prefix(name.size());
  return std::string(text);
}

std::string probe_block(Report const& report, RankHosts const& hosts, std::string const& probe) {
  auto const all = answers(report, probe);
  if (probe == "gemm") return gemm_block(all, hosts);
  if (probe == "memory") return memory_block(all, hosts);
  if (probe == "collectives") return collectives_block(all, hosts);
  return other_block(probe, all, hosts);
}

} // namespace maru
