// SPDX-License-Identifier: Apache-2.0
// RFC 4180: one row per record, CRLF, quotes where a field needs them. Absent is empty, never zero.
#include "core/report.hpp"
#include "exporters/exporter.hpp"
#include "exporters/rank_hosts.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unordered_set>

namespace maru {
namespace {

struct Row {
  Report const& report;
  RankHosts const& hosts;
  Record const& record;
  std::vector<Figure> figures;
};

struct Column {
  char const* name;
  std::string (*cell)(Row const&);
};

std::string text(std::optional<double> value) { return value ? number(*value) : std::string(); }

template <class T> std::string timing(Row const& row, T Timing::*member) {
  return row.record.time ? fmt::format("{}", (*row.record.time).*member) : std::string();
}
template <class T> std::string arrival(Row const& row, T Arrival::*member) {
  return row.record.arrival ? fmt::format("{}", (*row.record.arrival).*member) : std::string();
}

enum class Part { value, low, high };
template <Part part> std::string figure(Row const& row, std::string_view name) {
  auto const found =
      std::find_if(row.figures.begin(), row.figures.end(), [&](Figure const& figure) { return figure.name == name; });
  if (found == row.figures.end()) return {};
  if (part == Part::value) return number(found->value);
  if (!found->ci) return {};
  return number(part == Part::low ? found->ci->low : found->ci->high);
}

std::string single_host(Row const& row) {
  auto const hosts = row.hosts.of(row.record.group);
  return hosts.size() == 1 ? std::string(hosts.front()) : std::string();
}

std::string last_rank(Row const& row) {
  auto const& record = row.record;
  return record.arrival && record.arrival->last_rank ? fmt::format("{}", *record.arrival->last_rank) : std::string();
}

// A figure's three columns.
#define MARU_FIGURE(name, figure_name)                                                                                 \
  Column{name, [](Row const& r) { return figure<Part::value>(r, figure_name); }},                                      \
      Column{name "_ci_low", [](Row const& r) { return figure<Part::low>(r, figure_name); }}, Column {                 \
    name "_ci_high", [](Row const& r) { return figure<Part::high>(r, figure_name); }                                   \
  }

constexpr std::array columns{
    Column{"run_id", [](Row const& r) { return r.report.run.id; }},
    Column{"probe", [](Row const& r) { return r.record.probe; }},
    Column{"operation", [](Row const& r) { return r.record.operation; }},
    Column{"backend", [](Row const& r) { return r.record.backend; }},
    Column{"status", [](Row const& r) { return std::string(name(r.record.status)); }},
    Column{"reason", [](Row const& r) { return r.record.reason; }},
    Column{"group", [](Row const& r) { return r.record.group.kind; }},
    Column{"group_index", [](Row const& r) { return fmt::format("{}", r.record.group.index); }},
    Column{"ranks", [](Row const& r) { return format_ranks(r.record.group.ranks); }},
    Column{"rank_count", [](Row const& r) { return fmt::format("{}", r.record.group.ranks.size()); }},
    Column{"host_count", [](Row const& r) { return fmt::format("{}", r.hosts.of(r.record.group).size()); }},
    Column{"host", single_host},
    MARU_FIGURE("median_seconds", "duration"),
    Column{"mean_seconds", [](Row const& r) { return timing(r, &Timing::mean); }},
    Column{"min_seconds", [](Row const& r) { return timing(r, &Timing::min); }},
    Column{"p90_seconds", [](Row const& r) { return timing(r, &Timing::p90); }},
    Column{"p99_seconds", [](Row const& r) { return r.record.time ? text(r.record.time->p99) : std::string(); }},
    Column{"max_seconds", [](Row const& r) { return timing(r, &Timing::max); }},
    Column{"samples", [](Row const& r) { return timing(r, &Timing::samples); }},
    Column{"calls_per_sample", [](Row const& r) { return timing(r, &Timing::calls_per_sample); }},
    Column{"stop", [](Row const& r) { return r.record.stop ? std::string(name(*r.record.stop)) : std::string(); }},
    MARU_FIGURE("flops_per_second", "flops"),
    MARU_FIGURE("bytes_per_second", "bandwidth"),
    MARU_FIGURE("algorithm_bytes_per_second", "algorithm_bandwidth"),
    MARU_FIGURE("bus_bytes_per_second", "bus_bandwidth"),
    Column{"checked", [](Row const& r) { return std::string(r.record.verification.checked ? "1" : "0"); }},
    Column{"checked_elements", [](Row const& r) { return fmt::format("{}", r.record.verification.elements); }},
    Column{"wrong_elements", [](Row const& r) { return fmt::format("{}", r.record.verification.wrong); }},
    Column{"max_error_ratio", [](Row const& r) { return number(r.record.verification.max_error); }},
    Column{"last_rank", last_rank},
    Column{"last_host", [](Row const& r) { return arrival(r, &Arrival::last_host); }},
    Column{"last_share_ratio", [](Row const& r) { return arrival(r, &Arrival::last_share); }},
    Column{"lateness_seconds", [](Row const& r) { return arrival(r, &Arrival::lateness); }},
    Column{"lateness_error_seconds", [](Row const& r) { return arrival(r, &Arrival::lateness_error); }},
    Column{"transfer_seconds", [](Row const& r) { return arrival(r, &Arrival::transfer); }},
};
#undef MARU_FIGURE

std::string quoted(std::string_view raw) {
  auto field = valid_utf8(raw);
  // Line breaks can be quoted; an escape sequence would reach the terminal of whoever looks at the file.
  for (auto& c : field)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == '\x7f') c = ' ';
  if (field.find_first_of(",\"\r\n") == field.npos) return field;
  std::string result = "\"";
  for (char const c : field) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

std::vector<std::string> label_keys(Report const& report) {
  std::vector<std::string> keys;
  std::unordered_set<std::string> seen;
  for (auto const& record : report.records)
    for (auto const& [key, value] : record.labels.entries())
      if (seen.insert(key).second) keys.push_back(key);
  return keys;
}

std::string render(Report const& report) {
  auto const keys = label_keys(report);
  RankHosts const hosts(report);
  std::string out;
  auto const field = [&](std::string_view text) { (out += quoted(text)) += ','; };
  auto const end_row = [&] { out.replace(out.size() - 1, 1, "\r\n"); };
  for (auto const& column : columns) field(column.name);
  for (auto const& key : keys) field("label_" + key);
  end_row();
  for (auto const& record : report.records) {
    Row const row{report, hosts, record, figures(record)};
    for (auto const& column : columns) field(column.cell(row));
    for (auto const& key : keys) field(record.labels.text(key));
    end_row();
  }
  return out;
}

} // namespace

extern Exporter const csv_exporter;
Exporter const csv_exporter{"csv", "report.csv", "one row per record, for spreadsheets and data frames", render};

} // namespace maru
