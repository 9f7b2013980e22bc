// SPDX-License-Identifier: Apache-2.0
#include "bench/observe.hpp"

#include "core/error.hpp"
#include "core/robust.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace maru {
namespace {

constexpr double watch_seconds = 0.3;  // samples of utilisation are 100 ms apart at best (NVML's GPM)
constexpr double batch_seconds = 0.02; // long against the events that frame a batch
constexpr std::size_t pairs = 9; // the least odd number whose median has a 95 % interval that leaves out both ends
constexpr std::size_t kernels_kept = 8;
constexpr double per_nanosecond = 1e-9;

std::uint64_t calls_for(double seconds, double seconds_per_call) {
  constexpr double most = 10000;
  return static_cast<std::uint64_t>(std::clamp(std::ceil(seconds / std::max(seconds_per_call, 1e-9)), 1.0, most));
}

bool on_device(Span const& span) { return span.kind != SpanKind::overhead; }

/// Nanoseconds in which at least one span runs; the spans are sorted by start.
double union_of(std::vector<Span> const& spans) {
  std::uint64_t total = 0, until = 0;
  for (auto const& span : spans) {
    if (!on_device(span)) continue;
    auto const start = std::max(span.start, until);
    if (span.end > start) total += span.end - start;
    until = std::max(until, span.end);
  }
  return static_cast<double>(total);
}

std::vector<KernelTime> longest_kernels(std::vector<Span> const& spans) {
  std::map<std::string_view, std::vector<double>> by_name;
  for (auto const& span : spans)
    if (on_device(span)) by_name[span.name].push_back(per_nanosecond * static_cast<double>(span.end - span.start));
  std::vector<std::pair<double, KernelTime>> sums;
  for (auto& [name, seconds] : by_name) {
    std::sort(seconds.begin(), seconds.end());
    double sum = 0;
    for (double const s : seconds) sum += s;
    sums.push_back({sum, {std::string(name), seconds.size(), quantile(seconds, 0.5)}});
  }
  std::sort(sums.begin(), sums.end(), [](auto const& a, auto const& b) { return a.first > b.first; });
  std::vector<KernelTime> kernels;
  for (auto& [sum, kernel] : sums)
    if (kernels.size() < kernels_kept) kernels.push_back(std::move(kernel));
  return kernels;
}

/// Paired batches: the machine's drift hits both of a pair.
struct Pairs {
  std::vector<double> plain, ratios, busy, disagreements;
  SpanLog all;
};

Trace conclude(Pairs const& seen, std::uint64_t calls) {
  auto trace = summarize_spans(seen.all, calls * seen.ratios.size(), 0);
  trace.busy = median_of(std::vector(seen.busy));
  trace.disagreement = median_of(std::vector(seen.disagreements));
  trace.cost = median_of(std::vector(seen.ratios)) - 1;
  auto sorted = seen.ratios;
  std::sort(sorted.begin(), sorted.end());
  if (auto const interval = median_interval(sorted)) trace.cost_ci = Interval{interval->low - 1, interval->high - 1};
  return trace;
}

void append(SpanLog& all, SpanLog log) {
  all.dropped += log.dropped;
  all.untimed += log.untimed;
  all.malformed += log.malformed;
  std::move(log.spans.begin(), log.spans.end(), std::back_inserter(all.spans));
}

} // namespace

Trace summarize_spans(SpanLog const& log, std::uint64_t calls, double seconds) {
  Trace trace;
  trace.calls = calls;
  trace.spans = log.spans.size();
  trace.dropped = log.dropped;
  trace.untimed = log.untimed + log.malformed;
  trace.kernels = longest_kernels(log.spans);
  if (calls > 0) trace.busy = per_nanosecond * union_of(log.spans) / static_cast<double>(calls);
  std::uint64_t first = ~std::uint64_t{0}, last = 0;
  for (auto const& span : log.spans) {
    if (!on_device(span)) continue;
    first = std::min(first, span.start);
    last = std::max(last, span.end);
  }
  if (last > first && seconds > 0)
    trace.disagreement = per_nanosecond * static_cast<double>(last - first) / seconds - 1;
  return trace;
}

Observer::Observer(Equipment const& equipment) : equipment_(equipment) {
  for (auto const* collector : equipment.collectors) {
    auto const skipped = collector->supports();
    watchers_.push_back({collector, skipped ? skipped->reason : std::string()});
  }
  if (equipment.tracer) tracer_ = equipment.tracer();
}

bool Observer::computes_with_device(Backend const& backend) const {
  return equipment_.accelerators && std::string_view(backend.device) == equipment_.accelerators->kind;
}

std::vector<std::unique_ptr<Watch>> Observer::start(bool light) {
  std::vector<std::unique_ptr<Watch>> started;
  for (auto& watcher : watchers_) {
    if (watcher.collector->light != light || !watcher.reason.empty()) continue;
    try {
      started.push_back(watcher.collector->watch());
    } catch (std::exception const& error) {
      watcher.reason = error.what(); // and not tried again
    }
  }
  return started;
}

void Observer::begin(Backend const& backend) {
  observes_ = computes_with_device(backend);
  if (observes_) watching_ = start(true);
}

Conditions Observer::end() {
  Conditions conditions;
  for (auto& watch : watching_) watch->finish(conditions);
  if (!watching_.empty()) conditions.devices = 1;
  watching_.clear();
  return conditions;
}

std::string Observer::refusals() const {
  std::string text;
  for (auto const& [collector, reason] : watchers_)
    if (!collector->light && !reason.empty())
      text += (text.empty() ? "" : "; ") + std::string(collector->name) + ": " + reason;
  return text;
}

void Observer::watch_closer(Work& work, std::uint64_t calls, Conditions& conditions) {
  auto const watching = start(false);
  work.lane().time(work, calls);
  Conditions closer;
  for (auto const& watch : watching) watch->finish(closer);
  if (closer.utilisation) conditions.utilisation = std::move(closer.utilisation);
  if (!conditions.utilisation) return;
  conditions.devices = 1;
  auto const why = refusals();
  auto& reason = conditions.utilisation->reason;
  if (!why.empty()) reason = reason.empty() ? why : why + "; " + reason;
}

std::optional<Trace> Observer::trace_in_turn(Team const& team, Work& work, std::uint64_t calls) {
  Pairs seen;
  std::string reason;
  auto const before = untouched_batches(team, work, calls);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    team.group.barrier();
    double const plain = work.lane().time(work, calls);
    bool const tracing = tracer_ && reason.empty() && start_tracer(reason);
    team.group.barrier();
    double const traced = work.lane().time(work, calls);
    if (!tracing) continue;
    SpanLog log;
    if (!stop_tracer(log, reason)) continue;
    auto const part = summarize_spans(log, calls, traced);
    seen.plain.push_back(plain);
    seen.ratios.push_back(traced / plain);
    seen.busy.push_back(part.busy);
    seen.disagreements.push_back(part.disagreement);
    append(seen.all, std::move(log));
  }
  if (!tracer_) return std::nullopt;
  auto trace = reason.empty() ? conclude(seen, calls) : Trace{};
  // The first batch that was not traced still had no tracer in the process.
  if (reason.empty() && !before.empty())
    trace.attached = median_of({seen.plain.begin() + 1, seen.plain.end()}) / median_of(std::vector(before)) - 1;
  trace.reason = reason;
  return trace;
}

// A tracer stays with the process once it was started, so what that costs can be seen only once. The group makes these
// calls when it is the first time for any of its ranks.
std::vector<double> Observer::untouched_batches(Team const& team, Work& work, std::uint64_t calls) {
  std::array<double, 1> first{tracer_used_ ? 0.0 : 1.0};
  team.group.all_reduce_max(first);
  std::vector<double> seconds;
  if (first[0] > 0)
    for (std::size_t i = 0; i < pairs; ++i) seconds.push_back(work.lane().time(work, calls));
  if (tracer_used_) seconds.clear();
  tracer_used_ = true;
  return seconds;
}

bool Observer::stop_tracer(SpanLog& log, std::string& reason) {
  try {
    log = tracer_->stop();
    return true;
  } catch (std::exception const& error) {
    reason = error.what();
    return false;
  }
}

bool Observer::start_tracer(std::string& reason) {
  try {
    tracer_->start();
    return true;
  } catch (std::exception const& error) {
    reason = error.what();
    return false;
  }
}

void Observer::look_closer(Team const& team, Work& work, double seconds_per_call, double seconds,
                           Conditions& conditions, std::optional<Trace>& trace) {
  // Whether to look, and at how many calls, is the same for the whole group.
  bool const leads = team.group.rank() == 0;
  bool const wanted = observes_ && (tracer_ || !watchers_.empty());
  std::array<double, 3> agreed{wanted ? 1.0 : 0.0, leads ? seconds_per_call : 0.0, leads ? seconds : 0.0};
  team.group.all_reduce_max(agreed);
  auto const per_watch = calls_for(watch_seconds, agreed[1]), per_batch = calls_for(batch_seconds, agreed[1]);
  if (agreed[0] == 0 || static_cast<double>(per_watch + 3 * pairs * per_batch) * agreed[1] > agreed[2]) return;
  watch_closer(work, per_watch, conditions);
  trace = trace_in_turn(team, work, per_batch);
}

} // namespace maru
