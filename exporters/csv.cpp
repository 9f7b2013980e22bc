// SPDX-License-Identifier: Apache-2.0
// RFC 4180: one row per record, CRLF, quotes where a field needs them. Absent is empty, never zero.
#include "core/report.hpp"
#include "exporters/exporter.hpp"
#include "exporters/rank_hosts.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <type_traits>
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

// A field of something that not every record has: conditions, their utilisation, ceiling, trace.
std::string text(std::string const& value) { return value; }
std::string text(double value) { return number(value); }
template <class T>
requires std::is_integral_v<T> std::string text(T value) { return fmt::format("{}", value); }
template <class T> std::string text(std::optional<T> const& value) { return value ? text(*value) : std::string(); }
template <class Maybe, class Owner, class T> std::string of(Maybe const& owner, T Owner::*member) {
  return owner ? text((*owner).*member) : std::string();
}
template <class Owner> std::string estimate(Boxed<Owner> const& owner, Estimate Owner::*member) {
  return owner ? text(((*owner).*member).median) : std::string();
}
template <class T> std::string utilisation(Row const& row, T Utilisation::*member) {
  auto const& conditions = row.record.conditions;
  return conditions ? of(conditions->utilisation, member) : std::string();
}

std::string words(std::vector<std::string> const& list) { return fmt::format("{}", fmt::join(list, ";")); }

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
    Column{"p99_seconds", [](Row const& r) { return of(r.record.time, &Timing::p99); }},
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
    Column{"implementation", [](Row const& r) { return r.record.implementation; }},
    Column{"valid", [](Row const& r) { return std::string(doubts(r.record).empty() ? "1" : "0"); }},
    Column{"doubts", [](Row const& r) { return words(doubts(r.record)); }},
    Column{"doubts_detail", [](Row const& r) { return of(r.record.conditions, &Conditions::detail); }},
    Column{"devices", [](Row const& r) { return of(r.record.conditions, &Conditions::devices); }},
    Column{"sm_clock_hertz", [](Row const& r) { return of(r.record.conditions, &Conditions::sm_clock); }},
    Column{"sm_clock_min_hertz", [](Row const& r) { return of(r.record.conditions, &Conditions::sm_clock_min); }},
    Column{"sm_clock_max_hertz", [](Row const& r) { return of(r.record.conditions, &Conditions::sm_clock_max); }},
    Column{"memory_clock_hertz", [](Row const& r) { return of(r.record.conditions, &Conditions::memory_clock); }},
    Column{"power_watts", [](Row const& r) { return of(r.record.conditions, &Conditions::power); }},
    Column{"energy_per_call_joules",
           [](Row const& r) { return of(r.record.conditions, &Conditions::energy_per_call); }},
    Column{"temperature_celsius", [](Row const& r) { return of(r.record.conditions, &Conditions::temperature); }},
    Column{"pcie_lanes", [](Row const& r) { return of(r.record.conditions, &Conditions::pcie_width); }},
    Column{"nvlinks", [](Row const& r) { return of(r.record.conditions, &Conditions::nvlinks); }},
    Column{"throttle_reasons",
           [](Row const& r) { return r.record.conditions ? words(r.record.conditions->throttle) : std::string(); }},
    Column{"utilisation_source", [](Row const& r) { return utilisation(r, &Utilisation::source); }},
    Column{"sm_active_ratio", [](Row const& r) { return utilisation(r, &Utilisation::sm_active); }},
    Column{"tensor_active_ratio", [](Row const& r) { return utilisation(r, &Utilisation::tensor_active); }},
    Column{"dram_active_ratio", [](Row const& r) { return utilisation(r, &Utilisation::dram_active); }},
    Column{"nvlink_receive_bytes_per_second",
           [](Row const& r) { return utilisation(r, &Utilisation::nvlink_receive); }},
    Column{"nvlink_transmit_bytes_per_second",
           [](Row const& r) { return utilisation(r, &Utilisation::nvlink_transmit); }},
    Column{"pcie_receive_bytes_per_second", [](Row const& r) { return utilisation(r, &Utilisation::pcie_receive); }},
    Column{"pcie_transmit_bytes_per_second", [](Row const& r) { return utilisation(r, &Utilisation::pcie_transmit); }},
    Column{"datasheet_device", [](Row const& r) { return of(r.record.ceiling, &Ceiling::device); }},
    Column{"datasheet_per_second", [](Row const& r) { return of(r.record.ceiling, &Ceiling::datasheet); }},
    Column{"of_datasheet_ratio", [](Row const& r) { return of(r.record.ceiling, &Ceiling::of_datasheet); }},
    Column{"issue_per_second", [](Row const& r) { return of(r.record.ceiling, &Ceiling::issue); }},
    Column{"of_issue_ratio", [](Row const& r) { return of(r.record.ceiling, &Ceiling::of_issue); }},
    Column{"clock_share_ratio", [](Row const& r) { return of(r.record.ceiling, &Ceiling::clock_share); }},
    Column{"issue_share_ratio", [](Row const& r) { return of(r.record.ceiling, &Ceiling::issue_share); }},
    Column{"memory_share_ratio", [](Row const& r) { return of(r.record.ceiling, &Ceiling::memory_share); }},
    Column{"trace_busy_seconds", [](Row const& r) { return of(r.record.trace, &Trace::busy); }},
    Column{"trace_disagreement_ratio", [](Row const& r) { return of(r.record.trace, &Trace::disagreement); }},
    Column{"trace_cost_ratio", [](Row const& r) { return of(r.record.trace, &Trace::cost); }},
    Column{"trace_dropped", [](Row const& r) { return of(r.record.trace, &Trace::dropped); }},
    Column{"overlap_efficiency_ratio",
           [](Row const& r) { return estimate(r.record.overlap, &OverlapResult::efficiency); }},
    Column{"compute_alone_seconds", [](Row const& r) { return estimate(r.record.overlap, &OverlapResult::compute); }},
    Column{"communication_alone_seconds",
           [](Row const& r) { return estimate(r.record.overlap, &OverlapResult::communication); }},
    Column{"compute_slowdown_ratio",
           [](Row const& r) { return estimate(r.record.overlap, &OverlapResult::compute_slowdown); }},
    Column{"communication_slowdown_ratio",
           [](Row const& r) { return estimate(r.record.overlap, &OverlapResult::communication_slowdown); }},
    Column{"rank_parameters", [](Row const& r) { return of(r.record.step, &StepResult::parameters); }},
    Column{"rank_flops_per_second", [](Row const& r) { return of(r.record.step, &StepResult::flops_per_rank); }},
    Column{"tokens_per_second", [](Row const& r) { return of(r.record.step, &StepResult::tokens_per_second); }},
    Column{"compute_only_seconds", [](Row const& r) { return estimate(r.record.step, &StepResult::compute_only); }},
    Column{"exposed_seconds", [](Row const& r) { return estimate(r.record.step, &StepResult::exposed); }},
    Column{"products_seconds", [](Row const& r) { return of(r.record.step, &StepResult::products); }},
    Column{"attention_seconds", [](Row const& r) { return of(r.record.step, &StepResult::attention); }},
    Column{"other_seconds", [](Row const& r) { return of(r.record.step, &StepResult::other); }},
    Column{"optimizer_seconds", [](Row const& r) { return of(r.record.step, &StepResult::optimizer); }},
    Column{"communication_seconds", [](Row const& r) { return of(r.record.step, &StepResult::communication); }},
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

std::string render(Report const& report, Opinion const&) {
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
