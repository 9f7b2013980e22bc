// SPDX-License-Identifier: Apache-2.0
#include "collectors/system_files.hpp"

#include "core/error.hpp"
#include "core/file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

namespace maru {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view blanks = " \t\n\r\v\f";
constexpr std::size_t most_bytes = 1 << 20;
constexpr std::size_t most_names = 4096;

template <class Number> std::optional<Number> parse(std::string_view text) {
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> parts;
  for (auto begin = text.find_first_not_of(at); begin != text.npos;) {
    auto const end = std::min(text.find_first_of(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(at, end);
  }
  return parts;
}

} // namespace

std::optional<std::int64_t> whole_number(std::string_view text) { return parse<std::int64_t>(text); }

std::optional<double> decimal_number(std::string_view text) {
  auto const value = parse<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(blanks) + 1));
  return text;
}

std::vector<std::string_view> words_of(std::string_view text) { return split(text, blanks); }
std::vector<std::string_view> lines_of(std::string_view text) { return split(text, "\n"); }

Known<std::string> SystemFiles::text(std::string const& path) const {
  try {
    return known(std::string(trimmed(read_file(real(path), most_bytes))));
  } catch (Error const& error) {
    return unknown_because<std::string>(std::string(error.what()).substr(root_.size()));
  }
}

Known<std::int64_t> SystemFiles::number(std::string const& path) const {
  auto const read = text(path);
  if (!read.value) return unknown_because<std::int64_t>(*read.reason);
  if (auto const value = whole_number(*read.value)) return known(*value);
  return unknown_because<std::int64_t>(path + ": not a number");
}

std::vector<std::string> SystemFiles::list(std::string const& path) const {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = fs::directory_iterator(real(path), error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (names.size() < most_names) names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string SystemFiles::link(std::string const& path) const {
  std::error_code error;
  return fs::read_symlink(real(path), error).string();
}

bool SystemFiles::exists(std::string const& path) const {
  std::error_code error;
  return fs::exists(real(path), error);
}

} // namespace maru
