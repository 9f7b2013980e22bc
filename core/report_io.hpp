// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

using Bytes = std::vector<std::byte>;

/// A Report as JSON text (with a final newline) or CBOR bytes (RFC 8949). Both hold the same tree.
std::string to_json(Report const& report);
Bytes to_cbor(Report const& report);

/// Reads what to_json and to_cbor wrote. Throws Error(usage) whose one line begins with `origin` and names the place
/// and the fault ("report.json: records[3].time.median: expected a number"); unknown keys are passed over.
Report report_from_json(std::string_view text, std::string_view origin);
Report report_from_cbor(std::span<std::byte const> bytes, std::string_view origin);

/// What a reader keeps of a report. `figures`: what a verdict or a comparison rests on, which is all but samples,
/// spreads over ranks, traces, ceilings and link maps. Those are most of a large report.
enum class Keep { all, figures };

/// DIR/report.json, or the file itself (.json or .cbor), in pieces: its size is no limit. A journal's file, known by
/// its first bytes, gives what report_of (core/journal.hpp) tells. Throws Error(usage).
Report read_report(std::string const& path, Keep keep = Keep::all);

/// One record on one line, for journals and for the way between ranks.
std::string record_to_json_line(Record const& record);
Record record_from_json(std::string_view text, std::string_view origin);
Bytes records_to_cbor(std::vector<Record> const& records);
std::vector<Record> records_from_cbor(std::span<std::byte const> bytes, std::string_view origin);

/// The JSON Schema (draft 2020-12) of to_json's output; docs/report.schema.json is exactly this text.
std::string report_schema();

} // namespace maru
