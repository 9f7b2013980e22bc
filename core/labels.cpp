// SPDX-License-Identifier: Apache-2.0
#include "core/labels.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {

void Labels::set(std::string_view key, LabelValue value) {
  auto const found = std::find_if(entries_.begin(), entries_.end(), [&](Entry const& e) { return e.first == key; });
  if (found != entries_.end())
    found->second = std::move(value);
  else
    entries_.emplace_back(key, std::move(value));
}

LabelValue const* Labels::find(std::string_view key) const {
  auto const found = std::find_if(entries_.begin(), entries_.end(), [&](Entry const& e) { return e.first == key; });
  return found == entries_.end() ? nullptr : &found->second;
}

std::string Labels::text(std::string_view key) const {
  auto const* value = find(key);
  return value ? to_text(*value) : std::string();
}

std::string Labels::line() const {
  std::string line;
  for (auto const& [key, value] : entries_)
    line += fmt::format("{}{}={}", line.empty() ? "" : " ", key, to_text(value));
  return line;
}

std::string to_text(LabelValue const& value) {
  return std::visit([](auto const& v) { return fmt::format("{}", v); }, value);
}

} // namespace maru
