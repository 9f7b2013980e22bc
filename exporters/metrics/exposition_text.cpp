// SPDX-License-Identifier: Apache-2.0
// Both text formats. A scrape may hold 100,000 series: one buffer, no formatter per label.
#include "exporters/metrics/expose.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace maru {
namespace {

constexpr std::size_t usual_line = 192; // bytes, as a guess for the buffer

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto const plain = text.find_first_of("\\\"\n");
    out += text.substr(0, plain);
    if (plain == text.npos) return;
    out += '\\';
    out += text[plain] == '\n' ? 'n' : text[plain];
    text.remove_prefix(plain + 1);
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> buffer;
    auto const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out.append(buffer.data(), end);
  }
}

// Seconds with three decimals; the times are whole milliseconds.
void append_time(std::string& out, double time) {
  std::array<char, 352> buffer; // the longest double in fixed form
  auto const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), time, std::chars_format::fixed, 3).ptr;
  out.append(buffer.data(), end);
}

void append_series(std::string& out, std::string_view name, Series const& series) {
  out += name;
  if (series.empty()) return;
  char separator = '{';
  for (auto const& label : series) {
    out += separator;
    out += label.name;
    out += "=\"";
    append_escaped(out, label.value);
    out += '"';
    separator = ',';
  }
  out += '}';
}

void append_comment(std::string& out, char const* keyword, std::string_view name, std::string_view text) {
  out.append("# ").append(keyword).append(" ").append(name).append(" ").append(text).append("\n");
}

std::string reserved(Exposition const& exposition) {
  std::string out;
  out.reserve(series_count(exposition) * usual_line);
  return out;
}

} // namespace

std::string openmetrics_text(Exposition const& exposition) {
  auto out = reserved(exposition);
  for (auto const& family : exposition) {
    append_comment(out, "TYPE", family.row->name, name(family.row->type));
    if (*family.row->unit) append_comment(out, "UNIT", family.row->name, family.row->unit);
    append_comment(out, "HELP", family.row->name, family.row->help);
    auto const of_samples = sample_name(*family.row);
    for (auto const& sample : family.samples) {
      append_series(out, of_samples, sample.series);
      out += ' ';
      append_number(out, sample.value);
      out += ' ';
      append_time(out, sample.time);
      out += '\n';
    }
  }
  return out += "# EOF\n";
}

std::string prometheus_text(Exposition const& exposition) {
  auto out = reserved(exposition);
  for (auto const& family : exposition) {
    auto const of_samples = sample_name(*family.row);
    append_comment(out, "HELP", of_samples, family.row->help);
    append_comment(out, "TYPE", of_samples, family.row->type == MetricType::counter ? "counter" : "gauge");
    for (auto const& sample : family.samples) {
      append_series(out, of_samples, sample.series);
      out += ' ';
      append_number(out, sample.value);
      out += '\n';
    }
  }
  return out;
}

} // namespace maru
