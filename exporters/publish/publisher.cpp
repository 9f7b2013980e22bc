// SPDX-License-Identifier: Apache-2.0
#include "exporters/publish/publisher.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <sched.h>
#include <thread>

namespace maru {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double longest_wait = 60; // seconds between attempts
constexpr Seconds tick{0.1};

/// A sink and how it fares.
struct Way {
  std::unique_ptr<Sink> sink;
  SinkHealth health = {};
  std::uint64_t had = 0; ///< number of the exposition that it has had
  double wait = 1;       ///< seconds until the next attempt after a failure
  Clock::time_point not_before = {};
  bool idle = true; ///< not at it
  std::thread thread = {};
  bool complained_of_failure = false, complained_of_drop = false;
};

// The thread that starts it may be bound to the core that it measures.
void widen(std::vector<int> const& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (processors.empty())
    for (int i = 0; i < CPU_SETSIZE; ++i) CPU_SET(i, &set);
  for (int const i : processors) CPU_SET(i, &set);
  sched_setaffinity(0, sizeof set, &set); // where it is forbidden the threads stay where they are
}

} // namespace

class Publisher::Engine {
public:
  Engine(std::vector<std::unique_ptr<Sink>> sinks, PublisherOptions options) : options_(std::move(options)) {
    for (auto& sink : sinks) {
      auto& way = ways_.emplace_back();
      way.health.sink = sink->name();
      way.sink = std::move(sink);
    }
    for (auto& way : ways_) way.thread = std::thread([this, &way] { work(way); });
  }

  ~Engine() {
    {
      std::lock_guard const lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& way : ways_) way.thread.join();
  }

  void publish(Exposition exposition, bool last) {
    {
      std::lock_guard const lock(mutex_);
      newest_ = std::make_shared<Exposition const>(std::move(exposition));
      ++number_;
      last_ = last;
      if (last) // what failed before gets its chance now
        for (auto& way : ways_) {
          way.wait = 1;
          way.not_before = {};
        }
    }
    wake_.notify_all();
  }

  bool all_done() {
    std::lock_guard const lock(mutex_);
    return std::all_of(ways_.begin(), ways_.end(),
                       [&](Way const& way) { return way.had == number_ && way.idle && way.sink->done(); });
  }

  bool all_delivered() const {
    std::lock_guard const lock(mutex_);
    return std::all_of(ways_.begin(), ways_.end(), [&](Way const& way) { return way.had == number_; });
  }

  void give_up() {
    std::lock_guard const lock(mutex_);
    for (auto& way : ways_)
      if (way.had != number_) {
        way.health.dropped += static_cast<double>(series_count(*newest_));
        complain(way, way.complained_of_drop, "gave up: not everything was delivered");
      }
  }

  std::vector<SinkHealth> health() const {
    std::lock_guard const lock(mutex_);
    std::vector<SinkHealth> all;
    for (auto const& way : ways_) all.push_back(way.health);
    return all;
  }

  double deadline() const { return options_.deadline; }

private:
  // A thread each: a target that does not answer must not hold up the others.
  void work(Way& way) {
    widen(options_.processors);
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (newest_ && way.had != number_ && Clock::now() >= way.not_before && (last_ || way.sink->while_running()))
        attempt(way, lock);
      else
        wake_.wait_for(lock, tick);
    }
  }

  // The lock is not held while the sink is at it.
  void attempt(Way& way, std::unique_lock<std::mutex>& lock) {
    auto const exposition = newest_;
    auto const number = number_;
    Delivery delivery;
    std::string failure;
    way.idle = false;
    lock.unlock();
    auto const begun = Clock::now();
    try {
      way.sink->deliver(*exposition, delivery);
    } catch (std::exception const& error) {
      failure = error.what();
    }
    Seconds const spent = Clock::now() - begun;
    lock.lock();
    way.idle = true;
    way.health.seconds += spent.count();
    way.health.samples += static_cast<double>(delivery.samples);
    way.health.dropped += static_cast<double>(delivery.dropped);
    if (delivery.dropped > 0) complain(way, way.complained_of_drop, delivery.complaint);
    if (failure.empty()) {
      way.had = number;
      way.wait = 1;
      return;
    }
    way.health.failures += 1;
    way.not_before = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(way.wait));
    way.wait = std::min(2 * way.wait, longest_wait);
    complain(way, way.complained_of_failure, failure);
  }

  void complain(Way const& way, bool& before, std::string const& what) const {
    if (!before && options_.complain) options_.complain(fmt::format("{}: {}", way.health.sink, what));
    before = true;
  }

  PublisherOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Way> ways_;
  std::shared_ptr<Exposition const> newest_;
  std::uint64_t number_ = 0;
  bool last_ = false, stop_ = false;
};

Publisher::Publisher(std::vector<std::unique_ptr<Sink>> sinks, PublisherOptions options)
    : engine_(std::make_unique<Engine>(std::move(sinks), std::move(options))) {}
Publisher::~Publisher() = default;

void Publisher::publish(Exposition exposition) { engine_->publish(std::move(exposition), false); }

void Publisher::finish(Exposition exposition, std::function<bool()> const& stop) {
  engine_->publish(std::move(exposition), true);
  auto const begun = Clock::now();
  auto const late = [&] { return Seconds(Clock::now() - begun).count() > engine_->deadline(); };
  while (!engine_->all_done() && !stop() && !(late() && !engine_->all_delivered())) std::this_thread::sleep_for(tick);
  engine_->give_up();
}

std::vector<SinkHealth> Publisher::health() const { return engine_->health(); }

} // namespace maru
