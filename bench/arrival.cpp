// SPDX-License-Identifier: Apache-2.0
#include "bench/arrival.hpp"

#include "bench/fault.hpp"
#include "core/robust.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace maru {
namespace {

/// One iteration as seen by the whole group.
struct Scene {
  std::vector<double> entered; ///< by member
  std::size_t last = 0;        ///< index of the member that entered last
  double transfer = 0;         ///< from the last entry to the last exit
};

Scene look(std::vector<RankArrivals> const& parts, std::size_t iteration) {
  Scene scene;
  double left = 0;
  for (auto const& part : parts) {
    scene.entered.push_back(part.entered[iteration]);
    left = std::max(left, part.left[iteration]);
  }
  auto const last = std::max_element(scene.entered.begin(), scene.entered.end());
  scene.last = static_cast<std::size_t>(last - scene.entered.begin());
  scene.transfer = left - *last;
  return scene;
}

std::vector<Scene> valid_scenes(std::vector<RankArrivals> const& parts) {
  std::vector<Scene> scenes;
  for (std::size_t i = 0; i < parts.front().entered.size(); ++i)
    if (std::none_of(parts.begin(), parts.end(), [&](RankArrivals const& p) { return p.missed[i] > 0; }))
      scenes.push_back(look(parts, i));
  return scenes;
}

template <class Value> double median_over(std::vector<Scene> const& scenes, Value value) {
  std::vector<double> values;
  for (auto const& scene : scenes) values.push_back(value(scene));
  return median_of(values);
}

// Half the 95 % interval of the median over the scenes; half their range where there are too few for one.
template <class Value> double uncertainty(std::vector<Scene> const& scenes, Value value) {
  std::vector<double> values;
  for (auto const& scene : scenes) values.push_back(value(scene));
  std::sort(values.begin(), values.end());
  auto const interval = median_interval(values).value_or(Interval{values.front(), values.back()});
  return (interval.high - interval.low) / 2;
}

std::vector<double> others_of(Scene const& scene, std::size_t member) {
  auto others = scene.entered;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(member));
  return others;
}

void wait_until(double when) {
  // Yields, or ranks that share a core would wait for one another's time slice.
  while (monotonic_seconds() < when) std::this_thread::yield();
}

RankArrivals run_schedule(World& group, Work& work, ClockFit const& clock, int world_rank, int iterations,
                          double period, std::function<void()> const& touch) {
  std::array<double, 1> start{group.rank() == 0 ? clock.to_rank0(monotonic_seconds()) + period : 0.0};
  group.all_reduce_max(start);
  RankArrivals part;
  for (int i = 0; i < iterations; ++i) {
    touch();
    double const begin = clock.from_rank0(start[0] + i * period);
    part.missed.push_back(monotonic_seconds() > begin ? 1.0 : 0.0);
    wait_until(begin);
    before_coupled_call(world_rank);
    part.entered.push_back(clock.to_rank0(monotonic_seconds()));
    work.lane().time(work, 1); // until it is over: on a device a call has only been queued when it returns
    part.left.push_back(clock.to_rank0(monotonic_seconds()));
  }
  part.clock_error = clock.error_at(monotonic_seconds());
  return part;
}

Bytes pack(RankArrivals const& part) {
  std::vector<double> flat{part.clock_error};
  for (auto const* values : {&part.entered, &part.left, &part.missed})
    flat.insert(flat.end(), values->begin(), values->end());
  auto const raw = std::as_bytes(std::span(flat));
  return {raw.begin(), raw.end()};
}

RankArrivals unpack(Bytes const& bytes) {
  std::vector<double> flat(bytes.size() / sizeof(double));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(flat.data()));
  auto const count = static_cast<std::ptrdiff_t>((flat.size() - 1) / 3);
  auto const first = flat.begin() + 1;
  return {.entered = {first, first + count},
          .left = {first + count, first + 2 * count},
          .missed = {first + 2 * count, first + 3 * count},
          .clock_error = flat.front()};
}

} // namespace

Arrival judge_arrivals(std::vector<RankArrivals> const& parts, std::vector<std::int64_t> const& members,
                       std::vector<std::string> const& hosts) {
  Arrival arrival;
  for (auto const& part : parts) arrival.clock_error = std::max(arrival.clock_error, part.clock_error);
  auto const scenes = valid_scenes(parts);
  arrival.iterations = scenes.size();
  arrival.missed = parts.front().entered.size() - scenes.size();
  if (scenes.empty()) return arrival;
  arrival.transfer = median_over(scenes, [](Scene const& s) { return s.transfer; });
  std::vector<std::size_t> times_last(members.size());
  for (auto const& scene : scenes) ++times_last[scene.last];
  auto const most = std::max_element(times_last.begin(), times_last.end());
  auto const suspect = static_cast<std::size_t>(most - times_last.begin());
  auto const lateness = [&](Scene const& s) { return s.entered[suspect] - median_of(others_of(s, suspect)); };
  auto const spread = [&](Scene const& s) {
    auto others = others_of(s, suspect);
    return *std::max_element(others.begin(), others.end()) - median_of(others);
  };
  arrival.lateness = median_over(scenes, lateness);
  arrival.lateness_error = arrival.clock_error + median_over(scenes, spread) + uncertainty(scenes, lateness);
  arrival.last_share = static_cast<double>(*most) / static_cast<double>(scenes.size());
  bool const beyond_chance = last_by_chance(*most, scenes.size(), members.size()) < most_chance;
  bool const matters = arrival.lateness > arrival.lateness_error && arrival.lateness > worth_naming * arrival.transfer;
  if (beyond_chance && matters) {
    arrival.last_rank = members[suspect];
    arrival.last_host = hosts[suspect];
  }
  return arrival;
}

std::optional<Arrival> sample_arrivals(World& group, Work& work, ClockFit const& clock, int world_rank, int iterations,
                                       double period, std::vector<std::int64_t> const& members,
                                       std::vector<std::string> const& hosts, std::function<void()> const& touch) {
  auto const part = run_schedule(group, work, clock, world_rank, iterations, period, touch);
  std::vector<RankArrivals> parts;
  for (auto const& bytes : group.gather(pack(part))) parts.push_back(unpack(bytes));
  if (group.rank() != 0) return std::nullopt;
  return judge_arrivals(parts, members, hosts);
}

} // namespace maru
