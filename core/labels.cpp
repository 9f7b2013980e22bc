// SPDX-License-Identifier: Apache-2.0
#include "core/labels.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {

void Labels::set(std::string_view key, LabelValue value) {
  auto changed = entries();
  auto const found = std::find_if(changed.begin(), changed.end(), [&](Entry const& e) { return e.first == key; });
  if (found != changed.end())
    found->second = std::move(value);
  else
    changed.emplace_back(key, std::move(value));
  entries_ = std::make_shared<std::vector<Entry> const>(std::move(changed));
}

LabelValue const* Labels::find(std::string_view key) const {
  auto const& all = entries();
  auto const found = std::find_if(all.begin(), all.end(), [&](Entry const& e) { return e.first == key; });
  return found == all.end() ? nullptr : &found->second;
}

std::vector<Labels::Entry> const& Labels::entries() const {
  static std::vector<Entry> const none;
  return entries_ ? *entries_ : none;
}

std::string Labels::text(std::string_view key) const {
  auto const* value = find(key);
  return value ? to_text(*value) : std::string();
}

std::string Labels::line() const {
  std::string line;
  for (auto const& [key, value] : entries())
    line += fmt::format("{}{}={}", line.empty() ? "" : " ", key, to_text(value));
  return line;
}

std::string to_text(LabelValue const& value) {
  return std::visit([](auto const& v) { return fmt::format("{}", v); }, value);
}

} // namespace maru
