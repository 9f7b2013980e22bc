// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/world.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace maru {

class SignLink;

/// The last sign of life of one rank.
struct RankSign {
  std::uint64_t step = 0; ///< the step that it last began
  double heard = 0;       ///< CLOCK_MONOTONIC of the monitor; 0 when never
};

struct WatchdogView {
  std::uint64_t step = 0; ///< the monitor's own step
  double now = 0;
  double silence = 0; ///< seconds without a sign after which a rank counts as silent
  std::vector<RankSign> ranks;
};

/// A rank that holds the others up, or has ended.
struct MissingRank {
  std::size_t rank = 0; ///< in the world of this launch
  std::string what;     ///< "silent for 3.2 s, last seen in step 7 (…)"
};

/// Which ranks hold the others up, from what a monitor knows. Pure.
std::vector<MissingRank> describe_missing(WatchdogView const& view,
                                          std::function<std::string(std::uint64_t)> const& step_name);

/// Ends a run that no longer moves. Every rank tells two monitors, rank 0 and a deputy on another host where there is
/// one, which step it is in, by UDP datagrams from a thread of its own: a rank that is stopped falls silent, a rank
/// that is held up elsewhere shows an older step. A monitor whose own rank has not begun a new step for `timeout`
/// seconds names those ranks, calls on_fire and ends the job with Exit::watchdog; where none is behind or silent, it
/// waits three times as long. The deputy waits a little longer, for the case that rank 0 is the one that hangs.
class Watchdog {
public:
  struct Hooks {
    /// From the watchdog's thread, before the job is ended.
    std::function<void(std::string const&, std::vector<MissingRank> const&)> on_fire;
    std::function<void()> on_tick; ///< from the watchdog's thread, about twenty times a second
    /// From the watchdog's thread, once, half a second after this rank was told to stop: ranks that have given no sign
    /// since. They are dead, for a launcher stops rank 0 first. With tens of thousands of ranks signs are rarer, and a
    /// launcher may insist before.
    std::function<void(std::vector<MissingRank> const&)> on_roll_call;
    std::function<bool()> stop_requested; ///< from the watchdog's thread
  };

  /// Collective. A timeout of 0 switches the watching off; ticks go on.
  Watchdog(World& world, std::vector<std::string> host_of_rank, double timeout, Hooks hooks);
  ~Watchdog();
  Watchdog(Watchdog const&) = delete;
  Watchdog& operator=(Watchdog const&) = delete;

  /// The calling rank begins its next step. All ranks take the same steps in the same order.
  void step(std::string const& name);
  /// The step is a long one, and it moves.
  void touch();

private:
  void run();
  void watch(double now);
  void listen(double now);
  void call_the_roll(double now);
  std::string name_of(std::uint64_t step);

  World& world_;
  std::vector<std::string> hosts_;
  double timeout_;
  double period_; ///< seconds between two signs of a rank
  Hooks hooks_;
  std::unique_ptr<SignLink> link_;
  bool monitor_ = false;
  double patience_ = 0;
  double stopped_at_ = 0; ///< when stop_requested first said so; 0 before
  bool roll_called_ = false;

  std::vector<RankSign> signs_; ///< the watchdog's thread alone

  std::mutex mutex_; // guards the members below
  std::condition_variable ended_;
  bool ending_ = false;
  std::uint64_t step_ = 0;
  double step_begun_ = 0;
  std::deque<std::string> names_; ///< of the latest steps, the current one last

  std::thread thread_;
};

} // namespace maru
