// SPDX-License-Identifier: Apache-2.0
#include "analysis/spec.hpp"

#include "analysis/builtin_specs.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/operation.hpp"
#include "core/suggest.hpp"
#include "core/toml_tree.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

[[noreturn]] void refuse(std::string const& where, std::string_view fault) {
  throw Error(Exit::usage, fmt::format("{}: {}", where, fault));
}

// Text of a spec goes into verdicts and onto terminals.
std::string plain_text(toml::node const& node, std::string const& where) {
  auto text = scalar_text(node, where);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const code = static_cast<unsigned char>(text[i]);
    bool const second_set = code == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0; // TOML is valid UTF-8
    if (code < 0x20 || code == 0x7F || second_set) refuse(where, "a control character in text");
  }
  return text;
}

struct TextKey {
  std::string_view key;
  std::string Floor::*member;
};
constexpr std::array text_keys{TextKey{"what", &Floor::what},           TextKey{"probe", &Floor::probe},
                               TextKey{"operation", &Floor::operation}, TextKey{"backend", &Floor::backend},
                               TextKey{"group", &Floor::group_kind},    TextKey{"source", &Floor::source}};
constexpr std::array<std::string_view, 3> rate_keys{"flops", "bytes_per_second", "seconds"};
constexpr std::array<std::string_view, 8> label_keys{"dtype",  "out",  "space", "in_place",
                                                     "offset", "root", "graph", "registered"};
constexpr std::array<std::string_view, 4> size_keys{"m", "n", "k", "size_bytes"};

template <class List> bool has(List const& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> all_keys() {
  std::vector<std::string> keys{"ranks"};
  for (auto const& row : text_keys) keys.emplace_back(row.key);
  for (auto const key : rate_keys) keys.emplace_back(key);
  for (auto const key : label_keys) keys.emplace_back(key);
  for (auto const key : size_keys) keys.emplace_back(key);
  return keys;
}

// As an operation writes its labels, whatever common name the file has.
std::string label_value(std::string_view key, std::string const& text, std::string const& where) {
  if (key == "dtype" || key == "out") {
    auto const dtype = parse_dtype(text);
    if (!dtype) refuse(where, fmt::format("'{}' is no element type", text));
    return std::string(name(*dtype));
  }
  if (key == "space") {
    if (!parse_memory_space(text)) refuse(where, unknown("memory space", text, {"host", "device", "l2"}));
    return text == "host" ? "" : text; // the host's memory is not named in a label
  }
  return fmt::format("{}", parse_integer(text, where, 0, 1 << 20));
}

void read_rate(Floor& floor, std::string_view key, std::string const& text, std::string const& where) {
  if (floor.unit != Unit::none) refuse(where, "a floor has one of flops, bytes_per_second and seconds");
  bool const time = key == "seconds";
  floor.unit = time ? Unit::second : key == "flops" ? Unit::flop_per_second : Unit::byte_per_second;
  floor.least = time ? parse_duration(text, where) : parse_rate(text, where);
}

void read_key(Floor& floor, std::string const& key, std::string const& text, std::string const& where) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  auto const plain = std::find_if(text_keys.begin(), text_keys.end(), [&](auto const& row) { return row.key == key; });
  if (plain != text_keys.end())
    floor.*plain->member = text;
  else if (key == "ranks")
    floor.ranks = parse_integer(text, where, 1, most);
  else if (has(rate_keys, key))
    read_rate(floor, key, text, where);
  else if (has(label_keys, key))
    floor.labels[key] = label_value(key, text, where);
  else if (key == "size_bytes")
    floor.sizes[key] = static_cast<double>(parse_bytes(text, where));
  else if (has(size_keys, key))
    floor.sizes[key] = static_cast<double>(parse_integer(text, where, 1, most));
  else
    throw Error(Exit::usage,
                fmt::format("{}: {}", where.substr(0, where.rfind(": ")), unknown("key", key, all_keys())));
}

bool is_operation(std::string_view text) {
  return parse_memory_kind(text) || parse_transfer_kind(text) || parse_collective_kind(text) || text == "gemm" ||
         text == "tensor_issue" || text == "spin";
}

bool is_group(std::string_view text) {
  return text.empty() || has(std::array<std::string_view, 4>{"rank", "node", "world", "pairs"}, text) ||
         text.starts_with("split:");
}

Floor read_floor(toml::node const& node, std::string const& origin) {
  auto const where = place(origin, node);
  auto const* table = node.as_table();
  if (!table) refuse(where, "expected a [[floor]] table");
  Floor floor;
  for (auto const& [key, value] : *table) {
    auto const word = key_text(key);
    auto const at = fmt::format("{}: {}", place(origin, value), word);
    read_key(floor, word, plain_text(value, at), at);
  }
  if (floor.what.empty()) refuse(where, "a floor without what: its name in a verdict");
  if (!is_operation(floor.operation)) refuse(where, fmt::format("{}: no operation: '{}'", floor.what, floor.operation));
  if (!is_group(floor.group_kind))
    refuse(where, unknown("group", floor.group_kind, {"rank", "node", "world", "pairs", "split:K"}));
  if (floor.unit == Unit::none)
    refuse(where, fmt::format("{}: without flops, bytes_per_second or seconds", floor.what));
  if (floor.source.empty()) refuse(where, fmt::format("{}: without a source", floor.what));
  return floor;
}

std::vector<Spec> all_builtin() {
  std::vector<Spec> specs;
  for (auto const& row : builtin_spec_table) specs.push_back(parse_spec(row.text, std::string(row.name)));
  return specs;
}

} // namespace

bool is_for(Floor const& floor, Metric const& metric, std::size_t ranks) {
  auto const fits = [](std::string const& wanted, std::string const& is) { return wanted.empty() || wanted == is; };
  if (!fits(floor.probe, metric.probe) || !fits(floor.operation, metric.operation) ||
      !fits(floor.backend, metric.backend) || !fits(floor.group_kind, metric.group_kind) || floor.unit != metric.unit)
    return false;
  if (floor.ranks != 0 && static_cast<std::size_t>(floor.ranks) != ranks) return false;
  auto const large_enough = [&](auto const& size) {
    auto const* label = metric.labels.find(size.first);
    auto const* whole = label ? std::get_if<std::int64_t>(label) : nullptr;
    return whole && static_cast<double>(*whole) >= size.second;
  };
  return std::all_of(floor.labels.begin(), floor.labels.end(),
                     [&](auto const& label) { return metric.labels.text(label.first) == label.second; }) &&
         std::all_of(floor.sizes.begin(), floor.sizes.end(), large_enough);
}

bool is_for(Spec const& spec, Place const& place) {
  if (spec.models.empty()) return !place.device;
  return place.device && std::find(spec.models.begin(), spec.models.end(), place.model) != spec.models.end();
}

Floor const* floor_for(Spec const& spec, Metric const& metric, std::size_t ranks) {
  Floor const* strictest = nullptr;
  auto const is_stricter = [&](Floor const& floor) {
    return metric.higher_is_better() ? floor.least > strictest->least : floor.least < strictest->least;
  };
  for (auto const& floor : spec.floors)
    if (floor.unit == metric.unit && is_for(floor, metric, ranks) && (!strictest || is_stricter(floor)))
      strictest = &floor;
  return strictest;
}

std::vector<std::string> builtin_specs() {
  std::vector<std::string> names;
  for (auto const& row : builtin_spec_table) names.emplace_back(row.name);
  return names;
}

std::string_view builtin_spec_text(std::string_view name) {
  for (auto const& row : builtin_spec_table)
    if (row.name == name) return row.text;
  throw Error(Exit::usage, unknown("spec", name, builtin_specs()));
}

Spec parse_spec(std::string_view text, std::string const& origin) {
  auto const root = parse_toml(text, origin);
  Spec spec;
  spec.name = origin;
  for (auto const& [key, node] : root) {
    auto const word = key_text(key);
    auto const where = fmt::format("{}: {}", place(origin, node), word);
    if (word == "name") {
      spec.name = plain_text(node, where);
    } else if (word == "models") {
      auto const* list = node.as_array();
      if (!list || list->empty()) refuse(where, "expected a list of models, as the driver writes them");
      for (auto const& model : *list) spec.models.push_back(plain_text(model, where));
    } else if (word != "floor") {
      refuse(place(origin, node), unknown("key", word, {"name", "models", "floor"}));
    } else {
      auto const* floors = node.as_array();
      if (!floors) refuse(place(origin, node), "write [[floor]], one for each floor");
      for (auto const& entry : *floors) spec.floors.push_back(read_floor(entry, origin));
    }
  }
  if (spec.floors.empty()) refuse(origin, "asks for no floor");
  return spec;
}

Spec load_spec(std::string const& name_or_file) {
  auto const names = builtin_specs();
  if (has(names, name_or_file)) return parse_spec(builtin_spec_text(name_or_file), name_or_file);
  if (name_or_file.find('/') == std::string::npos && !name_or_file.ends_with(".toml") && !is_file(name_or_file))
    throw Error(Exit::usage, unknown("spec", name_or_file, names));
  return parse_spec(read_file(name_or_file, largest_toml), name_or_file);
}

Spec const* find_spec(std::string_view model) {
  static std::vector<Spec> const specs = all_builtin();
  auto const found = std::find_if(specs.begin(), specs.end(), [&](Spec const& spec) {
    return model.empty() ? spec.models.empty() : has(spec.models, model);
  });
  return found == specs.end() ? nullptr : &*found;
}

} // namespace maru
