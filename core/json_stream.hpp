// SPDX-License-Identifier: Apache-2.0
// Reads files whose trees would not fit into memory. Only core/*.cpp includes this file.
#pragma once

#include "core/json_tree.hpp"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace maru {

/// The next bytes of what is parsed, which last until the next call; none at the end.
using NextBytes = std::function<std::span<char const>()>;

/// Takes the elements of a list, each as soon as it is read. Of a key that stands twice the last counts: what was taken
/// of a list is void when it begins again, and when `present` is false in the end, for then the last was no list.
class ListTaker {
public:
  virtual ~ListTaker() = default;
  virtual void begin() = 0;
  /// Keeps what is wrong with it for check(): faults of the syntax, further on as well, are told first.
  virtual void take(Tape::Value const& element) = 0;
  virtual void check() const = 0;
  bool present = false;
};
using ListTakers = std::map<std::string, std::unique_ptr<ListTaker>, std::less<>>;

/// Parses JSON or CBOR as parse_tree does, with the same limits and errors. Gives the tree of the outermost object, in
/// which every list is empty: its elements went to the taker of its key, or are passed over where there is none. Null
/// where the outermost value is no object.
Json parse_members(NextBytes next, Json::input_format_t format, std::string_view origin, ListTakers const& takers);

} // namespace maru
