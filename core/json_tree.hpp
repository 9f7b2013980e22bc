// SPDX-License-Identifier: Apache-2.0
// Visitors of report_fields.hpp that turn structs into JSON trees, trees into structs, and types into a schema.
// Only core/*.cpp includes this file, so that nlohmann/json stays out of the public headers.
#pragma once

#include "core/error.hpp"
#include "core/report_fields.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <type_traits>

namespace maru {

using Json = nlohmann::ordered_json;

/// Parses JSON or CBOR; refuses what nests deeper or has larger objects than any report, before a tree is made of it.
/// Throws Error(usage), one line that begins with `origin`.
Json parse_tree(std::span<char const> bytes, Json::input_format_t format, std::string_view origin);

/// JSON text. What is not UTF-8 becomes U+FFFD: a host's name must not keep a report from being written.
std::string dump(Json const& tree, int indent = -1);

/// JSON text with a line for each member of the object, and for each element of its lists: short enough to read, and a
/// difference shows as a line. Ends with a newline.
std::string dump_lines(Json const& tree);

/// Text from a file, made fit for one line of a terminal: shortened, escaped as in JSON.
std::string printable(std::string_view text);

constexpr std::array all_statuses{Status::ok, Status::wrong, Status::skipped, Status::failed};
constexpr std::array all_stops{Stop::converged, Stop::max_iterations, Stop::budget, Stop::fixed, Stop::interrupted};
inline auto const& all_values(Status) { return all_statuses; }
inline auto const& all_values(Stop) { return all_stops; }

template <class T> constexpr bool is_optional = false;
template <class T> constexpr bool is_optional<std::optional<T>> = true;
template <class T> constexpr bool is_vector = false;
template <class T> constexpr bool is_vector<std::vector<T>> = true;

// ---- struct → tree

template <class T> Json encode(T const& value);

template <class T> Json encode_value(T const& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(name(value));
  } else if constexpr (is_vector<T>) {
    auto list = Json::array();
    for (auto const& element : value) list.push_back(encode_value(element));
    return list;
  } else if constexpr (std::is_floating_point_v<T>) {
    // JSON has no infinity; a report that holds one is a fault of ours and must not be stored as null.
    if (!std::isfinite(value)) throw Error(Exit::incomplete, "a value of the report is not finite");
    return value;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else {
    return encode(value);
  }
}

struct Encoder {
  Json tree = Json::object();

  template <class T> void operator()(char const* key, T const& value, char const*) {
    if constexpr (is_optional<T>) {
      if (value) tree[key] = encode_value(*value);
    } else {
      tree[key] = encode_value(value);
    }
  }
  template <class T> void later(char const* key, T const& value, char const* description) {
    (*this)(key, value, description);
  }
  void ranks(char const* key, std::vector<std::int64_t> const& value, char const*) { tree[key] = format_ranks(value); }
  void labels(char const* key, Labels const& value, char const*) {
    auto& object = tree[key] = Json::object();
    for (auto const& [label, content] : value.entries())
      std::visit([&, &label = label](auto const& v) { object[label] = encode_value(v); }, content);
  }
};

template <class T> Json encode(T const& value) {
  Encoder encoder;
  fields(encoder, const_cast<T&>(value)); // one field list serves reader and writer; the writer only reads
  return std::move(encoder.tree);
}

// ---- tree → struct

[[noreturn]] inline void expected(std::string const& place, std::string_view what) {
  throw Error(Exit::usage, fmt::format("{}: expected {}", place, what));
}

template <class T> void decode(Json const& tree, T& value, std::string const& place);

template <class T> void decode_number(Json const& tree, T& value, std::string const& place) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!tree.is_number()) expected(place, "a number");
    value = tree.get<T>();
    if (!std::isfinite(value)) expected(place, "a finite number");
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!tree.is_number_unsigned()) expected(place, "a whole number, not negative");
    value = tree.get<T>();
  } else {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (!tree.is_number_integer() || (tree.is_number_unsigned() && tree.get<std::uint64_t>() > most))
      expected(place, "a whole number of 63 bits");
    value = tree.get<T>();
  }
}

/// What a value occupies beyond the text it was read from: ranks are stored as ranges, so that a small file could
/// ask for any amount of memory.
template <class T> std::size_t unfolded(T const&) { return 0; }
inline std::size_t unfolded(Record const& record) { return record.group.ranks.size(); }
constexpr std::size_t most_unfolded = std::size_t{1} << 26;

template <class T> void decode_value(Json const& tree, T& value, std::string const& place) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!tree.is_boolean()) expected(place, "true or false");
    value = tree.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T>) {
    decode_number(tree, value, place);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!tree.is_string()) expected(place, "a string");
    value = tree.get<std::string>();
  } else if constexpr (std::is_enum_v<T>) {
    for (auto const candidate : all_values(T{}))
      if (tree.is_string() && tree.get_ref<std::string const&>() == name(candidate)) {
        value = candidate;
        return;
      }
    expected(place, "one of the known words");
  } else if constexpr (is_vector<T>) {
    if (!tree.is_array()) expected(place, "a list");
    value.clear();
    std::size_t size = 0;
    for (auto const& element : tree) {
      typename T::value_type decoded{};
      decode_value(element, decoded, fmt::format("{}[{}]", place, value.size()));
      size += unfolded(decoded);
      if (size > most_unfolded) expected(place, "fewer ranks in all");
      value.push_back(std::move(decoded));
    }
  } else {
    decode(tree, value, place + ".");
  }
}

struct Decoder {
  Json const& tree;
  std::string const& place; ///< ends where the next key can be written

  Json const& at(char const* key) const {
    auto const found = tree.find(key);
    if (found == tree.end()) throw Error(Exit::usage, fmt::format("{}{}: missing", place, key));
    return *found;
  }
  template <class T> void operator()(char const* key, T& value, char const*) {
    if constexpr (is_optional<T>) {
      value.reset();
      auto const found = tree.find(key);
      if (found != tree.end()) decode_value(*found, value.emplace(), place + key);
    } else {
      decode_value(at(key), value, place + key);
    }
  }
  template <class T> void later(char const* key, T& value, char const*) {
    value = T{};
    auto const found = tree.find(key);
    if (found != tree.end()) decode_value(*found, value, place + key);
  }
  void ranks(char const* key, std::vector<std::int64_t>& value, char const*) {
    std::string text;
    decode_value(at(key), text, place + key);
    try {
      value = parse_ranks(text);
    } catch (Error const&) {
      expected(place + key, "ranks such as \"0-3,8\"");
    }
  }
  void labels(char const* key, Labels& value, char const*) {
    auto const& object = at(key);
    if (!object.is_object()) expected(place + key, "an object");
    value = {};
    for (auto const& [label, content] : object.items()) {
      auto const where = place + key + "." + printable(label);
      if (content.is_string())
        value.set(label, content.get<std::string>());
      else if (content.is_number_float())
        value.set(label, decoded<double>(content, where));
      else if (content.is_number_integer())
        value.set(label, decoded<std::int64_t>(content, where));
      else
        expected(where, "a number or a string");
    }
  }

private:
  template <class T> static T decoded(Json const& tree, std::string const& place) {
    T value{};
    decode_number(tree, value, place);
    return value;
  }
};

template <class T> void decode(Json const& tree, T& value, std::string const& place) {
  if (!tree.is_object()) expected(place.substr(0, place.find_last_not_of(".: ") + 1), "an object");
  Decoder decoder{tree, place};
  fields(decoder, value);
}

// ---- type → schema

template <class T> Json schema_of();

struct SchemaWriter {
  Json properties = Json::object();
  Json required = Json::array();

  template <class T> static Json of(T const&) {
    if constexpr (std::is_same_v<T, bool>)
      return {{"type", "boolean"}};
    else if constexpr (std::is_floating_point_v<T>)
      return {{"type", "number"}};
    else if constexpr (std::is_unsigned_v<T>)
      return {{"type", "integer"}, {"minimum", 0}};
    else if constexpr (std::is_integral_v<T>)
      return {{"type", "integer"}};
    else if constexpr (std::is_same_v<T, std::string>)
      return {{"type", "string"}};
    else if constexpr (std::is_enum_v<T>) {
      auto words = Json::array();
      for (auto const value : all_values(T{})) words.push_back(std::string(name(value)));
      return {{"enum", words}};
    } else if constexpr (is_vector<T>) {
      return {{"type", "array"}, {"items", of(typename T::value_type{})}};
    } else {
      return schema_of<T>();
    }
  }
  template <class T> void operator()(char const* key, T const& value, char const* description) {
    if constexpr (is_optional<T>) {
      add(key, of(typename T::value_type{}), description);
    } else {
      add(key, of(value), description);
      required.push_back(key);
    }
  }
  template <class T> void later(char const* key, T const& value, char const* description) {
    add(key, of(value), description);
  }
  void ranks(char const* key, std::vector<std::int64_t> const&, char const* description) {
    add(key, Json{{"type", "string"}, {"pattern", "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$"}}, description);
    required.push_back(key);
  }
  void labels(char const* key, Labels const&, char const* description) {
    add(key, Json{{"type", "object"}, {"additionalProperties", {{"type", Json::array({"number", "string"})}}}},
        description);
    required.push_back(key);
  }

private:
  void add(char const* key, Json schema, char const* description) {
    schema["description"] = description;
    properties[key] = std::move(schema);
  }
};

template <class T> Json schema_of() {
  SchemaWriter writer;
  T value{};
  fields(writer, value);
  return {{"type", "object"}, {"properties", writer.properties}, {"required", writer.required}};
}

} // namespace maru
