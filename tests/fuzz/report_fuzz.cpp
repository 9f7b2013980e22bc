// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes, the readers give a value or an Error of one short line, and what was read can be
// written again in every form. The first byte chooses the reader.
#include "core/error.hpp"
#include "core/journal.hpp"
#include "core/report_io.hpp"
#include "exporters/exporter.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(maru::Report const& report) {
  auto const text = maru::to_json(report);
  require(maru::to_json(maru::report_from_json(text, "fuzz")) == text);
  for (auto const* exporter : maru::exporters()) require(exporter->render(report).ends_with('\n'));
}

void read(std::uint8_t reader, std::string_view text) {
  auto const bytes = std::as_bytes(std::span(text));
  switch (reader % 4) {
  case 0: return check(maru::report_from_json(text, "fuzz"));
  case 1: return check(maru::report_from_cbor(bytes, "fuzz"));
  case 2: return static_cast<void>(maru::records_from_cbor(bytes, "fuzz"));
  default: return static_cast<void>(maru::parse_journal(text, "fuzz"));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    read(data[0], {reinterpret_cast<char const*>(data + 1), size - 1});
  } catch (maru::Error const& error) {
    std::string_view const line = error.what();
    require(line.size() < 400 && line.find_first_of(std::string_view("\n\r\x1b\x7f\0", 5)) == line.npos);
  }
  return 0;
}
