// SPDX-License-Identifier: Apache-2.0
#include "core/verdict_io.hpp"

#include "core/json_tree.hpp"
#include "core/verdict_fields.hpp"

namespace maru {
namespace {

// JSON leaves DEL and U+0080 … U+009F as they are, and some terminals obey them. They can stand within strings only.
std::string without_controls(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    auto const code = static_cast<unsigned char>(json[i]);
    auto const next = i + 1 < json.size() ? static_cast<unsigned char>(json[i + 1]) : 0U;
    if (code == 0x7F)
      text += "\\u007f";
    else if (code == 0xC2 && next < 0xA0)
      text += fmt::format("\\u00{:02x}", static_cast<unsigned char>(json[++i]));
    else
      text += json[i];
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
