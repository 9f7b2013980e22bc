// SPDX-License-Identifier: Apache-2.0
#include "core/verdict_io.hpp"

#include "core/json_tree.hpp"
#include "core/text.hpp"
#include "core/verdict_fields.hpp"

namespace maru {
namespace {

// JSON leaves all but C0 as it is, and some terminals obey the rest. It can stand within strings only.
std::string without_controls(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  while (!json.empty()) {
    auto const [code, bytes] = take_point(json);
    if (!is_control(code) || code == '\n')
      text += bytes;
    else if (code < 0x10000)
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    else
      text += fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0U + static_cast<unsigned>(code >> 10U),
                          0xDC00U + static_cast<unsigned>(code & 0x3FFU));
  }
  return text;
}

} // namespace

std::string verdict_to_json(Verdict const& verdict) {
  Json tree{{"maru_verdict", verdict_version}};
  tree.update(encode(verdict));
  return without_controls(dump_lines(tree));
}

} // namespace maru
