// SPDX-License-Identifier: Apache-2.0
#include "exporters/table_blocks.hpp"

#include "exporters/table_cells.hpp"
#include "exporters/table_links.hpp"
#include "exporters/table_overlap.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>

namespace maru {
namespace {

// Skipped everywhere: these are told together at the end of the table, not as empty rows.
bool is_shown(Answer const& answer) { return !answer.all(Status::skipped); }

std::string heading(std::string const& probe, std::string_view what) {
  return clip(one_line(fmt::format("{}: {}", probe, what)), terminal_columns) + "\n";
}

std::string shape(Labels const& labels) {
  auto const m = labels.text("m"), n = labels.text("n"), k = labels.text("k");
  return m == n && n == k ? m : fmt::format("{}x{}x{}", m, n, k);
}

std::string blocks(std::string const& first, std::string const& second) {
  return first.empty() || second.empty() ? first + second : first + "\n" + second;
}

/// The host's answers and the devices' are tables of their own: their figures are orders of magnitude apart, and only
/// devices have ceilings and conditions.
struct Halves {
  std::vector<Answer> host, device;
};

Halves halves(std::vector<Answer> const& all) {
  Halves result;
  for (auto const& answer : all)
    if (is_shown(answer)) (is_of_device(answer) ? result.device : result.host).push_back(answer);
  return result;
}

Cell best_value(Answer const& answer, std::optional<Summary> const& rate, double scale) {
  return rate && answer.timed.size() > 1 ? scaled(rate->best, scale, answer) : Cell(std::string());
}

// One unit for a table: the smallest rate must still have a digit before the point.
std::pair<double, char const*> rate_unit(std::vector<Answer> const& all) {
  double least = 1e12;
  for (auto const& answer : all)
    if (auto const rate = summarize_figure(answer, "flops")) least = std::min(least, rate->worst);
  return least >= 1e12 ? std::pair(tera, "TFLOP/s") : std::pair(giga, "GFLOP/s");
}

std::string host_gemms(std::vector<Answer> const& all, RankHosts const& hosts) {
  auto const [scale, unit] = rate_unit(all);
  Grid grid("  ", {{"type", false},
                   {"shape", false},
                   {"backend", false},
                   {unit},
                   {"±"},
                   {"fastest"},
                   {"slowest"},
                   {"rank", false}});
  for (auto const& answer : all) {
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "flops");
    grid.row({record.labels.text("dtype"), shape(record.labels), record.backend, scaled(median(rate), scale, answer),
              percent(widest_half_width(answer)), best_value(answer, rate, scale), worst_value(answer, rate, scale),
              worst_name(answer, rate, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.text();
}

std::string device_gemms(std::vector<Answer> const& all, RankHosts const& hosts) {
  auto const [scale, unit] = rate_unit(all);
  Grid grid("  ", {{"type", false},
                   {"shape", false},
                   {"backend", false},
                   {unit},
                   {"±"},
                   {"peak"},
                   {"slowest"},
                   {"rank", false},
                   {"GHz"},
                   {"W"},
                   {"issue"},
                   {"J"},
                   {"fastest"},
                   {"by", false}});
  for (auto const& answer : all) {
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "flops");
    grid.row({record.labels.text("dtype"), shape(record.labels), record.backend, scaled(median(rate), scale, answer),
              percent(widest_half_width(answer)), part(answer, &Ceiling::of_datasheet),
              worst_value(answer, rate, scale), worst_name(answer, rate, hosts),
              per_device(answer, &Conditions::sm_clock, giga), whole(per_device(answer, &Conditions::power, 1)),
              part(answer, &Ceiling::of_issue), per_device(answer, &Conditions::energy_per_call, 1),
              best_value(answer, rate, scale), record.implementation});
    add_notes(grid, answer, hosts);
  }
  return grid.text();
}

std::string gemm_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  auto const [host, device] = halves(all);
  return blocks(
      host.empty() ? "" : heading(probe, "matrix multiplication on every rank at once") + host_gemms(host, hosts),
      device.empty() ? ""
                     : heading(probe, "matrix multiplication on every device at once") + device_gemms(device, hosts));
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

// Memory that is not the host's says where it is; a copy to a peer, to which.
std::string place(Labels const& labels) {
  auto const offset = labels.text("offset");
  return offset.empty() ? labels.text("space") : fmt::format("+{}", offset);
}

std::string host_memory(std::vector<Answer> const& all, RankHosts const& hosts) {
  Grid grid(
      "  ",
      {{"op", false}, {"array"}, {"backend", false}, {"GB/s"}, {"±"}, {"host's sum"}, {"slowest"}, {"rank", false}});
  for (auto const& answer : all) {
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "bandwidth");
    grid.row({record.operation, size_label(record.labels), record.backend, scaled(median(rate), giga, answer),
              percent(widest_half_width(answer)), scaled(host_total(answer, hosts), giga, answer),
              worst_value(answer, rate, giga), worst_name(answer, rate, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.text();
}

std::string device_memory(std::vector<Answer> const& all, RankHosts const& hosts) {
  Grid grid("  ", {{"op", false},
                   {"in", false},
                   {"array"},
                   {"backend", false},
                   {"GB/s"},
                   {"±"},
                   {"peak"},
                   {"slowest"},
                   {"rank", false},
                   {"W"},
                   {"host's sum"}});
  for (auto const& answer : all) {
    auto const& record = answer.first();
    auto const rate = summarize_figure(answer, "bandwidth");
    grid.row({record.operation, place(record.labels), size_label(record.labels), record.backend,
              scaled(median(rate), giga, answer), percent(widest_half_width(answer)),
              part(answer, &Ceiling::of_datasheet), worst_value(answer, rate, giga), worst_name(answer, rate, hosts),
              whole(per_device(answer, &Conditions::power, 1)), scaled(host_total(answer, hosts), giga, answer)});
    add_notes(grid, answer, hosts);
  }
  return grid.text();
}

std::string memory_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  auto const [host, device] = halves(all);
  return blocks(
      host.empty() ? "" : heading(probe, "main memory on every rank at once") + host_memory(host, hosts),
      device.empty() ? "" : heading(probe, "the devices' memory on every rank at once") + device_memory(device, hosts));
}

std::string transfer_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  std::vector<Answer> shown;
  std::copy_if(all.begin(), all.end(), std::back_inserter(shown), is_shown);
  return shown.empty() ? ""
                       : heading(probe, "copies between memories on every rank at once") + device_memory(shown, hosts);
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
  for (auto const* way : {"graph", "registered"})
    if (record.labels.text(way) == "1") text += fmt::format(" · {}", way);
  return clip(one_line(text), terminal_columns) + "\n";
}

void collective_row(Grid& grid, Answer const& answer, RankHosts const& hosts) {
  auto const& labels = answer.first().labels;
  auto const time = summarize_figure(answer, "duration");
  auto const algorithm = summarize_figure(answer, "algorithm_bandwidth"),
             bus = summarize_figure(answer, "bus_bandwidth");
  grid.row({size_label(labels), labels.text("in_place") == "1" ? "in" : "out", scaled(median(time), micro, answer),
            percent(widest_half_width(answer)), scaled(largest_p90(answer), micro), tail(answer),
            scaled(median(algorithm), giga, answer), scaled(median(bus), giga, answer), last_in(answer, hosts),
            part(answer, &Ceiling::of_datasheet), whole(per_device(answer, &Conditions::power, 1)),
            answer.first().implementation});
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
      auto const row = make_answer({record});
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
    Grid grid("    ", {{"size"},
                       {"", false},
                       {"time"},
                       {"±"},
                       {"p90"},
                       {"p99"},
                       {"algbw"},
                       {"busbw"},
                       {"last in", false},
                       {"peak"},
                       {"W"},
                       {"by", false}});
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
    grid.row({record.operation, record.backend, scaled(median(time), micro, answer), percent(widest_half_width(answer)),
              scaled(largest_p90(answer), micro), tail(answer), record.labels.line(), worst_name(answer, time, hosts)});
    add_notes(grid, answer, hosts);
  }
  return grid.empty() ? "" : heading(probe, "times in us") + grid.text();
}

} // namespace

std::string probe_block(Report const& report, RankHosts const& hosts, std::string const& probe) {
  auto const all = answers(report, probe);
  auto const first = all.empty() ? std::string() : all.front().first().operation;
  if (probe == "gemm" || first == "gemm" || first == "tensor_issue") return gemm_block(probe, all, hosts);
  if (probe == "memory") return memory_block(probe, all, hosts);
  if (parse_transfer_kind(first)) return transfer_block(probe, all, hosts);
  if (first == "overlap") return overlap_block(probe, all, hosts);
  if (first == "step") return step_block(probe, all, hosts);
  if (probe == "links") return links_block(report);
  if (probe == "collectives") return collectives_block(all, hosts);
  return other_block(probe, all, hosts);
}

} // namespace maru
