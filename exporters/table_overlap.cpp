// SPDX-License-Identifier: Apache-2.0
#include "exporters/table_overlap.hpp"

#include "core/phrases.hpp"
#include "exporters/table_cells.hpp"
#include "exporters/text.hpp"

#include <fmt/format.h>
#include <optional>

namespace maru {
namespace {

constexpr double milli = 1e3;

std::string heading(std::string const& probe, std::string_view what) {
  return wrap(one_line(fmt::format("{}: {}", probe, what)), "", terminal_columns);
}

std::string ranks(Record const& record) { return format_ranks(record.group.ranks); }

Cell seconds(Answer const& answer, double value) { return scaled(value, milli, answer); }

std::string hundredths(double ratio) { return fixed(100 * ratio, 0); }

std::string interval(Estimate const& estimate) {
  if (!estimate.median_ci) return {};
  return fmt::format("{}-{}", hundredths(estimate.median_ci->low), hundredths(estimate.median_ci->high));
}

std::string times(double ratio) { return "x" + fixed(ratio, ratio < 100 ? 2 : 0); }

/// One answer for each record that is not skipped, in order.
std::vector<Answer> shown(std::vector<Answer> const& all) {
  std::vector<Answer> result;
  for (auto const& answer : all)
    for (auto const* record : answer.records)
      if (record->status != Status::skipped) result.push_back(make_answer({record}));
  return result;
}

std::string overlap_heading(Record const& record, RankHosts const& hosts) {
  auto const& labels = record.labels;
  auto const m = labels.text("m"), n = labels.text("n"), k = labels.text("k");
  auto const shape = m == n && n == k ? m : fmt::format("{}x{}x{}", m, n, k);
  auto const text =
      fmt::format("  {} · product {} {} · {} · {}, {}", labels.text("collective"), shape, labels.text("dtype"),
                  record.backend, record.group.kind, group_name(record.group, hosts));
  return clip(one_line(text), terminal_columns) + "\n";
}

void overlap_row(Grid& grid, Answer const& answer, RankHosts const& hosts) {
  auto const& record = answer.first();
  std::vector<Cell> cells{size_label(record.labels), record.labels.text("taken")};
  if (record.overlap && record.time) {
    auto const& o = *record.overlap;
    for (double const value : {o.compute.median, o.communication.median, record.time->median})
      cells.push_back(seconds(answer, value));
    for (auto const& text :
         {percent(widest_half_width(answer)), hundredths(o.efficiency.median), interval(o.efficiency),
          times(o.compute_slowdown.median), times(o.communication_slowdown.median)})
      cells.emplace_back(text);
  }
  cells.resize(10);
  grid.row(std::move(cells));
  add_notes(grid, answer, hosts);
}

std::vector<Cell> step_cells(Answer const& answer) {
  auto const& record = answer.first();
  auto const& labels = record.labels;
  std::vector<Cell> cells{labels.text("model"), labels.text("layers"), labels.text("tp"), labels.text("dp"),
                          fmt::format("{}x{}", labels.text("mb"), labels.text("seq"))};
  if (!record.step || !record.time) return cells;
  auto const& s = *record.step;
  cells.push_back(seconds(answer, record.time->median));
  cells.emplace_back(percent(widest_half_width(answer)));
  cells.push_back(scaled(s.flops_per_rank, giga, answer));
  cells.push_back(scaled(s.tokens_per_second, 1, answer));
  cells.push_back(record.group.ranks.size() > 1 ? seconds(answer, s.exposed.median) : Cell(std::string()));
  return cells;
}

/// Where the time goes, under the step's row.
std::string step_parts(Record const& record) {
  auto const& s = *record.step;
  auto const share = [&](double part) { return hundredths(part / record.time->median); };
  return fmt::format("gemm {} %, attention {} %, norms and the like {} %, Adam {} %, comm {} %", share(s.products),
                     share(s.attention), share(s.other), share(s.optimizer), share(s.communication));
}

} // namespace

std::string overlap_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  std::string text, above;
  std::optional<Grid> grid;
  auto const close = [&] {
    if (grid) text += above + grid->text();
  };
  for (auto const& answer : shown(all)) {
    if (auto const next = overlap_heading(answer.first(), hosts); next != above) {
      close();
      above = next;
      grid.emplace(
          "    ",
          std::vector<GridColumn>{
              {"size"}, {"taken"}, {"gemm"}, {"comm"}, {"both"}, {"±"}, {"hidden"}, {"95 %"}, {"gemm"}, {"comm"}});
    }
    overlap_row(*grid, answer, hosts);
  }
  close();
  if (text.empty()) return {};
  return heading(probe, "a product and a collective alone and at the same time; ms. hidden: percent of the shorter one "
                        "that the other hides, and its 95 % interval; x: time beside the other over time alone") +
         text;
}

std::string step_block(std::string const& probe, std::vector<Answer> const& all, RankHosts const& hosts) {
  Grid grid("  ", {{"model", false},
                   {"layers"},
                   {"tp"},
                   {"dp"},
                   {"batch"},
                   {"step"},
                   {"±"},
                   {"GFLOP/s"},
                   {"tokens/s"},
                   {"exposed"},
                   {"ranks", false}});
  for (auto const& answer : shown(all)) {
    auto cells = step_cells(answer);
    cells.resize(10);
    cells.emplace_back(ranks(answer.first()));
    grid.row(std::move(cells));
    if (auto const& record = answer.first(); record.step && record.time && record.time->median > 0)
      grid.note(step_parts(record));
    add_notes(grid, answer, hosts);
  }
  if (grid.empty()) return {};
  return heading(probe, "a step of training; step and exposed communication in ms, GFLOP/s of one rank (layers only, "
                        "3 x forward); parts of the step by the slowest rank in each") +
         grid.text();
}

} // namespace maru
