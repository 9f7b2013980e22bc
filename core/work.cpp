// SPDX-License-Identifier: Apache-2.0
#include "core/work.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace maru {
namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class HostLane final : public Lane {
public:
  double time(Work& work, std::uint64_t calls) override {
    double const start = monotonic_seconds();
    for (std::uint64_t i = 0; i < calls; ++i) work.call();
    return monotonic_seconds() - start;
  }
};

} // namespace

Lane& host_lane() {
  static HostLane lane;
  return lane;
}

double monotonic_seconds() { return seconds_of(CLOCK_MONOTONIC); }
double unix_seconds() { return seconds_of(CLOCK_REALTIME); }

double clock_cost() {
  constexpr int readings = 64;
  std::array<double, 15> costs{};
  for (auto& cost : costs) {
    double const start = monotonic_seconds();
    double last = start;
    for (int i = 0; i < readings; ++i) last = monotonic_seconds();
    cost = (last - start) / readings;
  }
  std::nth_element(costs.begin(), costs.begin() + costs.size() / 2, costs.end());
  return costs[costs.size() / 2];
}

} // namespace maru
