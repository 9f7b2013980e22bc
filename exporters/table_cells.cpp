// SPDX-License-Identifier: Apache-2.0
#include "exporters/table_cells.hpp"

#include "core/phrases.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

std::string upper(std::string text) {
  for (auto& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

// The detail begins with the device's id, which alone fills half a line; the rank stands for it.
std::string invalid(Record const& record, RankHosts const& hosts) {
  auto const& seen = *record.conditions;
  auto const culprit = hosts.named(seen.detail, record.group);
  std::string_view detail = seen.detail;
  if (auto const colon = detail.find(": "); culprit && colon != detail.npos) detail.remove_prefix(colon + 2);
  auto const who = culprit ? Group{.kind = "rank", .index = 0, .ranks = {*culprit}} : record.group;
  return fmt::format("{}, {}{}{}", upper(fmt::format("{}", fmt::join(seen.invalid, "+"))), group_name(who, hosts),
                     detail.empty() ? "" : ": ", detail);
}

/// Empty when there is nothing to say of it.
std::string note(Record const& record, RankHosts const& hosts) {
  auto const who = group_name(record.group, hosts);
  if (record.status == Status::wrong) return fmt::format("WRONG, {}: {}", who, reason(record, hosts));
  if (record.status == Status::failed) return fmt::format("FAILED, {}: {}", who, reason(record, hosts));
  bool const said = record.rehearsal || !record.conditions || record.conditions->invalid.empty();
  return said ? std::string() : invalid(record, hosts);
}

} // namespace

std::string percent(std::optional<double> ratio) { return ratio ? fixed(*ratio * 100, 1) + "%" : std::string(); }

Cell scaled(std::optional<double> value, double scale) {
  return value ? Cell(Value{*value * scale}) : Cell(std::string());
}
Cell scaled(std::optional<double> value, double scale, Answer const& answer) {
  return value ? Cell(Value{*value * scale, answer.doubtful ? "!" : ""}) : Cell(std::string());
}

std::optional<double> median(std::optional<Summary> const& summary) {
  return summary ? std::optional(summary->median) : std::nullopt;
}

std::string part(Answer const& answer, std::optional<double> Ceiling::*share) {
  return percent(median_of(
      answer, [&](Record const& record) { return record.ceiling ? (*record.ceiling).*share : std::nullopt; }));
}

bool is_of_device(Answer const& answer) {
  return std::any_of(answer.records.begin(), answer.records.end(),
                     [](Record const* record) { return computes_with_device(*record); });
}

Cell per_device(Answer const& answer, std::optional<double> Conditions::*member, double scale) {
  bool const is_sum = member != &Conditions::sm_clock;
  return scaled(median_of(answer,
                          [&](Record const& record) -> std::optional<double> {
                            if (!record.conditions || record.conditions->devices < 1) return std::nullopt;
                            auto const& seen = *record.conditions;
                            auto const value = seen.*member;
                            return value && is_sum ? *value / static_cast<double>(seen.devices) : value;
                          }),
                scale);
}

Cell whole(Cell const& cell) {
  auto const* number = std::get_if<Value>(&cell);
  return number ? Cell(fixed(number->value, 0)) : cell;
}

Cell worst_name(Answer const& answer, std::optional<Summary> const& summary, RankHosts const& hosts) {
  if (!summary || answer.timed.size() < 2) return std::string();
  auto const& group = summary->worst_record->group;
  auto const names = hosts.of(group);
  return names.size() == 1 ? fmt::format("{} {}", format_ranks(group.ranks), names.front()) : format_ranks(group.ranks);
}
Cell worst_value(Answer const& answer, std::optional<Summary> const& summary, double scale) {
  return answer.timed.size() > 1 && summary ? scaled(summary->worst, scale, answer) : Cell(std::string());
}

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

void add_notes(Grid& grid, Answer const& answer, RankHosts const& hosts) {
  constexpr std::size_t most = 3;
  std::size_t bad = 0;
  for (auto const* record : answer.records) {
    auto const text = note(*record, hosts);
    if (!text.empty() && ++bad <= most) grid.note(text);
  }
  if (bad > most) grid.note(fmt::format("and {} more", bad - most));
  if (std::any_of(answer.timed.begin(), answer.timed.end(), [](Record const* record) { return record->rehearsal; }))
    grid.note("REHEARSAL: ranks share a device, so this measures nothing");
}

std::string size_label(Labels const& labels) {
  auto const* value = labels.find("size_bytes");
  auto const* bytes = value ? std::get_if<std::int64_t>(value) : nullptr;
  return bytes ? binary_size(static_cast<double>(*bytes)) : labels.text("size_bytes");
}

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

} // namespace maru
