// SPDX-License-Identifier: Apache-2.0
#include "core/journal.hpp"

#include "core/error.hpp"
#include "core/json_tree.hpp"
#include "core/report_io.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <unistd.h>

namespace maru {

template <class V> void fields(V& v, JournalHeader& x) {
  v("maru_journal", x.maru_journal, "version of this format");
  v("maru_version", x.maru_version, "version of the program");
  v("run_id", x.run_id, "unique name of the run");
  v("plan", x.plan, "name of the plan");
  v("plan_digest", x.plan_digest, "digest of the questions asked");
  v("plan_toml", x.plan_toml, "the whole plan");
  v("started", x.started, "seconds since the Unix epoch");
  v("hosts", x.hosts, "host of each rank");
}

namespace {

constexpr std::int64_t journal_version = 1;

JournalHeader decode_header(std::string_view line, std::string_view origin) {
  auto const tree = parse_tree(line, Json::input_format_t::json, origin);
  JournalHeader header;
  decode(tree, header, std::string(origin) + ": ");
  if (header.maru_journal != journal_version)
    throw Error(Exit::usage, fmt::format("{}: journal format {}, this program reads {}", origin, header.maru_journal,
                                         journal_version));
  return header;
}

// One line of the body; false when it is not whole or not ours, which is where reading ends.
bool read_line(std::string_view line, std::string_view origin, std::vector<Record>& open, JournalContent& content) {
  try {
    auto const tree = parse_tree(line, Json::input_format_t::json, origin);
    if (!tree.is_object()) return false;
    if (auto const record = tree.find("record"); record != tree.end()) {
      decode_value(*record, open.emplace_back(), std::string(origin) + ": record");
      return true;
    }
    auto const closed = tree.find("closed");
    if (closed == tree.end() || !closed->is_string() || open.empty()) return false;
    bool const first = content.closed.insert(closed->get<std::string>()).second;
    if (first) content.records.insert(content.records.end(), open.begin(), open.end());
    open.clear();
    return true;
  } catch (Error const&) {
    return false;
  }
}

} // namespace

std::string journal_path(std::string const& directory) { return directory + "/journal.jsonl"; }

Journal Journal::create(std::string const& directory, JournalHeader const& header) {
  auto file = std::make_unique<AppendFile>(journal_path(directory), true);
  file->append(dump(encode(header)));
  return Journal(std::move(file));
}

Journal Journal::reopen(std::string const& directory) {
  auto const path = journal_path(directory);
  auto file = std::make_unique<AppendFile>(path, false); // locked from here on: nobody else cuts or appends
  auto const content = read_journal(directory);
  if (::truncate(path.c_str(), static_cast<off_t>(content.valid_bytes)) != 0)
    throw Error(Exit::usage, fmt::format("cannot cut {}: {}", path, std::strerror(errno)));
  return Journal(std::move(file));
}

void Journal::append(std::vector<Record> const& records, std::string const& case_key) {
  std::string text;
  for (auto const& record : records) text += "{\"record\":" + record_to_json_line(record) + "}\n";
  text += dump(Json{{"closed", case_key}});
  file_->append(text);
}

JournalContent read_journal(std::string const& directory) {
  auto const path = journal_path(directory);
  return parse_journal(read_file(path), path);
}

JournalContent parse_journal(std::string_view text, std::string_view origin) {
  JournalContent content;
  std::vector<Record> open;
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    auto const end = text.find('\n', begin);
    if (end == text.npos) break; // a torn line
    auto const line = text.substr(begin, end - begin);
    begin = end + 1;
    if (number == 1)
      content.header = decode_header(line, fmt::format("{}:1", origin));
    else if (!read_line(line, origin, open, content))
      break;
    if (open.empty()) content.valid_bytes = begin;
  }
  if (content.valid_bytes == 0) throw Error(Exit::usage, fmt::format("{}: no journal header", origin));
  return content;
}

namespace {

std::map<std::string, std::vector<std::int64_t>> ranks_of_hosts(std::vector<std::string> const& host_of_rank) {
  std::map<std::string, std::vector<std::int64_t>> hosts;
  for (std::size_t rank = 0; rank < host_of_rank.size(); ++rank)
    hosts[host_of_rank[rank]].push_back(static_cast<std::int64_t>(rank));
  return hosts;
}

std::string difference_of_hosts(std::vector<std::string> const& begun, std::vector<std::string> const& now) {
  auto const then = ranks_of_hosts(begun);
  for (auto const& [host, ranks] : ranks_of_hosts(now)) {
    auto const found = then.find(host);
    if (found == then.end()) return fmt::format("it had no ranks on {}", host);
    if (found->second.size() != ranks.size())
      return fmt::format("it had {} ranks on {}, now there are {}", found->second.size(), printable(host),
                         ranks.size());
  }
  return "it had other ranks";
}

} // namespace

std::optional<std::vector<std::int64_t>> ranks_begun(std::vector<std::string> const& hosts_begun,
                                                     std::vector<std::string> const& hosts_now) {
  auto const then = ranks_of_hosts(hosts_begun);
  std::vector<std::int64_t> ranks(hosts_now.size());
  for (auto const& [host, places] : ranks_of_hosts(hosts_now)) {
    auto const found = then.find(host);
    if (found == then.end() || found->second.size() != places.size()) return std::nullopt;
    for (std::size_t i = 0; i < places.size(); ++i) ranks[static_cast<std::size_t>(places[i])] = found->second[i];
  }
  return ranks;
}

Report report_of(JournalContent const& content) {
  Report report;
  auto const& header = content.header;
  report.run.id = header.run_id;
  report.run.maru_version = header.maru_version;
  report.run.plan = header.plan;
  report.run.plan_digest = header.plan_digest;
  report.run.started = report.run.finished = header.started;
  report.run.incomplete_reason = "its run left a journal and no report";
  for (auto const& [host, ranks] : ranks_of_hosts(header.hosts)) report.hosts.emplace_back().name = host;
  std::map<std::string, std::int64_t> places;
  for (std::size_t rank = 0; rank < header.hosts.size(); ++rank) {
    auto& info = report.ranks.emplace_back();
    info.rank = static_cast<std::int64_t>(rank);
    info.host = header.hosts[rank];
    info.local_rank = places[info.host]++;
  }
  if (!report.ranks.empty())
    report.lost.push_back({0, report.ranks.front().host, "it wrote no report: it was killed, or the whole job was"});
  report.records = content.records;
  return report;
}

bool has_only_journal(std::string const& path) {
  return is_directory(path) && !is_file(path + "/report.json") && is_file(journal_path(path));
}

Report read_run(std::string const& path, Keep keep) {
  return has_only_journal(path) ? report_of(read_journal(path)) : read_report(path, keep);
}

void require_same(JournalHeader const& begun, JournalHeader const& now, std::string const& directory) {
  std::string differences;
  auto const differ = [&](std::string const& text) { differences += (differences.empty() ? "" : "; ") + text; };
  if (begun.maru_version != now.maru_version)
    differ(fmt::format("it was begun by maru {}, this is {}", printable(begun.maru_version), now.maru_version));
  if (begun.plan_digest != now.plan_digest)
    differ(fmt::format("its plan was '{}' with other questions", printable(begun.plan)));
  if (!ranks_begun(begun.hosts, now.hosts)) differ(difference_of_hosts(begun.hosts, now.hosts));
  if (!differences.empty()) throw Error(Exit::usage, fmt::format("cannot resume {}: {}", directory, differences));
}

} // namespace maru
