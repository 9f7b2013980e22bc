// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml_watch.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace maru {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double most_cost = 0.1;          // of the time may go into reading
constexpr std::size_t before_rarer = 4096; // readings at one period: a long watch must not fill the memory

Clock::duration ticks(double seconds) { return std::chrono::duration_cast<Clock::duration>(Seconds(seconds)); }

class NvmlWatch final : public Watch {
public:
  NvmlWatch(NvmlDevice device, double period, std::optional<double> busy_before)
      : device_(std::move(device)), period_(period) {
    log_.driver = device_.driver();
    log_.device = device_.uuid();
    log_.busy_before = busy_before;
    log_.before = device_.state();
    begin_ = Clock::now();
    read();
    thread_ = std::jthread([this](std::stop_token const& stop) { run(stop); });
  }
  ~NvmlWatch() override { end_thread(); }
  NvmlWatch(NvmlWatch const&) = delete;
  NvmlWatch& operator=(NvmlWatch const&) = delete;

  void finish(Conditions& conditions) override {
    if (finished_) return;
    finished_ = true;
    end_thread();
    read();
    log_.after = device_.state();
    add_missing(conditions, judge(log_));
  }

private:
  /// Returns what it cost, in seconds.
  double read() {
    auto const start = Clock::now();
    auto reading = device_.read();
    auto const end = Clock::now();
    // The middle of the calls is nearest to when the driver looked.
    reading.time = Seconds(start - begin_).count() / 2 + Seconds(end - begin_).count() / 2;
    log_.readings.push_back(reading);
    return Seconds(end - start).count();
  }

  void run(std::stop_token const& stop) {
    std::unique_lock lock(mutex_);
    double pause = period_;
    while (!wake_.wait_for(lock, stop, ticks(pause), [&] { return stop.stop_requested(); })) {
      double const cost = read();
      if (log_.readings.size() % before_rarer == 0) period_ *= 2;
      pause = std::max(period_, cost / most_cost) - cost;
    }
  }

  void end_thread() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  NvmlDevice device_;
  double period_;
  NvmlLog log_; ///< the thread's own while it runs
  Clock::time_point begin_;
  bool finished_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_; ///< last, to begin after and to end before all that it uses
};

/// Only the first look at a device sees it without our own work, so it is kept for the process's life.
class FirstLook {
public:
  void at(NvmlDevice const& device) {
    std::lock_guard const lock(mutex_);
    if (uuid_ == device.uuid()) return;
    uuid_ = device.uuid();
    load_ = lasting_load(device, 1.2);
  }
  /// Absent for a device that was not looked at: by now the load may be ours.
  std::optional<double> of(NvmlDevice const& device) {
    std::lock_guard const lock(mutex_);
    return uuid_ == device.uuid() ? load_ : std::nullopt;
  }

private:
  std::mutex mutex_;
  std::string uuid_;
  std::optional<double> load_;
};

FirstLook& first_look() {
  static FirstLook look;
  return look;
}

std::optional<Skipped> supports() {
  try {
    auto const device = nvml_device_in_use();
    first_look().at(device);
    return nvml_refusal(device);
  } catch (Error const& error) {
    return Skipped{error.what()};
  }
}

std::unique_ptr<Watch> watch() {
  auto const device = nvml_device_in_use();
  return nvml_watch(device, 0.05, first_look().of(device));
}

} // namespace

NvmlDevice nvml_device_in_use() {
  static Nvml const library;
  return library.device(cuda_device_in_use());
}

std::optional<Skipped> nvml_refusal(NvmlDevice const& device) {
  auto const reading = device.read();
  if (reading.sm_clock || reading.power || reading.energy || reading.temperature || reading.reasons)
    return std::nullopt;
  return Skipped{"NVML tells neither clocks nor power nor temperature of " + device.uuid()};
}

std::unique_ptr<Watch> nvml_watch(NvmlDevice device, double period, std::optional<double> busy_before) {
  return std::make_unique<NvmlWatch>(std::move(device), period, busy_before);
}

std::optional<double> lasting_load(NvmlDevice const& device, double patience) {
  constexpr double little = 0.1, step = 0.1;
  auto load = device.read().kernels_ran;
  auto const end = Clock::now() + ticks(patience);
  while (load && *load > little && Clock::now() < end) {
    std::this_thread::sleep_for(Seconds(step));
    load = std::min(*load, device.read().kernels_ran.value_or(*load));
  }
  return load;
}

extern Collector const nvml_collector;
Collector const nvml_collector{"nvml", "clocks, power, temperature, throttling, ECC and links, by NVML", supports,
                               watch, true};

} // namespace maru
