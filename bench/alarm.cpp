// SPDX-License-Identifier: Apache-2.0
#include "bench/alarm.hpp"

#include <chrono>

namespace maru {

Alarm::Alarm(double seconds, std::function<void()> late) {
  if (seconds <= 0) return;
  thread_ = std::thread([this, seconds, late = std::move(late)] {
    {
      std::unique_lock lock(mutex_);
      if (ended_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return ending_; })) return;
    }
    late();
  });
}

Alarm::~Alarm() {
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

} // namespace maru
