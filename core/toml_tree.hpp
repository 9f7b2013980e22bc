// SPDX-License-Identifier: Apache-2.0
// What plans and specs share in reading TOML. Only *.cpp files include this one, so that toml++ stays out of the public
// headers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace maru {

constexpr std::size_t largest_toml = 1 << 20;

/// Throws Error(usage), one line that begins with "origin:line", for what is not TOML, is larger than `largest_toml` or
/// nests keys so deeply that the library would use up the stack.
toml::table parse_toml(std::string_view text, std::string const& origin);

/// "origin:line"
std::string place(std::string const& origin, toml::node const& node);

/// A key made fit for one line of a terminal: a quoted one may hold anything.
std::string key_text(toml::key const& key);

/// A text, number or truth value as text. Throws Error(usage) that begins with `where` for anything else.
std::string scalar_text(toml::node const& node, std::string const& where);
/// One of them, or a list of at least one.
std::vector<std::string> list_text(toml::node const& node, std::string const& where);

} // namespace maru
