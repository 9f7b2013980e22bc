// SPDX-License-Identifier: Apache-2.0
#include "exporters/verdict_text.hpp"

#include "exporters/text.hpp"

namespace maru {
namespace {

// By hand: those of <cctype> follow the locale.
bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_harmless(char c) {
  constexpr std::string_view marks = " .,:;%+-/()[]_=@<>#?";
  return is_alphanumeric(c) || marks.find(c) != marks.npos;
}

} // namespace

std::string evidence_line(Evidence const& evidence) {
  std::string who;
  if (evidence.rank >= 0) who = fmt::format("rank {}", evidence.rank);
  if (!evidence.device_uuid.empty()) who += (who.empty() ? "" : ", ") + evidence.device_uuid;
  return one_line(fmt::format("{}: {}{}{}", evidence.judgement, who, who.empty() ? "" : ": ", evidence.text));
}

bool is_plain_host(std::string_view name) {
  constexpr std::size_t longest = 253;
  // Slurm takes it for every node there is.
  auto const is_letter = [&](std::size_t i, char letter) { return (name[i] | 0x20) == letter; };
  if (name.size() == 3 && is_letter(0, 'a') && is_letter(1, 'l') && is_letter(2, 'l')) return false;
  return !name.empty() && name.size() <= longest && is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

std::string harmless(std::string_view text) {
  constexpr std::size_t longest = 200;
  auto const line = one_line(text);
  std::string result;
  for (std::string_view rest = line; !rest.empty() && result.size() < longest;) {
    constexpr std::string_view arrow = "→";
    auto const code = static_cast<unsigned char>(rest.front());
    if (rest.starts_with(arrow)) {
      result += "->";
      rest.remove_prefix(arrow.size());
      continue;
    }
    if (code < 0x80 || code >= 0xC0) result += is_harmless(rest.front()) ? rest.front() : '?'; // one for a code point
    rest.remove_prefix(1);
  }
  return result;
}

} // namespace maru
