// SPDX-License-Identifier: Apache-2.0
#include "bench/watchdog.hpp"

#include "bench/watchdog_link.hpp"
#include "core/error.hpp"
#include "core/work.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

constexpr std::size_t names_kept = 64;
constexpr std::size_t ranks_shown = 16;
// A step in which every rank is alive may just be long: one call of a slow kernel. It gets this many times as long.
constexpr double when_all_alive = 3;
// The deputy leaves rank 0 the time to end the job, or it would accuse a rank 0 that is busy with just that.
constexpr double deputy_grace = 3; // seconds
constexpr double most_silence = 4; // seconds after which a rank counts as silent, or sooner with a short timeout

// A hook that fails (a full disk, say) must neither end the process nor keep the watchdog from its work.
void quietly(std::function<void()> const& hook) noexcept {
  try {
    if (hook) hook();
  } catch (std::exception const&) {
    return;
  }
}

// Launchers insist about a second after they asked: by then it must be known who gives no sign any more. What a monitor
// can listen to bounds it, in datagrams per second.
constexpr double longest_period = 0.2, most_signs = 5000;

double sign_period(double timeout, std::size_t ranks) {
  return std::max(std::clamp(timeout / 20, 0.05, longest_period), static_cast<double>(ranks) / most_signs);
}

// Rank 0, and for the case that it is the one that hangs, the first rank of another host, else rank 1.
std::vector<int> choose_monitors(std::vector<std::string> const& hosts) {
  if (hosts.size() < 2) return {0};
  auto const other =
      std::find_if(hosts.begin(), hosts.end(), [&](std::string const& host) { return host != hosts[0]; });
  return {0, other == hosts.end() ? 1 : static_cast<int>(other - hosts.begin())};
}

} // namespace

std::vector<MissingRank> describe_missing(WatchdogView const& view,
                                          std::function<std::string(std::uint64_t)> const& step_name) {
  auto latest = view.step;
  for (auto const& sign : view.ranks) latest = std::max(latest, sign.step);
  std::vector<MissingRank> missing;
  for (std::size_t rank = 0; rank < view.ranks.size(); ++rank) {
    auto const& sign = view.ranks[rank];
    double const quiet = view.now - sign.heard;
    bool const behind = sign.step<latest, silent = quiet> view.silence;
    if (!behind && !silent) continue;
    std::vector<std::string> what;
    if (behind) what.push_back(fmt::format("did not reach step {} ({})", latest, step_name(latest)));
    if (sign.heard > 0 && silent) what.push_back(fmt::format("silent for {:.1f} s", quiet));
    what.push_back(sign.heard == 0 ? std::string("never heard of")
                                   : fmt::format("last seen in step {} ({})", sign.step, step_name(sign.step)));
    missing.push_back({rank, fmt::format("{}", fmt::join(what, ", "))});
  }
  return missing;
}

Watchdog::Watchdog(World& world, std::vector<std::string> host_of_rank, double timeout, Hooks hooks)
    : world_(world), hosts_(std::move(host_of_rank)), timeout_(world.size() > 1 ? timeout : 0),
      period_(sign_period(timeout_, static_cast<std::size_t>(world.size()))), hooks_(std::move(hooks)), signs_(static_cast<std::size_t>(world.size())), step_begun_(monotonic_seconds()) {
  if (timeout_ > 0) {
    auto const monitors = choose_monitors(hosts_);
    bool const one_host =
        std::all_of(hosts_.begin(), hosts_.end(), [&](std::string const& h) { return h == hosts_[0]; });
    link_ = std::make_unique<SignLink>(world, monitors, one_host);
    monitor_ = std::find(monitors.begin(), monitors.end(), world.rank()) != monitors.end();
    // Rank 0 a little before its time is up, so that the name is out within it; the deputy when it has passed.
    patience_ = world.rank() == 0 ? 0.9 * timeout_ : timeout_ + deputy_grace;
  }
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void Watchdog::step(std::string const& name) {
  std::lock_guard const lock(mutex_);
  ++step_;
  step_begun_ = monotonic_seconds();
  names_.push_back(name);
  if (names_.size() > names_kept) names_.pop_front();
}

void Watchdog::touch() {
  std::lock_guard const lock(mutex_);
  step_begun_ = monotonic_seconds();
}

std::string Watchdog::name_of(std::uint64_t step) {
  auto const back = step_ - step; // how many steps ago
  return step <= step_ && back < names_.size() ? names_[names_.size() - 1 - back] : std::string("unnamed");
}

void Watchdog::run() {
  constexpr double tick = 0.05;
  double next_sign = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (ended_.wait_for(lock, std::chrono::duration<double>(tick), [this] { return ending_; })) return;
    }
    quietly(hooks_.on_tick);
    if (!link_) continue;
    double const now = monotonic_seconds();
    if (stopped_at_ == 0 && hooks_.stop_requested && hooks_.stop_requested()) stopped_at_ = now;
    if (now >= next_sign) {
      std::lock_guard const lock(mutex_);
      link_->send(static_cast<std::uint32_t>(world_.rank()), step_);
      next_sign = now + period_;
    }
    if (!monitor_) continue;
    listen(now);
    call_the_roll(now);
    watch(now);
  }
}

// Not under the lock, and not for ever: a flood of datagrams must not hold up the run.
void Watchdog::listen(double now) {
  link_->receive(4 * signs_.size() + 64, [&](std::uint32_t rank, std::uint64_t step) {
    if (rank < signs_.size()) signs_[rank] = {step, now};
  });
}

// A launcher that loses a rank stops rank 0, and the others later. Who lives has given two signs by then.
void Watchdog::call_the_roll(double now) {
  if (roll_called_ || stopped_at_ == 0 || now - stopped_at_ < 2.5 * period_) return;
  roll_called_ = true;
  std::vector<MissingRank> missing;
  {
    std::lock_guard const lock(mutex_);
    for (std::size_t rank = 0; rank < signs_.size(); ++rank) {
      auto const& sign = signs_[rank];
      if (sign.heard >= stopped_at_) continue;
      missing.push_back({rank, sign.heard == 0 ? std::string("never heard of")
                                               : fmt::format("fell silent in step {} ({})", sign.step, name_of(sign.step))});
    }
  }
  quietly([&] {
    if (hooks_.on_roll_call) hooks_.on_roll_call(missing);
  });
}

void Watchdog::watch(double now) {
  std::vector<MissingRank> missing;
  std::string where;
  std::uint64_t stuck = 0;
  {
    std::lock_guard const lock(mutex_);
    stuck = step_;
    if (now - step_begun_ < patience_) return;
    auto const name = [this](std::uint64_t step) { return name_of(step); };
    missing = describe_missing({step_, now, std::max(4 * period_, std::clamp(timeout_ / 5, 0.2, most_silence)), signs_}, name);
    if (missing.empty() && now - step_begun_ < when_all_alive * timeout_) return;
    where = fmt::format("step {} ({})", step_, name(step_));
  }
  auto text =
      fmt::format("watchdog: no progress for {:.1f} s; rank {} waits in {}", now - step_begun_, world_.rank(), where);
  if (missing.empty()) text += "; every rank is in this step and alive";
  for (std::size_t i = 0; i < std::min(missing.size(), ranks_shown); ++i) 
    text += fmt::format("\nwatchdog: rank {} on {} {}", missing[i].rank, hosts_[missing[i].rank], missing[i].what);
  if (missing.size() > ranks_shown) text += fmt::format("\nwatchdog: and {} more", missing.size() - ranks_shown);
  auto const moved = [&] {
    std::lock_guard const lock(mutex_);
    return step_ != stuck || ending_;
  };
  if (moved()) return;
  quietly([&] { hooks_.on_fire(text, missing); });
  if (!moved()) world_.abort(static_cast<int>(Exit::watchdog));
}

} // namespace maru
