// SPDX-License-Identifier: Apache-2.0
#include "core/clock_sync.hpp"

#include "core/file.hpp"
#include "core/fingerprint.hpp"
#include "core/work.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unistd.h>

namespace maru {
namespace {

constexpr double unknown_drift = 1e-4;    // of a quartz that nobody has measured
constexpr double shortest_baseline = 0.5; // seconds between two measurements that a drift may follow from

template <class T> void send_value(World& world, int to, T const& value) {
  world.send(to, std::as_bytes(std::span(&value, 1)));
}

template <class T> T receive_value(World& world, int from) {
  T value{};
  world.receive(from, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

struct Parent {
  double offset, error;
  std::uint64_t clock;
  double same;
};

void serve(World& world, int child, int exchanges, Parent const& me) {
  for (int i = 0; i < exchanges; ++i) {
    receive_value<char>(world, child);
    send_value(world, child, monotonic_seconds());
  }
  send_value(world, child, me);
}

ClockFit learn(World& world, int parent, int exchanges, std::uint64_t clock) {
  double shortest = std::numeric_limits<double>::max();
  ClockFit fit;
  for (int i = 0; i < exchanges; ++i) {
    double const sent = monotonic_seconds();
    send_value(world, parent, char{0});
    auto const theirs = receive_value<double>(world, parent);
    double const back = monotonic_seconds();
    if (back - sent >= shortest) continue;
    shortest = back - sent;
    fit.measured_at = back;
    fit.offset = theirs - (sent + back) / 2;
  }
  auto const upward = receive_value<Parent>(world, parent);
  fit.same_clock = upward.clock == clock;
  if (fit.same_clock) fit.offset = 0;
  fit.offset += upward.offset;
  fit.error = shortest / 2 + upward.error;
  fit.same_clock = fit.same_clock && upward.same > 0;
  if (!fit.same_clock) fit.drift_error = unknown_drift;
  return fit;
}

} // namespace

double ClockFit::from_rank0(double theirs) const {
  // Solves to_rank0(mine) = theirs.
  return (theirs - offset + drift * measured_at) / (1 + drift);
}

double ClockFit::error_at(double mine) const { return error + drift_error * std::abs(mine - measured_at); }

ClockFit measure_clock(World& world, std::string const& clock_id, int exchanges) {
  auto const clock = fingerprint(clock_id);
  int const rank = world.rank(), size = world.size();
  ClockFit fit;
  fit.measured_at = monotonic_seconds();
  for (int reach = 1; reach < size; reach *= 2) {
    if (rank >= reach && rank < 2 * reach)
      fit = learn(world, rank - reach, exchanges, clock);
    else if (rank < reach && rank + reach < size)
      serve(world, rank + reach, exchanges, {fit.offset, fit.error, clock, fit.same_clock ? 1.0 : 0.0});
  }
  return fit;
}

ClockFit join(ClockFit const& earlier, ClockFit const& now, double& residual) {
  ClockFit fit = now;
  double const elapsed = now.measured_at - earlier.measured_at;
  residual = now.offset - (earlier.offset + earlier.drift * elapsed);
  if (now.same_clock) return fit;
  if (elapsed < shortest_baseline) { // the offsets' errors over so short a time would make any drift
    fit.drift = earlier.drift;
    fit.drift_error = earlier.drift_error;
    return fit;
  }
  fit.drift = (now.offset - earlier.offset) / elapsed;
  fit.drift_error = (now.error + earlier.error) / elapsed;
  return fit;
}

std::string kernel_clock_id() {
  std::string id;
  try {
    id = read_file("/proc/sys/kernel/random/boot_id");
  } catch (std::exception const&) {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    id = name;
  }
  char target[64] = {};
  if (::readlink("/proc/self/ns/time", target, sizeof target - 1) > 0) id += target;
  return id;
}

ClockQuality clock_quality(World& world, ClockFit const& fit, double residual) {
  std::array<double, 5> worst{fit.error, std::abs(fit.drift), std::abs(residual), fit.same_clock ? 0.0 : 1.0,
                              world.size() > 1 && fit.same_clock && world.rank() > 0 ? 1.0 : 0.0};
  world.all_reduce_max(worst);
  ClockQuality quality{.method = "one rank", .error = worst[0], .drift = worst[1], .residual = worst[2]};
  if (worst[3] > 0)
    quality.method = "ping-pong";
  else if (worst[4] > 0)
    quality.method = "same kernel clock";
  return quality;
}

} // namespace maru
