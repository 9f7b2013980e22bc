// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace maru {

/// Reports hold what hosts, drivers and users call themselves. Whatever shows such text passes it through here.

/// The same text as valid UTF-8: each byte that is not part of it becomes U+FFFD.
std::string valid_utf8(std::string_view text);

struct CodePoint {
  char32_t code = 0;
  std::string_view bytes;
};
/// Takes the next code point off valid UTF-8, which must not be empty.
CodePoint take_point(std::string_view& text);

/// What a terminal or a reader of text may obey instead of showing it: control codes (C0, DEL, C1), line and paragraph
/// separators, and what is invisible or changes the direction of what follows (bidirectional controls, zero-width
/// characters, tags).
bool is_control(char32_t code);

/// Valid UTF-8 on one line: each code point that is_control() becomes a blank.
std::string one_line(std::string_view text);

/// Columns of valid UTF-8 in a terminal: two for what is wide (Chinese, Japanese, Korean, emoji), none for marks that
/// stand on the letter before them.
std::size_t width(std::string_view text);

/// At most `columns` columns, an ellipsis at the end where something was cut.
std::string clip(std::string_view text, std::size_t columns);

/// The text in lines of at most `columns` columns, broken at blanks, or within words that are longer than a line. The
/// first line begins with `first`, the others with as many blanks; each ends with a newline.
std::string wrap(std::string_view text, std::string_view first, std::size_t columns);

} // namespace maru
