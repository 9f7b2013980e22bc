// SPDX-License-Identifier: Apache-2.0
// The text that nccl-tests 2.19 prints, so that what reads it (SuperBench, cluster health scanners, awk) reads us.
// nccl-tests runs one operation per program; here each (operation, type, group) is one such text after the other.
#include "core/operation.hpp"
#include "exporters/exporter.hpp"
#include "exporters/rank_hosts.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace maru {
namespace {

/// What nccl-tests calls our operations. send_recv reduces nothing, but its program prints the default operator.
struct Program {
  CollectiveKind kind;
  char const* name;
  char const* reduction;
};
constexpr std::array programs{
    Program{CollectiveKind::all_reduce, "all_reduce_perf", "sum"},
    Program{CollectiveKind::all_gather, "all_gather_perf", "none"},
    Program{CollectiveKind::reduce_scatter, "reduce_scatter_perf", "sum"},
    Program{CollectiveKind::all_to_all, "alltoall_perf", "none"},
    Program{CollectiveKind::broadcast, "broadcast_perf", "none"},
    Program{CollectiveKind::reduce, "reduce_perf", "sum"},
    Program{CollectiveKind::send_recv, "sendrecv_perf", "sum"},
};

Program const* program_of(std::string_view operation) {
  auto const kind = parse_collective_kind(operation);
  auto const found = std::find_if(programs.begin(), programs.end(), [&](Program const& p) { return p.kind == kind; });
  return kind && found != programs.end() ? &*found : nullptr;
}

std::string_view type_name(std::string_view dtype) {
  auto const known = parse_dtype(dtype);
  if (!known) return dtype;
  switch (*known) {
  case Dtype::f64: return "double";
  case Dtype::f32: return "float";
  case Dtype::f16: return "half";
  case Dtype::bf16: return "bfloat16";
  case Dtype::f8e4m3: return "f8e4m3";
  case Dtype::f8e5m2: return "f8e5m2";
  case Dtype::s8: return "int8";
  case Dtype::s32: return "int32";
  default: return dtype; // it has no word for them
  }
}

std::int64_t integer(Labels const& labels, std::string_view key, std::int64_t fallback) {
  auto const* value = labels.find(key);
  auto const* number = value ? std::get_if<std::int64_t>(value) : nullptr;
  return number ? *number : fallback;
}

/// A line of the table: one size, measured out of place (0) and in place (1).
struct Line {
  std::int64_t size = 0;
  std::array<Record const*, 2> halves{}; ///< null where it was not asked
};

struct Section {
  Program const* program = nullptr;
  std::string dtype;
  std::int64_t root = -1;
  bool graph = false;
  Group const* group = nullptr;
  std::vector<Line> lines{};
  std::map<std::int64_t, std::size_t> line_of{}; ///< the latest line of a size
};

void add(Section& section, Record const& record) {
  auto const size = integer(record.labels, "size_bytes", 0);
  auto const place = integer(record.labels, "in_place", 0) != 0 ? 1U : 0U;
  auto const [known, fresh] = section.line_of.try_emplace(size, section.lines.size());
  if (fresh || section.lines[known->second].halves[place]) {
    known->second = section.lines.size();
    section.lines.push_back({.size = size});
  }
  section.lines[known->second].halves[place] = &record;
}

std::vector<Section> sections(Report const& report) {
  using Key = std::tuple<std::string, std::string, std::string, std::int64_t, std::int64_t, std::int64_t, std::string,
                         std::int64_t>;
  std::map<Key, std::size_t> places;
  std::vector<Section> result;
  for (auto const& record : report.records) {
    auto const* program = program_of(record.operation);
    if (!program || record.probe != "collectives") continue;
    auto const dtype = record.labels.text("dtype");
    auto const root = integer(record.labels, "root", -1);
    auto const graph = integer(record.labels, "graph", 0), registered = integer(record.labels, "registered", 0);
    auto const [place, fresh] = places.try_emplace(
        {record.operation, record.backend, dtype, root, graph, registered, record.group.kind, record.group.index},
        result.size());
    if (fresh)
      result.push_back({.program = program, .dtype = dtype, .root = root, .graph = graph != 0, .group = &record.group});
    add(result[place->second], record);
  }
  return result;
}

// Two decimals while they fit the column, then one, none, and at last an exponent.
std::string fitted(double value, int columns) {
  int digits = 0;
  for (double power = 1; value >= power && digits < 30; power *= 10) ++digits;
  if (digits > columns) return fmt::format("{:{}.{}e}", value, columns, columns >= 7 ? 1 : 0);
  int const decimals = digits < columns - 2 ? 2 : digits < columns - 1 ? 1 : 0;
  return fmt::format("{:{}.{}f}", value, columns, decimals);
}

double gigabytes(Record const& record, std::string_view name) {
  for (auto const& figure : figures(record))
    if (figure.name == name) return figure.value * 1e-9;
  return 0;
}

// What reads this form takes every number for a measurement, and a rehearsal is none.
bool is_measured(Record const* record) { return record && record->time && !record->rehearsal; }

std::string half(Record const* record) {
  if (!is_measured(record)) return fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", "N/A", "N/A", "N/A", "N/A");
  auto const& checked = record->verification;
  auto const wrong = checked.checked ? fmt::format("{:g}", static_cast<double>(checked.wrong)) : std::string("N/A");
  return fmt::format("  {}  {}  {}  {:>6}", fitted(record->time->median * 1e6, 7),
                     fitted(gigabytes(*record, "algorithm_bandwidth"), 6),
                     fitted(gigabytes(*record, "bus_bandwidth"), 6), wrong);
}

std::string row(Section const& section, Line const& line) {
  auto const* record = line.halves[0] ? line.halves[0] : line.halves[1];
  auto const kind = section.program->kind;
  auto const dtype = parse_dtype(section.dtype);
  auto const element = static_cast<double>(dtype ? size_of(*dtype) : 1);
  auto const parts =
      is_divided(kind) ? static_cast<double>(std::max<std::size_t>(section.group->ranks.size(), 1)) : 1.0;
  // What was moved, which is less than what was asked where the ranks cannot divide it.
  double const bytes = record->cost.bytes > 0 ? record->cost.bytes : static_cast<double>(line.size);
  return fmt::format("{:>12.0f}  {:>12.0f}  {:>8}  {:>6}  {:>6}{}{}\n", bytes, std::floor(bytes / element / parts),
                     one_line(type_name(section.dtype)), section.program->reduction, section.root, half(line.halves[0]),
                     half(line.halves[1]));
}

std::string step(std::vector<Line> const& lines) {
  if (lines.size() < 2 || lines[0].size <= 0) return "2(factor)";
  auto const first = lines[0].size, second = lines[1].size;
  bool const steady = lines.size() > 2 && second > first && second % first != 0;
  return steady ? fmt::format("{}(bytes)", second - first)
                : fmt::format("{}(factor)", std::max<std::int64_t>(second / first, 2));
}

// Without the function, as nccl-tests prints it.
std::string bus_address(RankInfo const& rank) {
  return rank.device_bus.empty() ? "0000:00:00" : one_line(rank.device_bus.substr(0, rank.device_bus.rfind('.')));
}

std::string device_lines(Section const& section, Report const& report) {
  std::string text;
  for (auto const& rank : report.ranks) {
    auto const& members = section.group->ranks;
    if (!std::binary_search(members.begin(), members.end(), rank.rank)) continue;
    // A report holds no process ids.
    text += fmt::format("#  Rank {:2} Group {:2} Pid {:6} on {:>10} device {:2} [{}] {}\n", rank.rank,
                        section.group->index, 0, one_line(rank.host), rank.local_rank, bus_address(rank),
                        rank.device.empty() ? "host" : one_line(rank.device));
  }
  return text;
}

std::string heading(Section const& section, Report const& report) {
  auto const& lines = section.lines;
  auto const by_size = [](Line const& a, Line const& b) { return a.size < b.size; };
  auto const [least, most] = std::minmax_element(lines.begin(), lines.end(), by_size);
  std::uint64_t iterations = 0;
  bool checked = false;
  for (auto const& line : lines)
    for (auto const* record : line.halves) {
      if (record && record->time)
        iterations = std::max(iterations, record->time->samples * record->time->calls_per_sample);
      checked = checked || (record && record->verification.checked);
    }
  auto text = fmt::format("# Collective test starting: {}\n", section.program->name);
  text += fmt::format("# nThread 1 nGpus 1 minBytes {} maxBytes {} step: {} warmup iters: 1 iters: {} agg iters: 1 "
                      "validation: {} graph: {} unalign: 0\n#\n# Using devices\n",
                      least->size, most->size, step(lines), iterations, checked ? 1 : 0, section.graph ? 1 : 0);
  text += device_lines(section, report) + "#\n";
  text += fmt::format(
      "# {0:>10}  {0:>12}  {0:>8}  {0:>6}  {0:>6}           out-of-place                       in-place          \n",
      "");
  constexpr auto titles =
      "# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}  {:>7}  {:>6}  {:>6}  {:>6}  {:>7}  {:>6}  {:>6}  {:>6} \n";
  text += fmt::format(titles, "size", "count", "type", "redop", "root", "time", "algbw", "busbw", "#wrong", "time",
                      "algbw", "busbw", "#wrong");
  return text + fmt::format(titles, "(B)", "(elements)", "", "", "", "(us)", "(GB/s)", "(GB/s)", "", "(us)", "(GB/s)",
                            "(GB/s)", "");
}

// What a reader must know of a record and the columns cannot say; empty when there is nothing.
std::string remark(Record const& record, Line const& line) {
  auto const where = fmt::format("at {} B, {}", line.size, &record == line.halves[1] ? "in-place" : "out-of-place");
  if (record.status != Status::ok)
    return fmt::format("# {} {}: {}\n", name(record.status), where, one_line(record.reason));
  if (record.rehearsal)
    return fmt::format("# rehearsal {}: {} us, which is no measurement, since ranks share a device; #wrong {:g}\n",
                       where, record.time ? fmt::format("{:.2f}", record.time->median * 1e6) : "no",
                       static_cast<double>(record.verification.wrong));
  auto const words = doubts(record);
  if (words.empty()) return {};
  return fmt::format("# invalid {}: {}: {}\n", where, fmt::join(words, ", "), one_line(record.conditions->detail));
}

// nccl-tests averages over every measurement of both places, and counts measurements with a wrong element.
std::string footing(Section const& section) {
  double sum = 0;
  int count = 0, wrong = 0;
  std::string notes;
  for (auto const& line : section.lines)
    for (auto const* record : line.halves) {
      if (!record) continue;
      notes += remark(*record, line);
      wrong += record->verification.wrong > 0 ? 1 : 0;
      if (!is_measured(record)) continue;
      sum += gigabytes(*record, "bus_bandwidth");
      ++count;
    }
  return notes + fmt::format("# {:<20} : {} {}\n# {:<20} : {:g} \n#\n# Collective test concluded: {}\n\n",
                             "Out of bounds values", wrong, wrong ? "FAILED" : "OK", "Avg bus bandwidth",
                             count ? sum / count : 0.0, section.program->name);
}

std::string render(Report const& report, Opinion const&) {
  auto text = fmt::format("# maru {} in the columns of nccl-tests; time is the median of the maximum over ranks\n",
                          one_line(report.run.maru_version));
  auto const all = sections(report);
  if (all.empty()) text += "# no collectives in this report\n";
  for (auto const& section : all) {
    text += heading(section, report);
    for (auto const& line : section.lines) text += row(section, line);
    text += footing(section);
  }
  return text;
}

} // namespace

extern Exporter const nccl_tests_exporter;
Exporter const nccl_tests_exporter{"nccl-tests", nullptr,
                                   "collectives in nccl-tests' columns, for what already reads them", render};

} // namespace maru
