// SPDX-License-Identifier: Apache-2.0
// Visitors of report_fields.hpp that turn structs into JSON trees, trees into structs, and types into a schema.
// Only core/*.cpp includes this file, so that nlohmann/json stays out of the public headers.
#pragma once

#include "core/error.hpp"
#include "core/json_tape.hpp"
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

/// Looks at the events of a parse without keeping anything, and stops it where a tree of it would cost too much.
class ShapeGuard : public nlohmann::json_sax<Json> {
public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, string_t const&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return fail("holds binary data"); }
  bool start_object(std::size_t) override { return enter(); }
  bool key(string_t& key) override;
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, std::string const& token, nlohmann::detail::exception const& error) override;

  bool fail(std::string text); ///< false, so that the parse stops
  /// Why it was stopped, or the fault of the syntax: one line that begins with `origin`.
  Error error(std::string_view origin) const;

private:
  static constexpr std::size_t deepest = 32;    // a report nests 6 deep
  static constexpr std::size_t most_keys = 256; // ordered objects look a key up by going through all of them

  bool enter();
  bool leave();

  std::string fault_;
  std::vector<std::size_t> keys_; ///< of each object that is open
};

/// Parses JSON or CBOR; refuses what nests deeper or has larger objects than any report, before a tree is made of it.
/// Throws Error(usage), one line that begins with `origin`.
Json parse_tree(std::span<char const> bytes, Json::input_format_t format, std::string_view origin);

/// JSON text. What is not UTF-8 becomes U+FFFD: a host's name must not keep a report from being written.
std::string dump(Json const& tree, int indent = -1);

/// JSON text with a line for each member of the object, and for each element of its lists: short enough to read, and a
/// difference shows as a line. Ends with a newline.
std::string dump_lines(Json const& tree);

/// The same, one value after the other.
class LineWriter {
public:
  void member(std::string_view key, Json const& value);
  void begin(std::string_view key); ///< of a member whose list follows
  void begin_list();
  void element(Json const& value);
  void end_list();
  /// Once, at the end.
  std::string take();

private:
  std::string text_ = "{";
  bool first_ = true; ///< of the list's elements
};

/// Text from a file, made fit for one line of a terminal: shortened, escaped as in JSON.
std::string printable(std::string_view text);

constexpr std::array all_statuses{Status::ok, Status::wrong, Status::skipped, Status::failed};
constexpr std::array all_stops{Stop::converged, Stop::max_iterations, Stop::budget, Stop::fixed, Stop::interrupted};
inline auto const& all_values(Status) { return all_statuses; }
inline auto const& all_values(Stop) { return all_stops; }

template <class T> constexpr bool is_optional = false;
template <class T> constexpr bool is_optional<std::optional<T>> = true;
template <class T> constexpr bool is_optional<Boxed<T>> = true;
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

/// Where a value stands in its file. Links to the place around it, which must outlive it, and becomes text only when
/// something is wrong there: a report has a hundred million values.
class Where {
public:
  /// `prefix` ends where the first key can be written: "report.json: ".
  Where(std::string_view prefix) : step_(prefix) {}
  Where(std::string const& prefix) : step_(prefix) {}
  Where(char const* prefix) : step_(prefix) {}
  Where member(std::string_view key) const { return {this, key, none}; }
  Where element(std::size_t index) const { return {this, {}, index}; }

  /// "report.json: records[3].time.median"
  std::string text() const {
    if (!around_) return std::string(step_);
    auto const before = around_->text();
    if (index_ != none) return fmt::format("{}[{}]", before, index_);
    return fmt::format("{}{}{}", before, around_->around_ ? "." : "", printable(step_));
  }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  Where(Where const* around, std::string_view step, std::size_t index) : around_(around), step_(step), index_(index) {}

  Where const* around_ = nullptr;
  std::string_view step_;
  std::size_t index_ = none;
};

[[noreturn]] inline void expected(Where const& where, std::string_view what) {
  auto const place = where.text();
  throw Error(Exit::usage, fmt::format("{}: expected {}", place.substr(0, place.find_last_not_of(": ") + 1), what));
}

template <class Tree, class T> void decode(Tree const& tree, T& value, Where const& where);

template <class Tree, class T> void decode_number(Tree const& tree, T& value, Where const& where) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!tree.is_number()) expected(where, "a number");
    value = tree.template get<T>();
    if (!std::isfinite(value)) expected(where, "a finite number");
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!tree.is_number_unsigned()) expected(where, "a whole number, not negative");
    value = tree.template get<T>();
  } else {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (!tree.is_number_integer() || (tree.is_number_unsigned() && tree.template get<std::uint64_t>() > most))
      expected(where, "a whole number of 63 bits");
    value = tree.template get<T>();
  }
}

/// What a value occupies beyond the text it was read from: ranks are stored as ranges, so that a small file could
/// ask for any amount of memory.
template <class T> std::size_t unfolded(T const&) { return 0; }
inline std::size_t unfolded(Record const& record) { return record.group.ranks.size(); }
constexpr std::size_t most_unfolded = std::size_t{1} << 26;

template <class Tree, class T> void decode_value(Tree const& tree, T& value, Where const& where) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!tree.is_boolean()) expected(where, "true or false");
    value = tree.template get<bool>();
  } else if constexpr (std::is_arithmetic_v<T>) {
    decode_number(tree, value, where);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!tree.is_string()) expected(where, "a string");
    value = tree.template get<std::string>();
  } else if constexpr (std::is_enum_v<T>) {
    auto const word = tree.is_string() ? tree.template get<std::string>() : std::string();
    for (auto const candidate : all_values(T{}))
      if (word == name(candidate)) {
        value = candidate;
        return;
      }
    expected(where, "one of the known words");
  } else if constexpr (is_vector<T>) {
    if (!tree.is_array()) expected(where, "a list");
    value.clear();
    std::size_t size = 0;
    for (auto const& element : tree) {
      typename T::value_type decoded{};
      decode_value(element, decoded, where.element(value.size()));
      size += unfolded(decoded);
      if (size > most_unfolded) expected(where, "fewer ranks in all");
      value.push_back(std::move(decoded));
    }
  } else {
    decode(tree, value, where);
  }
}

/// Each member of an object once; the last value of a key that stands twice, at the place of the first.
void for_members(Json const& object, auto act) {
  for (auto const& [key, value] : object.items()) act(std::string_view(key), value);
}
void for_members(Tape::Value const& object, auto act) {
  for (auto at = object.begin(); at != object.end(); ++at) {
    auto const key = (*at).key();
    bool known = false;
    for (auto before = object.begin(); before != at; ++before) known = known || (*before).key() == key;
    if (!known) act(key, *object.find(key));
  }
}

template <class Tree> struct Decoder {
  Tree const& tree;
  Where const& where; ///< of the tree

  decltype(auto) at(char const* key) const {
    auto const found = tree.find(key);
    if (found == tree.end()) throw Error(Exit::usage, fmt::format("{}: missing", where.member(key).text()));
    return *found;
  }
  template <class T> void operator()(char const* key, T& value, char const*) {
    if constexpr (is_optional<T>) {
      value.reset();
      auto const found = tree.find(key);
      if (found != tree.end()) decode_value(*found, value.emplace(), where.member(key));
    } else {
      decode_value(at(key), value, where.member(key));
    }
  }
  template <class T> void later(char const* key, T& value, char const*) {
    value = T{};
    auto const found = tree.find(key);
    if (found != tree.end()) decode_value(*found, value, where.member(key));
  }
  void ranks(char const* key, std::vector<std::int64_t>& value, char const*) {
    std::string text;
    decode_value(at(key), text, where.member(key));
    try {
      value = parse_ranks(text);
    } catch (Error const&) {
      expected(where.member(key), "ranks such as \"0-3,8\"");
    }
  }
  void labels(char const* key, Labels& value, char const*) {
    auto&& object = at(key);
    if (!object.is_object()) expected(where.member(key), "an object");
    std::vector<Labels::Entry> entries;
    auto const labels = where.member(key);
    for_members(object, [&](std::string_view label, auto const& content) {
      entries.emplace_back(label, label_of(label, content, labels));
    });
    value = Labels(std::move(entries));
  }

private:
  static LabelValue label_of(std::string_view label, auto const& content, Where const& labels) {
    if (content.is_string()) return content.template get<std::string>();
    auto const decoded = [&]<class T>(T value) {
      decode_number(content, value, labels.member(label));
      return LabelValue(value);
    };
    if (content.is_number_float()) return decoded(0.0);
    if (content.is_number_integer()) return decoded(std::int64_t{});
    expected(labels.member(label), "a number or a string");
  }
};

template <class Tree, class T> void decode(Tree const& tree, T& value, Where const& where) {
  if (!tree.is_object()) expected(where, "an object");
  Decoder<Tree> decoder{tree, where};
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
