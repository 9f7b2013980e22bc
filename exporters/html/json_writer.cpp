// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/json_writer.hpp"

#include "exporters/text.hpp"

namespace maru {

void JsonWriter::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  text(name);
  text_ += ':';
  first_ = true;
  return *this;
}

// one_line leaves no control codes and no line separators, which JavaScript once took for ends of lines.
JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  text_ += '"';
  for (char const c : one_line(value)) {
    switch (c) {
    case '"': text_ += "\\\""; break;
    case '\\': text_ += "\\\\"; break;
    case '<': text_ += "\\u003c"; break;
    case '>': text_ += "\\u003e"; break;
    case '&': text_ += "\\u0026"; break;
    default: text_ += c;
    }
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(double value, int digits) {
  separate();
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(text_), "{:.{}g}", value, digits);
  else
    text_ += "null";
  return *this;
}

JsonWriter& JsonWriter::count(std::size_t value) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::flag(bool value) {
  separate();
  text_ += value ? "true" : "false";
  return *this;
}

std::string html_text(std::string_view text) {
  std::string result;
  for (char const c : one_line(text)) {
    switch (c) {
    case '<': result += "&lt;"; break;
    case '>': result += "&gt;"; break;
    case '&': result += "&amp;"; break;
    case '"': result += "&quot;"; break;
    case '\'': result += "&#39;"; break;
    default: result += c;
    }
  }
  return result;
}

} // namespace maru
