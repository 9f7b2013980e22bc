// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/measure.hpp"
#include "core/module.hpp"
#include "core/report.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maru {

/// Looks at this rank's device while work is timed on it, and once more closely afterwards.
class Observer {
public:
  /// Asks each collector once whether it can watch here.
  explicit Observer(Equipment const& equipment);

  /// Starts the light collectors, if the work computes with the device. Nothing here is collective.
  void begin(Backend const& backend);
  /// Ends them. No devices when nothing watched.
  Conditions end();

  /// Some more calls: under the collectors that are not light, then in turn with and without the tracer. Collective
  /// over the group, which makes the same calls on every rank whatever a rank's collectors can do; `seconds` is what
  /// the leader gives it at most.
  void look_closer(Team const& team, Work& work, double seconds_per_call, double seconds, Conditions& conditions,
                   std::optional<Trace>& trace);

private:
  struct Watcher {
    Collector const* collector;
    std::string reason; ///< why it cannot; empty when it can
  };
  std::vector<std::unique_ptr<Watch>> start(bool light);
  bool computes_with_device(Backend const& backend) const;
  std::string refusals() const;
  void watch_closer(Work& work, std::uint64_t calls, Conditions& conditions);
  std::optional<Trace> trace_in_turn(Team const& team, Work& work, std::uint64_t calls);
  std::vector<double> untouched_batches(Team const& team, Work& work, std::uint64_t calls);
  bool start_tracer(std::string& reason);
  bool stop_tracer(SpanLog& log, std::string& reason);

  Equipment const& equipment_;
  std::vector<Watcher> watchers_;
  std::unique_ptr<Tracer> tracer_;
  std::vector<std::unique_ptr<Watch>> watching_;
  bool observes_ = false;
  bool tracer_used_ = false;
};

/// What spans of `calls` calls say, which the lane timed as `seconds`: kernels, time in which the device was busy per
/// call, and how far the span of time differs. Pure.
Trace summarize_spans(SpanLog const& log, std::uint64_t calls, double seconds);

} // namespace maru
