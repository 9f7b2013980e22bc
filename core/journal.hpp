// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/file.hpp"
#include "core/report.hpp"
#include "core/report_io.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace maru {

/// What must be equal for a run to be gone on with.
struct JournalHeader {
  std::int64_t maru_journal = 1;
  std::string maru_version;
  std::string run_id;
  std::string plan;
  std::string plan_digest;
  std::string plan_toml; ///< the whole plan, so that the folder alone is enough to go on
  double started = 0;
  std::vector<std::string> hosts; ///< of rank 0, 1, 2 …
};

/// `journal.jsonl`: a header line, then the records of each finished case and a line that closes the case. Every line
/// is with the operating system before the next case begins; a case without its closing line is measured again.
class Journal {
public:
  /// A new file; Error(usage) when there is one already.
  static Journal create(std::string const& directory, JournalHeader const& header);
  /// An existing file, cut back to its last whole case.
  static Journal reopen(std::string const& directory);

  void append(std::vector<Record> const& records, std::string const& case_key);

private:
  explicit Journal(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}
  std::unique_ptr<AppendFile> file_;
};

struct JournalContent {
  JournalHeader header;
  std::vector<Record> records;  ///< of the closed cases only
  std::set<std::string> closed; ///< keys of the closed cases
  std::size_t valid_bytes = 0;  ///< up to the end of the last closed case
};

/// Throws Error(usage) when there is no journal or its header is not readable; a torn or open end is passed over.
JournalContent read_journal(std::string const& directory);
JournalContent parse_journal(std::string_view text, std::string_view origin);

/// Throws Error(usage) that names each difference between what was begun and what is asked for now. Whole hosts may be
/// missing now: a dead node must not keep the others from going on.
void require_same(JournalHeader const& begun, JournalHeader const& now, std::string const& directory);

/// Which of the ranks that a run was begun with each of these is: the same host, the same place on it. Nothing where
/// they do not fit: another host, or not as many ranks on one.
std::optional<std::vector<std::int64_t>> ranks_begun(std::vector<std::string> const& hosts_begun,
                                                     std::vector<std::string> const& hosts_now);

/// What can be told of a run that left its journal and no report: who began it, and the records of its closed cases.
/// Rank 0, who would have written it, counts as lost.
Report report_of(JournalContent const& content);

/// Whether a run's folder has a journal and no report yet: it goes on, or its rank 0 was killed.
bool has_only_journal(std::string const& path);
/// A report by its folder or file; of a folder that has a journal alone what that tells. Throws Error(usage).
Report read_run(std::string const& path, Keep keep = Keep::all);

std::string journal_path(std::string const& directory);

} // namespace maru
