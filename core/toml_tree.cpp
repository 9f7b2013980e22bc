// SPDX-License-Identifier: Apache-2.0
#include "core/toml_tree.hpp"

#include "core/error.hpp"
#include "core/json_tree.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

// The TOML library goes down a dotted key by recursion, and a key must end with its line.
void refuse_deep_keys(std::string_view text, std::string const& origin) {
  constexpr std::ptrdiff_t most_dots = 200;
  for (std::size_t line = 1; !text.empty(); ++line) {
    auto const end = std::min(text.find('\n'), text.size());
    if (std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '.') > most_dots)
      throw Error(Exit::usage, fmt::format("{}:{}: more than {} dots in a line", origin, line, most_dots));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace

toml::table parse_toml(std::string_view text, std::string const& origin) {
  if (text.size() > largest_toml)
    throw Error(Exit::usage, fmt::format("{}: larger than {} MiB", origin, largest_toml >> 20));
  refuse_deep_keys(text, origin);
  try {
    return toml::parse(text);
  } catch (toml::parse_error const& error) {
    auto const& at = error.source().begin;
    throw Error(Exit::usage, fmt::format("{}:{}:{}: {}", origin, at.line, at.column, error.description()));
  }
}

std::string place(std::string const& origin, toml::node const& node) {
  return fmt::format("{}:{}", origin, node.source().begin.line);
}

std::string key_text(toml::key const& key) { return printable(key.str()); }

std::string scalar_text(toml::node const& node, std::string const& where) {
  if (auto const text = node.value<std::string>(); text && node.is_string()) return *text;
  if (node.is_integer()) return fmt::format("{}", *node.value<std::int64_t>());
  if (node.is_floating_point()) return fmt::format("{}", *node.value<double>());
  if (node.is_boolean()) return *node.value<bool>() ? "true" : "false";
  throw Error(Exit::usage, fmt::format("{}: expected text, a number or a list of them", where));
}

std::vector<std::string> list_text(toml::node const& node, std::string const& where) {
  std::vector<std::string> values;
  if (auto const* array = node.as_array()) {
    for (auto const& element : *array) values.push_back(scalar_text(element, where));
    if (values.empty()) throw Error(Exit::usage, fmt::format("{}: an empty list", where));
  } else {
    values.push_back(scalar_text(node, where));
  }
  return values;
}

} // namespace maru
