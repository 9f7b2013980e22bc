// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// "unknown" is no pass: there was not enough to judge by, or what there was could not be used.
enum class State { pass, warn, unknown, fail };

std::string_view name(State state);
/// The worse of two, in the order in which they are written above.
State worse(State a, State b);
/// The same of what is unknown only as long as nothing has been judged.
State worse_judged(State so_far, State judged);

/// One judgement on a host, with its evidence in one line.
struct Evidence {
  std::string judgement; ///< "integrity", "absolute", "relative", "historical", "arrival" or "network"
  State state = State::unknown;
  std::string what; ///< the question, by all that makes it: the same in a first and a second look
  std::string text; ///< "gemm bf16: 612 TFLOP/s, 13 % below 47 peers (8.1 sigma)"
  std::int64_t rank = -1;
  std::string device_uuid;
  double value = 0, expected = 0; ///< SI; both 0 where there is nothing to compare
};

struct HostVerdict {
  std::string host;
  State state = State::unknown;
  State absolute = State::unknown, relative = State::unknown, historical = State::unknown;
  std::string reason; ///< why it is not a pass, in one line, the culprit's rank or device named; empty on a pass
  std::vector<Evidence> evidence; ///< all that is no pass, worst first
  bool flaky = false;             ///< it was a suspect, and a second look cleared it; both figures are in the evidence
};

/// One direction of one pair that is slower than its two ends explain.
struct LinkVerdict {
  std::string from, to; ///< hosts
  std::string figure;   ///< "bandwidth" or "latency"
  std::string backend;
  State state = State::fail;
  std::string text;
  double value = 0, expected = 0; ///< SI
};

/// What a report says of the health of its hosts.
struct Verdict {
  State state = State::unknown; ///< the worst of hosts and links
  std::string run, plan;
  std::string spec;               ///< names of the floors that were used, and for what; empty without any
  std::string baseline;           ///< what the past was taken from; empty without any
  std::string thresholds;         ///< in one line, as they were used
  std::vector<HostVerdict> hosts; ///< in the order of the report
  std::vector<LinkVerdict> links; ///< those that are no pass, worst first
  std::vector<std::string> notes; ///< what was not judged, and why
};

} // namespace maru
