// SPDX-License-Identifier: Apache-2.0
#include "core/report_io.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/json_tree.hpp"

#include <algorithm>

namespace maru {
namespace {

std::span<char const> characters(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

Bytes cbor(Json const& tree) {
  auto const raw = Json::to_cbor(tree);
  auto const* first = reinterpret_cast<std::byte const*>(raw.data());
  return {first, first + raw.size()};
}

// Whoever shows a link map looks its nodes up by these.
void require_whole(std::vector<LinkMap> const& maps, std::string_view origin) {
  for (auto const& map : maps) {
    auto const known = [&](std::size_t node) { return node < map.nodes.size(); };
    bool const links = std::all_of(map.links.begin(), map.links.end(),
                                   [&](Link const& link) { return known(link.from) && known(link.to); });
    if (!links || !std::all_of(map.ranking.begin(), map.ranking.end(), known))
      throw Error(Exit::usage, fmt::format("{}: links: a link of a node that is not there", origin));
  }
}

Report decode_report(Json const& tree, std::string_view origin) {
  Report report;
  auto const version = tree.is_object() ? tree.find("maru_report") : tree.end();
  if (!tree.is_object() || version == tree.end())
    throw Error(Exit::usage, fmt::format("{}: not a maru report", origin));
  if (!version->is_number_integer() || *version != report_version)
    throw Error(Exit::usage, fmt::format("{}: report format {}, this program reads {}", origin,
                                         printable(dump(*version)), report_version));
  decode(tree, report, std::string(origin) + ": ");
  require_whole(report.links, origin);
  return report;
}

} // namespace

std::string to_json(Report const& report) { return dump_lines(encode(report)); }

Bytes to_cbor(Report const& report) { return cbor(encode(report)); }

Report report_from_json(std::string_view text, std::string_view origin) {
  return decode_report(parse_tree(text, Json::input_format_t::json, origin), origin);
}

Report report_from_cbor(std::span<std::byte const> bytes, std::string_view origin) {
  return decode_report(parse_tree(characters(bytes), Json::input_format_t::cbor, origin), origin);
}

Report read_report(std::string const& path) {
  auto const file = is_directory(path) ? path + "/report.json" : path;
  if (is_directory(path) && !is_file(file) && is_file(path + "/journal.jsonl"))
    throw Error(Exit::usage,
                fmt::format("{0} has no report, its run did not end: maru run --resume {0} goes on with it", path));
  auto const text = read_file(file);
  if (file.ends_with(".cbor")) return report_from_cbor(std::as_bytes(std::span(text)), file);
  return report_from_json(text, file);
}

std::string record_to_json_line(Record const& record) { return dump(encode(record)); }

Record record_from_json(std::string_view text, std::string_view origin) {
  Record record;
  decode(parse_tree(text, Json::input_format_t::json, origin), record, std::string(origin) + ": ");
  return record;
}

Bytes records_to_cbor(std::vector<Record> const& records) {
  auto tree = Json::array();
  for (auto const& record : records) tree.push_back(encode(record));
  return cbor(tree);
}

std::vector<Record> records_from_cbor(std::span<std::byte const> bytes, std::string_view origin) {
  std::vector<Record> records;
  decode_value(parse_tree(characters(bytes), Json::input_format_t::cbor, origin), records, std::string(origin) + ": ");
  return records;
}

std::string report_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Maru report"}};
  schema.update(schema_of<Report>());
  schema["properties"]["maru_report"] = Json{{"const", report_version}};
  return schema.dump(1) + "\n";
}

} // namespace maru
