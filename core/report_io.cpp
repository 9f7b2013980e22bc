// SPDX-License-Identifier: Apache-2.0
#include "core/report_io.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/journal.hpp"
#include "core/json_stream.hpp"

#include <algorithm>
#include <array>

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

/// Labels that many records share are kept once: the ranks of a case follow one another, in few cases at a time.
class SharedLabels {
public:
  void share(Labels& labels) {
    for (auto const& recent : recent_)
      if (recent == labels) {
        labels = recent;
        return;
      }
    recent_[next_++ % recent_.size()] = labels;
  }

private:
  std::array<Labels, 8> recent_;
  std::size_t next_ = 0;
};

template <class T> void reduce(T&) {}
void reduce(Record& record) {
  record.samples = {};
  record.spread.reset();
  record.trace.reset();
  record.ceiling.reset();
}
void reduce(LinkMap& map) {
  map.nodes = {};
  map.ranking = {};
  map.links = {};
}

template <class T> class ListDecoder : public ListTaker {
public:
  ListDecoder(std::vector<T>& list, std::string_view key, Where const& report, Keep keep)
      : list_(list), key_(key), report_(report), keep_(keep) {}

  void begin() override {
    list_.clear();
    fault_.reset();
    unfolded_ = 0;
  }

  void take(Tape::Value const& element) override {
    if (fault_) return;
    auto const place = report_.member(key_);
    try {
      auto& value = list_.emplace_back();
      decode_value(element, value, place.element(list_.size() - 1));
      unfolded_ += unfolded(value);
      if (unfolded_ > most_unfolded) expected(place, "fewer ranks in all");
      trim(value);
    } catch (Error const& error) {
      fault_ = error;
      list_.clear();
    }
  }

  void check() const override {
    if (fault_) throw *fault_;
  }

private:
  void trim(T& value) {
    if constexpr (std::is_same_v<T, Record>) labels_.share(value.labels);
    if (keep_ == Keep::figures) reduce(value);
  }

  std::vector<T>& list_;
  std::string_view key_;
  Where const& report_;
  Keep keep_;
  std::optional<Error> fault_;
  std::size_t unfolded_ = 0;
  SharedLabels labels_;
};

/// Visits the fields of a report for its lists.
struct ListFinder {
  Where const& report;
  Keep keep;
  ListTakers takers = {};

  template <class T> void operator()(char const* key, T& value, char const*) {
    if constexpr (is_vector<T>)
      takers.emplace(key, std::make_unique<ListDecoder<typename T::value_type>>(value, key, report, keep));
  }
  template <class T> void later(char const* key, T& value, char const* text) { (*this)(key, value, text); }
};

/// Decodes what is no list, and says in the order of the fields what is wrong with either.
struct MemberDecoder {
  Decoder<Json> decoder;
  ListTakers const& takers;

  template <class T> void operator()(char const* key, T& value, char const* text) {
    if (!taken(key)) decoder(key, value, text);
  }
  template <class T> void later(char const* key, T& value, char const* text) {
    if (!taken(key)) decoder.later(key, value, text);
  }

private:
  bool taken(char const* key) const {
    auto const found = takers.find(key);
    if (found == takers.end() || !found->second->present) return false;
    found->second->check();
    return true;
  }
};

// Element by element: a tree of the whole is ten times as large as the report.
Report decode_report(NextBytes next, Json::input_format_t format, std::string_view origin, Keep keep) {
  Report report;
  auto const prefix = std::string(origin) + ": ";
  Where const where(prefix);
  ListFinder finder{where, keep};
  fields(finder, report);
  auto const members = parse_members(std::move(next), format, origin, finder.takers);
  auto const version = members.is_object() ? members.find("maru_report") : members.end();
  if (!members.is_object() || version == members.end())
    throw Error(Exit::usage, fmt::format("{}: not a maru report", origin));
  if (!version->is_number_integer() || *version != report_version)
    throw Error(Exit::usage, fmt::format("{}: report format {}, this program reads {}", origin,
                                         printable(dump(*version)), report_version));
  MemberDecoder decoder{{members, where}, finder.takers};
  fields(decoder, report);
  require_whole(report.links, origin);
  return report;
}

NextBytes in_one_piece(std::span<char const> bytes) {
  return [bytes]() mutable { return std::exchange(bytes, {}); };
}

/// Writes the lists of a report element by element, for the same reason.
struct ReportWriter {
  LineWriter lines = {};

  template <class T> void operator()(char const* key, T const& value, char const*) {
    if constexpr (is_vector<T>) {
      lines.begin(key);
      lines.begin_list();
      for (auto const& element : value) lines.element(encode_value(element));
      lines.end_list();
    } else {
      lines.member(key, encode_value(value));
    }
  }
  template <class T> void later(char const* key, T const& value, char const* text) { (*this)(key, value, text); }
};

} // namespace

std::string to_json(Report const& report) {
  ReportWriter writer;
  fields(writer, const_cast<Report&>(report)); // only reads
  return writer.lines.take();
}

Bytes to_cbor(Report const& report) { return cbor(encode(report)); }

Report report_from_json(std::string_view text, std::string_view origin) {
  return decode_report(in_one_piece(text), Json::input_format_t::json, origin, Keep::all);
}

Report report_from_cbor(std::span<std::byte const> bytes, std::string_view origin) {
  return decode_report(in_one_piece(characters(bytes)), Json::input_format_t::cbor, origin, Keep::all);
}

namespace {

// How every journal begins, and no report.
constexpr std::string_view journal_start = "{\"maru_journal\":";

/// As much of the beginning as tells the two apart: a pipe may give it byte by byte.
std::string beginning(FileReader& reader) {
  std::string text;
  while (text.size() < journal_start.size()) {
    auto const piece = reader.next();
    if (piece.empty()) break;
    text.append(piece.data(), piece.size());
  }
  return text;
}

Report report_of_journal(std::string_view text, std::string const& file, Keep keep) {
  auto report = report_of(parse_journal(text, file));
  if (keep == Keep::figures)
    for (auto& record : report.records) reduce(record);
  return report;
}

} // namespace

Report read_report(std::string const& path, Keep keep) {
  auto const file = is_directory(path) ? path + "/report.json" : path;
  if (is_directory(path) && !is_file(file) && is_file(journal_path(path)))
    throw Error(Exit::usage, fmt::format("{0} has no report, its run did not end: maru run --resume {0} goes on with "
                                         "it, and {1} can be read as it is",
                                         path, journal_path(path)));
  FileReader reader(file);
  auto begun = beginning(reader);
  if (begun.starts_with(journal_start))
    return report_of_journal(reader.rest(most_file_bytes, std::move(begun)), file, keep);
  bool first = true;
  auto const next = [&]() -> std::span<char const> {
    return std::exchange(first, false) && !begun.empty() ? std::span<char const>(begun) : reader.next();
  };
  auto const format = file.ends_with(".cbor") ? Json::input_format_t::cbor : Json::input_format_t::json;
  return decode_report(next, format, file, keep);
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
