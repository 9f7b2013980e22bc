// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace maru {

/// While one lives, SIGINT, SIGTERM and SIGHUP ask the run to end in order; a second one ends the process at once.
class StopSignal {
public:
  StopSignal();
  ~StopSignal();
  StopSignal(StopSignal const&) = delete;
  StopSignal& operator=(StopSignal const&) = delete;

  static bool requested();
};

} // namespace maru
