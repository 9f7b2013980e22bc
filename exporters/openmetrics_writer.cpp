// SPDX-License-Identifier: Apache-2.0
#include "exporters/openmetrics.hpp"
#include "exporters/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

std::string escaped(std::string_view raw) {
  auto const text = valid_utf8(raw);
  std::string result;
  for (char const c : text) {
    if (c == '\\')
      result += "\\\\";
    else if (c == '"')
      result += "\\\"";
    else if (c == '\n')
      result += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f')
      result += ' ';
    else
      result += c;
  }
  return result;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The spec reserves names that begin with "__", and these for histograms and summaries.
bool is_reserved(std::string_view name) { return name == "le" || name == "quantile" || name.starts_with("__"); }

std::string label_name(std::string_view raw) {
  std::string name;
  for (char const c : raw) name += is_letter(c) || is_digit(c) ? c : '_';
  return name.empty() || is_digit(name.front()) || is_reserved(name) ? "label_" + name : name;
}

bool has(Series const& series, std::string_view name) {
  return std::any_of(series.begin(), series.end(), [&](auto const& label) { return label.first == name; });
}

} // namespace

void add_label(Series& series, std::string_view raw, std::string value) {
  auto name = label_name(raw);
  if (has(series, name)) name.insert(0, "label_");
  while (has(series, name)) name += '_';
  series.emplace_back(std::move(name), std::move(value));
}

FamilyWriter::FamilyWriter(std::string_view name, std::string_view type, std::string_view unit, std::string_view help)
    : name_(name) {
  header_ = fmt::format("# TYPE {} {}\n", name, type);
  if (!unit.empty()) header_ += fmt::format("# UNIT {} {}\n", name, unit);
  header_ += fmt::format("# HELP {} {}\n", name, escaped(help));
  if (type == "info") name_ += "_info";
}

void FamilyWriter::sample(Series const& series, double value, double time) {
  std::string labels;
  for (auto const& [name, text] : series)
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", name, escaped(text));
  if (!seen_.insert(labels).second) return;
  samples_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + number(value);
  samples_ += fmt::format(" {:.3f}\n", time);
}

std::string FamilyWriter::text() const { return samples_.empty() ? std::string() : header_ + samples_; }

} // namespace maru
