// SPDX-License-Identifier: Apache-2.0
#include "bench/run_state.hpp"

#include "bench/stop_signal.hpp"
#include "core/version.hpp"
#include "core/work.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <numeric>
#include <random>

namespace maru {
namespace {

constexpr double resynchronize_after = 1; // seconds: a drift of 1e-4 would by then be 100 us

constexpr double least_calls = 4; // of any case: one to verify, one to warm up, two to measure

// Work in the unit that an operation's time grows with.
double amount(Operation const& operation) {
  if (auto const* collective = std::get_if<Collective>(&operation)) return static_cast<double>(collective->bytes);
  auto const whole = cost(operation);
  return std::max(whole.flops, whole.bytes);
}

std::string pace_key(Case const& item) {
  return fmt::format("{} {} {} {}", name(item.operation), item.backend ? item.backend->name : "none",
                     labels(item.operation).text("dtype"), base_kind(item.group_kind));
}

std::string new_run_id() {
  std::random_device random;
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:04x}", fmt::gmtime(static_cast<std::time_t>(unix_seconds())),
                     random() & 0xffffU);
}

} // namespace

RunState::RunState(RunOptions const& options, RunHooks const& hooks) : options_(options), hooks_(hooks) {}

void RunState::load() {
  auto& run = report_.run;
  run.maru_version = version;
  run.plan = options_.plan.name;
  run.cluster = options_.cluster;
  run.plan_digest = plan_digest(options_.plan);
  run.started = unix_seconds();
  run.id = new_run_id();
  resumed_at_ = started_monotonic_ = monotonic_seconds();
  if (!options_.resume) return;
  auto content = read_journal(options_.out);
  begun_ = content.header;
  closed_ = std::move(content.closed);
  resumed_ = std::move(content.records);
  try {
    lost_before_ = read_report(options_.out).lost;
  } catch (Error const&) {
    lost_before_.clear(); // a killed run may have left no report
  }
  started_monotonic_ -= std::max(0.0, run.started - begun_.started);
  run.started = begun_.started;
  run.id = begun_.run_id;
}

void RunState::set_ranks(std::vector<RankInfo> ranks, std::vector<HostInfo> hosts,
                         std::vector<std::string> const& objections, std::vector<std::string> const& notes,
                         std::string launcher, std::string mpi) {
  std::vector<std::string> host_of_rank;
  for (auto const& rank : ranks) host_of_rank.push_back(rank.host);
  numbers_.resize(ranks.size());
  std::iota(numbers_.begin(), numbers_.end(), 0);
  // Where they do not fit, open() says so.
  if (options_.resume) numbers_ = ranks_begun(begun_.hosts, host_of_rank).value_or(numbers_);
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i].rank = numbers_[i];
  report_.ranks = std::move(ranks);
  report_.hosts = std::move(hosts);
  report_.run.launcher = std::move(launcher);
  report_.run.mpi = std::move(mpi);
  for (auto const& text : objections) report_.findings.push_back({"wiring", "warning", text});
  for (auto const& text : notes) report_.findings.push_back({"wiring", "note", text});
}

void RunState::open(std::size_t cases) {
  total_ = cases;
  auto const& run = report_.run;
  JournalHeader now{.maru_version = run.maru_version,
                    .run_id = run.id,
                    .plan = run.plan,
                    .plan_digest = run.plan_digest,
                    .plan_toml = plan_to_toml(options_.plan),
                    .started = run.started,
                    .hosts = {}};
  for (auto const& rank : report_.ranks) now.hosts.push_back(rank.host); // of this launch's ranks, in their order
  if (options_.resume) {
    require_same(begun_, now, options_.out);
    journal_ = Journal::reopen(options_.out);
    report_.records = std::move(resumed_);
    recall_absent_hosts();
    return;
  }
  make_writable_directory(options_.out);
  clear_folder();
  journal_ = Journal::create(options_.out, now);
}

// Hosts that the run was begun on and that are not there now: their answers stay, and so must their names.
void RunState::recall_absent_hosts() {
  std::set<std::string> present, absent;
  for (auto const& host : report_.hosts) present.insert(host.name);
  for (std::size_t rank = 0; rank < begun_.hosts.size(); ++rank) {
    auto const& host = begun_.hosts[rank];
    if (present.contains(host)) continue;
    auto& info = report_.ranks.emplace_back();
    info.rank = static_cast<std::int64_t>(rank);
    info.host = host;
    LostRank lost{info.rank, host, "its host was not there when the run was gone on with"};
    for (auto const& before : lost_before_)
      if (before.rank == lost.rank) lost.reason = before.reason;
    report_.lost.push_back(std::move(lost));
    if (absent.insert(host).second) report_.hosts.emplace_back().name = host;
  }
  std::sort(report_.ranks.begin(), report_.ranks.end(), [](auto const& a, auto const& b) { return a.rank < b.rank; });
  for (auto const& host : absent)
    report_.findings.push_back({"wiring", "warning", fmt::format("the run was gone on with without {}", host)});
}

// Nothing of an earlier run may stand beside this one's journal: it would be taken for this run's result.
void RunState::clear_folder() const {
  auto const path = journal_path(options_.out);
  auto names = options_.files;
  names.emplace_back("journal.jsonl");
  auto const holds_run = std::any_of(names.begin(), names.end(),
                                     [&](std::string const& name) { return is_file(options_.out + "/" + name); });
  if (!holds_run) return;
  if (!options_.overwrite)
    throw Error(Exit::usage, fmt::format("{} already holds a run: --resume {} goes on with it, --overwrite replaces it",
                                         options_.out, options_.out));
  if (is_file(path)) AppendFile const in_use(path, false); // refused while another run writes to it
  for (auto const& name : names) remove_file(options_.out + "/" + name);
}

void RunState::expect(std::size_t cases) { total_ += cases; }

double RunState::rate_of(Case const& item) const {
  double sum = 0;
  std::size_t count = 0;
  auto const asked = question(item.probe, item.operation, item.backend ? item.backend->name : "none");
  std::lock_guard const lock(mutex_);
  for (auto const& record : report_.records) {
    if (!record.time || record.time->median <= 0 || question(record) != asked) continue;
    sum += std::max(record.cost.flops, record.cost.bytes) / record.time->median;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

Directive RunState::decide(Case const& item) {
  Directive directive;
  double const now = monotonic_seconds();
  if (StopSignal::requested()) {
    directive.action = Directive::stop;
    return directive;
  }
  show_progress(item);
  ++done_;
  if (closed_.contains(key(item))) {
    directive.action = Directive::pass_over;
    return directive;
  }
  directive.case_budget = options_.plan.case_budget;
  if (options_.plan.budget) {
    double const left = *options_.plan.budget - (now - resumed_at_);
    if (auto reason = why_cut(item, left); !reason.empty()) {
      cut(item, std::move(reason));
      directive.action = Directive::pass_over;
      return directive;
    }
    directive.case_budget = std::min(directive.case_budget, left / static_cast<double>(total_ - done_ + 1));
  }
  if (item.coupled() && now - synchronized_at_ > resynchronize_after) {
    directive.synchronize = 1;
    synchronized_at_ = now;
  }
  ++measured_;
  return directive;
}

std::string RunState::why_cut(Case const& item, double left) const {
  if (left <= 0) return fmt::format("the budget of {:g} s was used up", *options_.plan.budget);
  auto const known = pace_.find(pace_key(item));
  if (known == pace_.end()) return {};
  // A short message says nothing of how fast a long one goes: its time is latency.
  double const most_larger = std::holds_alternative<Collective>(item.operation) ? 16 : 1000;
  auto const& [pace, measured] = known->second;
  if (amount(item.operation) > most_larger * measured) return {};
  double const call = amount(item.operation) / pace;
  if (least_calls * call <= left) return {};
  return fmt::format("too long for what is left of the budget of {:g} s", *options_.plan.budget);
}

void RunState::remember_pace(Case const& item, std::vector<Record> const& records) {
  double longest = 0;
  for (auto const& record : records)
    if (record.time) longest = std::max(longest, record.time->median);
  if (longest > 0) pace_[pace_key(item)] = {amount(item.operation) / longest, amount(item.operation)};
}

void RunState::add(Case const& item, std::vector<Record> records) {
  journal_->append(records, key(item));
  remember_pace(item, records);
  std::lock_guard const lock(mutex_);
  std::move(records.begin(), records.end(), std::back_inserter(report_.records));
}

void RunState::cut(Case const& item, std::string reason) {
  std::lock_guard const lock(mutex_);
  report_.cut.push_back({item.probe, std::string(name(item.operation)), labels(item.operation), std::move(reason)});
}

void RunState::show_progress(Case const& item) {
  if (!hooks_.progress) return;
  Progress progress{.what = fmt::format("{} {} {}", item.probe, name(item.operation), labels(item.operation).line()),
                    .done = done_,
                    .total = total_,
                    .seconds_left = 0};
  double const spent = monotonic_seconds() - resumed_at_;
  if (measured_ > 0)
    progress.seconds_left = spent / static_cast<double>(measured_) * static_cast<double>(total_ - done_);
  if (options_.plan.budget)
    progress.seconds_left = std::min(progress.seconds_left, std::max(0.0, *options_.plan.budget - spent));
  hooks_.progress(progress);
}

void RunState::set_clock(ClockQuality const& clock) {
  std::lock_guard const lock(mutex_);
  report_.clock = clock;
  synchronized_at_ = monotonic_seconds();
}

void RunState::add_note(std::string text) {
  std::lock_guard const lock(mutex_);
  report_.findings.push_back({"second_look", "note", std::move(text)});
}

void RunState::finish(bool interrupted) {
  std::lock_guard const lock(mutex_);
  finished_ = true;
  report_.run.finished = unix_seconds();
  auto& reason = report_.run.incomplete_reason;
  reason.clear();
  if (interrupted)
    reason = stopped_by_signal;
  else if (!report_.cut.empty())
    reason = fmt::format("{} of {} cases cut: {}", report_.cut.size(), total_, report_.cut.front().reason);
  report_.run.complete = reason.empty();
}

void RunState::publish() {
  std::lock_guard const writing(publish_mutex_);
  hooks_.publish(report());
}

Report RunState::report() const {
  std::lock_guard const lock(mutex_);
  return report_;
}

void RunState::publish_unfinished(std::string const& reason, std::vector<MissingRank> const& missing) {
  std::lock_guard const writing(publish_mutex_);
  Report copy;
  {
    std::lock_guard const lock(mutex_);
    if (finished_ || !journal_ || (unfinished_reason_ && missing.empty())) return;
    if (!unfinished_reason_) unfinished_reason_ = reason.substr(0, reason.find('\n'));
    for (auto const& [rank, what] : missing) {
      auto const number = numbers_.at(rank);
      auto const info = std::find_if(report_.ranks.begin(), report_.ranks.end(),
                                     [&](RankInfo const& candidate) { return candidate.rank == number; });
      std::erase_if(report_.lost, [&](LostRank const& before) { return before.rank == number; });
      report_.lost.push_back({number, info == report_.ranks.end() ? std::string() : info->host, what});
    }
    copy = report_;
  }
  copy.run.finished = unix_seconds();
  copy.run.complete = false;
  copy.run.incomplete_reason = *unfinished_reason_;
  hooks_.publish(copy);
}

} // namespace maru
