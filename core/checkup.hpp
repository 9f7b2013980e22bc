// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/host_setup.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace maru {

enum class Severity {
  failure, ///< would prevent a run or spoil what it measures
  warning, ///< costs speed, or will mislead somebody
  note,    ///< has to be known, and nothing more
};
std::string_view name(Severity severity);

/// One thing that was found, on one host or on several alike.
struct Advice {
  std::string check; ///< short word, the same in every run: "shared memory", "clock"
  Severity severity = Severity::note;
  std::vector<std::string> hosts;
  std::string what;
  std::string remedy; ///< what to do about it
};

struct HostCheckup {
  std::string name;
  std::int64_t ranks = 0;
  std::string cpu, kernel, maru_version;
  std::string libraries; ///< of its accelerators
  double clock_skew = 0; ///< of CLOCK_REALTIME against the hosts' median, seconds
  HostSetup setup;       ///< as its first rank sees it, the devices of all its ranks together
};

struct Checkup {
  std::int64_t maru_doctor = 1; ///< version of this form
  std::string launcher;
  bool good = true; ///< no failure
  std::vector<HostCheckup> hosts;
  std::vector<Advice> advice; ///< failures first
};

/// JSON text with a final newline.
std::string to_json(Checkup const& checkup);

} // namespace maru
