// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace maru {

enum class SpanKind { kernel, memcpy, memset, overhead };

/// A stretch of time on a device, or of the tracer's own cost on the host.
struct Span {
  SpanKind kind = SpanKind::kernel;
  std::string name;        ///< the kernel's demangled name; "HtoD", "DtoD" …; the kind of overhead
  std::uint64_t start = 0; ///< nanoseconds since the Unix epoch, as the tracer converts the device's clock
  std::uint64_t end = 0;   ///< likewise, never before start
  std::int64_t device = 0; ///< index among the process's devices; for overhead the process's thread
  std::int64_t stream = 0; ///< the tracer's number of the stream; 0 for overhead
  std::uint64_t correlation = 0;
  std::uint64_t graph_node = 0; ///< 0 when not launched by a graph
  std::uint64_t bytes = 0;      ///< of memcpy and memset
};

/// What a tracer collected, and what it lost: a number from it is worth as much as its coverage.
struct SpanLog {
  std::vector<Span> spans;     ///< by start
  std::uint64_t dropped = 0;   ///< records that the driver or we had no room for
  std::uint64_t untimed = 0;   ///< records without time stamps
  std::uint64_t malformed = 0; ///< records that ended early, or whose end lies before their start
};

/// Collects spans of the calling process. One at a time.
class Tracer {
public:
  virtual ~Tracer() = default;
  /// Throws Error(incomplete) in the API's own words, e.g. when another profiler holds the device.
  virtual void start() = 0;
  /// Ends the collecting and waits for the records of what has finished on the device.
  virtual SpanLog stop() = 0;
};

} // namespace maru
