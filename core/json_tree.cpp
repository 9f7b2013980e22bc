// SPDX-License-Identifier: Apache-2.0
#include "core/json_tree.hpp"

#include "core/text.hpp"

namespace maru {
bool ShapeGuard::key(string_t&) {
  return ++keys_.back() <= most_keys || fail(fmt::format("an object of over {} keys", most_keys));
}

bool ShapeGuard::parse_error(std::size_t position, std::string const&, nlohmann::detail::exception const& error) {
  std::string_view text = error.what();
  if (auto const detail = text.find(": "); detail != text.npos) text.remove_prefix(detail + 2);
  return fail(fmt::format("not readable at byte {}: {}", position, printable(text)));
}

bool ShapeGuard::enter() {
  keys_.push_back(0);
  return keys_.size() <= deepest || fail(fmt::format("nested deeper than {}", deepest));
}

bool ShapeGuard::leave() {
  keys_.pop_back();
  return true;
}

bool ShapeGuard::fail(std::string text) {
  if (fault_.empty()) fault_ = std::move(text);
  return false;
}

Error ShapeGuard::error(std::string_view origin) const {
  return Error(Exit::usage, fmt::format("{}: {}", origin, fault_.empty() ? "not readable" : fault_));
}

Json parse_tree(std::span<char const> bytes, Json::input_format_t format, std::string_view origin) {
  ShapeGuard guard;
  if (!Json::sax_parse(bytes.begin(), bytes.end(), &guard, format)) throw guard.error(origin);
  try {
    return format == Json::input_format_t::json ? Json::parse(bytes.begin(), bytes.end())
                                                : Json::from_cbor(bytes.begin(), bytes.end());
  } catch (Json::exception const& error) {
    throw Error(Exit::usage, fmt::format("{}: not readable: {}", origin, printable(error.what())));
  }
}

std::string dump(Json const& tree, int indent) { return tree.dump(indent, ' ', false, Json::error_handler_t::replace); }

std::string dump_lines(Json const& tree) {
  LineWriter lines;
  for (auto const& [key, value] : tree.items()) lines.member(key, value);
  return lines.take();
}

void LineWriter::begin(std::string_view key) {
  text_ += text_.size() > 1 ? ",\n\"" : "\n\"";
  text_ += key;
  text_ += "\": ";
}

void LineWriter::member(std::string_view key, Json const& value) {
  begin(key);
  if (!value.is_array()) {
    text_ += dump(value);
    return;
  }
  begin_list();
  for (auto const& item : value) element(item);
  end_list();
}

void LineWriter::begin_list() {
  text_ += "[";
  first_ = true;
}

void LineWriter::element(Json const& value) {
  text_ += first_ ? "\n " : ",\n ";
  first_ = false;
  text_ += dump(value);
}

void LineWriter::end_list() { text_ += "\n]"; }

std::string LineWriter::take() {
  text_ += "\n}\n";
  return std::move(text_);
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 120;
  auto result = dump(Json(text.substr(0, longest)));
  result = one_line(result.substr(1, result.size() - 2)); // without the quotes; JSON leaves all but C0 as it is
  return text.size() > longest ? result + "…" : result;
}

} // namespace maru
