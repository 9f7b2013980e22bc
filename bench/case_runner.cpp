// SPDX-License-Identifier: Apache-2.0
#include "bench/case_runner.hpp"

#include "bench/agree.hpp"
#include "bench/arrival.hpp"
#include "bench/composite.hpp"
#include "core/report_io.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace maru {

Operation for_group(Operation operation, std::size_t group_size, int threads, std::int64_t memory_bytes) {
  auto const ranks = static_cast<int>(group_size);
  if (auto* collective = std::get_if<Collective>(&operation)) collective->ranks = ranks;
  if (auto* step = std::get_if<Step>(&operation)) {
    step->ranks = ranks;
    step->memory_bytes = memory_bytes;
  }
  if (auto* overlap = std::get_if<Overlap>(&operation)) {
    overlap->collective.ranks = ranks;
    overlap->threads = threads;
  }
  return operation;
}

namespace {

constexpr std::size_t samples_kept = 64;
constexpr int arrival_iterations = 20, arrival_iterations_long = 12; // two ranks need 11 to be told apart
constexpr double arrival_share = 0.25; // of a case's time that the sample of arrivals may take beyond it
constexpr double closer_share = 0.25;  // likewise for watching the device more closely
constexpr double long_call = 1e-3, arrival_period = 1.2, arrival_gap = 50e-6;

// Whether the action went well on every rank of the group; if not, `reason` says where it did not.
bool all_do(World& group, Members const& members, std::string& reason, std::function<void()> const& action) {
  auto const fault = attempt_together(group, action, [&](std::size_t index) { return members.introduce(index); });
  if (fault) reason = fault->what();
  return !fault;
}

/// What the leader needs of each member's verification, beside its text.
struct Checked {
  std::uint64_t elements = 0, wrong = 0;
  double max_error = 0;
};

Verification merge_checks(World& group, Verification const& mine, Members const& members) {
  Checked const raw{mine.elements, mine.wrong, mine.max_error};
  std::string packed(reinterpret_cast<char const*>(&raw), sizeof raw);
  Verification merged = mine;
  auto const all = group.gather_text(packed + mine.detail);
  if (all.empty()) return merged;
  merged.elements = merged.wrong = 0;
  merged.max_error = 0;
  merged.detail.clear();
  for (std::size_t i = 0; i < all.size(); ++i) {
    Checked theirs;
    std::memcpy(&theirs, all[i].data(), sizeof theirs);
    merged.elements += theirs.elements;
    merged.wrong += theirs.wrong;
    merged.max_error = std::max(merged.max_error, theirs.max_error);
    if (theirs.wrong > 0 && merged.detail.empty()) {
      merged.detail = members.introduce(i) + all[i].substr(sizeof theirs);
      merged.wrong_rank = members.numbers[i];
    }
  }
  return merged;
}

// NaN or infinity is wrong beyond measure, and JSON has no word for either.
double finite_error(double error) { return std::isfinite(error) ? error : 1e300; }

Samples keep_samples(Measured const& measured, ClockFit const& clock, double run_started) {
  Samples kept;
  auto const count = measured.samples.size();
  auto const wanted = std::min(count, samples_kept);
  for (std::size_t i = 0; i < wanted; ++i) {
    auto const index = wanted < 2 ? 0 : i * (count - 1) / (wanted - 1);
    kept.at.push_back(clock.to_rank0(measured.begun[index]) - run_started);
    kept.seconds.push_back(measured.samples[index]);
  }
  return kept;
}

/// Joules, where the calls fill nearly all of the time over which the power is a mean.
std::optional<double> energy_per_call(Conditions const& conditions, Measured const& measured) {
  constexpr double filled = 0.9;
  if (!conditions.power || measured.own.size() < 2) return std::nullopt;
  double busy = 0;
  for (double const seconds : measured.own) busy += seconds * static_cast<double>(measured.calls_per_sample);
  double const last = measured.own.back() * static_cast<double>(measured.calls_per_sample);
  double const window = measured.begun.back() + last - measured.begun.front();
  if (busy < filled * window) return std::nullopt;
  return *conditions.power * summarize(measured.own, measured.calls_per_sample).median;
}

/// By rank of the group; on its leader only.
std::vector<Conditions> gather_conditions(World& group, Conditions const& own) {
  Record carrier; // what travels is records
  carrier.conditions = own;
  std::vector<Conditions> all;
  for (auto const& bytes : group.gather(records_to_cbor({carrier})))
    all.push_back(*records_from_cbor(bytes, "conditions of a rank").at(0).conditions);
  return all;
}

RankSpread merge_spread(World& group, double own_median, Members const& members) {
  RankSpread spread;
  auto const all = group.gather(std::as_bytes(std::span(&own_median, 1)));
  for (std::size_t i = 0; i < all.size(); ++i) {
    double seconds = 0;
    std::memcpy(&seconds, all[i].data(), sizeof seconds);
    spread = merge(spread, spread_of({members.numbers[i], members.hosts[i], seconds}));
  }
  return spread;
}

} // namespace

CaseRunner::CaseRunner(CaseSurroundings surroundings) : here_(std::move(surroundings)), observer_(here_.equipment) {}

std::string Members::introduce(std::size_t index) const {
  return fmt::format("rank {} on {}: ", numbers[index], hosts[index]);
}

// Those who stand aside are a world as well, in which nothing happens.
CaseRunner::Grouping CaseRunner::make_grouping(GroupList groups, bool coupled) {
  Grouping grouping;
  grouping.groups = std::move(groups);
  grouping.mine = group_of(grouping.groups, here_.world.rank());
  grouping.world = coupled ? here_.world.split(static_cast<int>(grouping.mine)) : solo_world();
  if (!grouping.takes_part()) return grouping;
  for (auto const rank : grouping.groups[grouping.mine]) {
    grouping.members.numbers.push_back(here_.number_of_rank[static_cast<std::size_t>(rank)]);
    grouping.members.hosts.push_back(here_.host_of_rank[static_cast<std::size_t>(rank)]);
  }
  return grouping;
}

CaseRunner::Grouping& CaseRunner::grouping(Case const& item) {
  if (item.groups.empty()) {
    auto const [found, fresh] = groupings_.try_emplace(item.group_kind);
    if (fresh) found->second = make_grouping(make_groups(item.group_kind, here_.host_of_rank), item.coupled());
    return found->second;
  }
  auto kind = item.group_kind + (item.second_look ? " again" : "");
  if (kind == latest_kind_) return latest_;
  for (auto const forget : here_.equipment.forget) forget();
  latest_ = make_grouping(item.groups, item.coupled());
  latest_kind_ = std::move(kind);
  return latest_;
}

void CaseRunner::synchronize_clocks() {
  auto const now = measure_clock(here_.world, kernel_clock_id());
  double residual = 0;
  clock_ = clock_known_ ? join(clock_, now, residual) : now;
  clock_known_ = true;
  if (std::abs(residual) > std::abs(worst_residual_)) worst_residual_ = residual;
}

ClockQuality CaseRunner::clock_quality() { return maru::clock_quality(here_.world, clock_, worst_residual_); }

Record CaseRunner::begin_record(Case const& item, Operation const& operation, Grouping const& grouping) const {
  Record record;
  record.probe = item.probe;
  record.operation = name(operation);
  record.backend = item.backend ? item.backend->name : "none";
  record.device = item.backend ? item.backend->device : "";
  record.labels = labels(operation);
  record.group = {
      .kind = item.group_kind, .index = static_cast<std::int64_t>(grouping.mine), .ranks = grouping.members.numbers};
  record.second_look = item.second_look;
  record.cost = cost(operation);
  record.rehearsal = here_.rehearsal && computes_with_device(record);
  return record;
}

// Null, with the record saying why, when this group has nothing to time.
std::unique_ptr<Work> CaseRunner::prepare(Case const& item, Operation const& operation, Grouping& grouping,
                                          Record& record) {
  auto const skipped = item.backend ? ask(*item.backend, operation) : std::optional(Skipped{item.skip_reason});
  auto& group = *grouping.world;
  if (!group.all_agree(!skipped)) {
    record.status = Status::skipped;
    record.reason = skipped ? skipped->reason : "another rank of the group cannot do it";
    return nullptr;
  }
  Site const site{.threads = here_.threads,
                  .seed = here_.seed + (item.coupled() ? 0 : static_cast<std::uint64_t>(here_.world.rank())),
                  .members = item.coupled() ? std::span(std::as_const(grouping.groups)[grouping.mine])
                                            : std::span<std::int64_t const>(),
                  .index = group.rank(),
                  .group = item.coupled() ? &group : nullptr,
                  .groups = item.coupled() ? std::span(std::as_const(grouping.groups))
                                           : std::span<std::vector<std::int64_t> const>(),
                  .passing = !item.groups.empty(),
                  .rehearsal = here_.rehearsal};
  auto const& members = grouping.members;
  std::unique_ptr<Work> work;
  record.status = Status::failed;
  if (!all_do(group, members, record.reason, [&] { work = item.backend->prepare(operation, site); })) return nullptr;
  if (here_.check) {
    Verification mine;
    if (!all_do(group, members, record.reason, [&] { mine = work->verify(); })) return nullptr;
    mine.max_error = finite_error(mine.max_error);
    record.verification = merge_checks(group, mine, members);
    if (!group.all_agree(mine.wrong == 0)) {
      record.status = Status::wrong;
      record.reason = fmt::format("{} of {} elements wrong; {}", record.verification.wrong,
                                  record.verification.elements, record.verification.detail);
      return nullptr; // a wrong result is not timed: its speed means nothing
    }
  }
  record.status = Status::ok;
  record.cost = work->own_cost().value_or(record.cost);
  return work;
}

void CaseRunner::finish_record(Record& record, Measured const& measured, Grouping& grouping) {
  record.time = summarize(measured.samples, measured.calls_per_sample);
  record.stop = measured.stop;
  record.samples = keep_samples(measured, clock_, here_.run_started);
  auto const own = summarize(measured.own, measured.calls_per_sample);
  record.spread = merge_spread(*grouping.world, own.median, grouping.members);
}

// Not at every size of a sweep: at the first of a kind, and again when there is much more to a call. What decides is
// the same on every rank, whether it takes part or not: it remembers what was looked at.
bool CaseRunner::deserves_closer_look(Case const& item, GroupList const& groups) {
  constexpr double much_more = 16;
  auto const kind =
      fmt::format("{} {} {} {} {}", item.probe, name(item.operation), item.backend ? item.backend->name : "none",
                  labels(item.operation).text("dtype"), base_kind(item.group_kind));
  auto const whole = cost(for_group(item.operation, groups.front().size(), 1, 0));
  double const amount = std::max(whole.flops, whole.bytes);
  auto const [known, fresh] = looked_at_.try_emplace(kind, amount);
  if (!fresh && amount < much_more * known->second) return false;
  known->second = amount;
  return true;
}

void CaseRunner::look_closer(Record& record, Work& work, Team const& team, Conditions& conditions, double seconds) {
  std::optional<Trace> trace;
  if (seconds > 0) observer_.look_closer(team, work, record.time->median, seconds, conditions, trace);
  record.trace = std::move(trace);
  auto merged = Conditions{};
  for (auto const& one : gather_conditions(team.group, conditions)) merged = merge(merged, one);
  if (merged.devices > 0) record.conditions = std::move(merged);
  record.implementation = work.implementation();
}

void CaseRunner::sample_arrivals_of(Record& record, Work& work, Grouping& grouping, Effort const& effort, double left) {
  auto& group = *grouping.world;
  bool const brief = record.time->median < long_call;
  double const period = arrival_period * record.time->p90 + arrival_gap;
  // The leader's clock decides for its group how many there is time for.
  std::array<double, 1> seconds{group.rank() == 0 ? std::max(left, arrival_share * effort.case_budget) : 0.0};
  group.all_reduce_max(seconds);
  for (double const slower : {1.0, 4.0}) { // once more, slower, where most iterations began with a rank still busy
    double const wanted = brief ? arrival_iterations : arrival_iterations_long;
    auto const iterations = static_cast<int>(std::min(seconds[0] / (slower * period), wanted));
    if (iterations < 1) return;
    record.arrival = sample_arrivals(group, work, clock_, here_.world.rank(), iterations, slower * period,
                                     grouping.members.numbers, grouping.members.hosts, here_.touch);
    bool const enough = !record.arrival || 2 * record.arrival->missed <= static_cast<std::uint64_t>(iterations);
    if (group.all_agree(enough)) return;
  }
}

CaseOutcome CaseRunner::run(Case const& item, Effort const& effort) {
  auto const title = fmt::format("{} {} {}", item.probe, name(item.operation), labels(item.operation).line());
  int phase = 0;
  auto const step = [&] { here_.step(fmt::format("{}, part {}", title, ++phase)); };
  double const begun = monotonic_seconds();
  step();
  auto& mine = grouping(item);
  bool const asked = mine.takes_part();
  auto const operation = for_group(item.operation, mine.members.numbers.size(), here_.threads, here_.memory_bytes);
  Record record;
  if (asked) record = begin_record(item, operation, mine);
  double const closer = deserves_closer_look(item, mine.groups) ? closer_share * effort.case_budget : 0;
  auto work = asked ? prepare(item, operation, mine, record) : nullptr;
  Team const team{here_.world, *mine.world, here_.world.rank(), item.coupled()};
  if (work) observer_.begin(*item.backend);
  auto const measured = measure(team, work.get(), effort, step, here_.stop_requested);
  auto conditions = observer_.end();
  if (measured.stop == Stop::interrupted) return {.interrupted = true, .records = {}};
  if (work) {
    finish_record(record, measured, mine);
    add_composite(record, operation, measured);
  }
  step();
  if (work) {
    conditions.energy_per_call = energy_per_call(conditions, measured);
    look_closer(record, *work, team, conditions, closer);
  }
  if (item.coupled()) step();
  if (work && item.coupled())
    sample_arrivals_of(record, *work, mine, effort, effort.case_budget - (monotonic_seconds() - begun));
  work.reset();
  step();
  std::vector<Record> own;
  if (asked && mine.world->rank() == 0) own.push_back(std::move(record));
  CaseOutcome outcome;
  for (auto const& bytes : here_.world.gather(records_to_cbor(own)))
    for (auto& received : records_from_cbor(bytes, "records of a rank")) outcome.records.push_back(std::move(received));
  return outcome;
}

} // namespace maru
