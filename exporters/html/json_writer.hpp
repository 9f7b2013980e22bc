// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace maru {

/// JSON that can stand inside of a <script> element of an HTML page: no text in it can end that element, begin a
/// comment or be read as markup, for <, > and & are written as escapes. Numbers have so many digits that are of use on
/// a page; what is not finite is null.
class JsonWriter {
public:
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(double value, int digits = 6);
  JsonWriter& count(std::size_t value);
  JsonWriter& flag(bool value);

  JsonWriter& member(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& member(std::string_view name, double value) { return key(name).number(value); }

  /// [ … ], one for each of the list.
  template <class List, class Write> JsonWriter& list(std::string_view name, List const& all, Write write) {
    key(name).begin('[');
    for (auto const& one : all) write(one);
    return end(']');
  }
  std::string take() { return std::move(text_); }

private:
  void separate();
  std::string text_;
  bool first_ = true;
};

/// Text between the tags of an HTML page, or within a quoted attribute.
std::string html_text(std::string_view text);

} // namespace maru
