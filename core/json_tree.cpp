// SPDX-License-Identifier: Apache-2.0
#include "core/json_tree.hpp"

namespace maru {
namespace {

constexpr std::size_t deepest = 32;    // a report nests 6 deep
constexpr std::size_t most_keys = 256; // ordered objects look a key up by going through all of them

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
  bool key(string_t&) override {
    return ++keys_.back() <= most_keys || fail(fmt::format("an object of over {} keys", most_keys));
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, std::string const&, nlohmann::detail::exception const& error) override {
    std::string_view text = error.what();
    if (auto const detail = text.find(": "); detail != text.npos) text.remove_prefix(detail + 2);
    return fail(fmt::format("not readable at byte {}: {}", position, printable(text)));
  }

  std::string fault;

private:
  bool enter() {
    keys_.push_back(0);
    return keys_.size() <= deepest || fail(fmt::format("nested deeper than {}", deepest));
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }
  bool fail(std::string text) {
    if (fault.empty()) fault = std::move(text);
    return false;
  }

  std::vector<std::size_t> keys_; ///< of each object that is open
};

} // namespace

Json parse_tree(std::span<char const> bytes, Json::input_format_t format, std::string_view origin) {
  ShapeGuard guard;
  if (!Json::sax_parse(bytes.begin(), bytes.end(), &guard, format)) {
    auto const fault = guard.fault.empty() ? std::string("not readable") : guard.fault;
    throw Error(Exit::usage, fmt::format("{}: {}", origin, fault));
  }
  try {
    return format == Json::input_format_t::json ? Json::parse(bytes.begin(), bytes.end())
                                                : Json::from_cbor(bytes.begin(), bytes.end());
  } catch (Json::exception const& error) {
    throw Error(Exit::usage, fmt::format("{}: not readable: {}", origin, printable(error.what())));
  }
}

std::string dump(Json const& tree, int indent) { return tree.dump(indent, ' ', false, Json::error_handler_t::replace); }

std::string dump_lines(Json const& tree) {
  std::string text = "{";
  for (auto const& [key, value] : tree.items()) {
    text += fmt::format("{}\n\"{}\": ", text.size() > 1 ? "," : "", key);
    if (!value.is_array()) {
      text += dump(value);
      continue;
    }
    text += "[";
    for (std::size_t i = 0; i < value.size(); ++i) text += (i > 0 ? ",\n " : "\n ") + dump(value[i]);
    text += "\n]";
  }
  return text + "\n}\n";
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 120;
  auto result = dump(Json(text.substr(0, longest)));
  result = result.substr(1, result.size() - 2); // without the quotes
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] == '\x7f') result[i] = '?';
    // JSON escapes neither DEL nor U+0080 … U+009F, which some terminals obey.
    if (result[i] == '\xc2' && static_cast<unsigned char>(result[i + 1]) < 0xa0) result.replace(i, 2, "?");
  }
  return text.size() > longest ? result + "…" : result;
}

} // namespace maru
