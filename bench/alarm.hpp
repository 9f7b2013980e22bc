// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace maru {

/// Calls `late` from a thread of its own when it still lives after `seconds`; 0 never does. For what this process does
/// alone, before the ranks can watch one another (Watchdog).
class Alarm {
public:
  Alarm(double seconds, std::function<void()> late);
  ~Alarm();
  Alarm(Alarm const&) = delete;
  Alarm& operator=(Alarm const&) = delete;

private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace maru
