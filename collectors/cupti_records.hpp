// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/spans.hpp"

#include <cstddef>
#include <cstdint>
#include <cupti.h>
#include <optional>
#include <string>
#include <unordered_map>

namespace maru {

/// Turns CUPTI's activity records into spans. The library that was loaded decides about the version of a record, not
/// the headers that we were built with; but a kind's versions only ever grew at their end, so one set of offsets reads
/// those of CUDA 9 to 13 and, as long as that holds, later ones.
class ActivityDecoder {
public:
  /// cuptiActivityGetNextRecord, or what a test puts in its place to walk over other versions than this library's.
  using Next = CUptiResult (*)(std::uint8_t* buffer, std::size_t valid, CUpti_Activity** record);

  explicit ActivityDecoder(Next next = cuptiActivityGetNextRecord) : next_(next) {}

  /// Decodes a buffer that CUPTI completed. To be done once: it frees what records own.
  void buffer(std::uint8_t* data, std::size_t valid);
  /// Decodes one record of `size` bytes. Nothing, and counted, when it has no time stamps, is malformed or of a kind
  /// that makes no span.
  std::optional<Span> record(CUpti_Activity const* record, std::size_t size);

  /// Of kinds that make no span: somebody else in the process asked for them.
  std::uint64_t unknown() const { return unknown_; }
  /// What was decoded since the last time.
  SpanLog take();

private:
  std::string const& demangled(char const* name);

  Next next_;
  SpanLog log_;
  std::uint64_t unknown_ = 0;
  std::unordered_map<std::string, std::string> names_; ///< demangled, by mangled: the same few kernels come again
};

/// Counts the records of a completed buffer that nobody will decode, and frees what they own.
std::uint64_t discard_records(std::uint8_t* data, std::size_t valid,
                              ActivityDecoder::Next next = cuptiActivityGetNextRecord);

} // namespace maru
