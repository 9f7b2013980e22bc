// SPDX-License-Identifier: Apache-2.0
#include "bench/runner.hpp"

#include "bench/agree.hpp"
#include "bench/case_runner.hpp"
#include "bench/devices.hpp"
#include "bench/run_state.hpp"
#include "bench/stop_signal.hpp"
#include "bench/watchdog.hpp"
#include "bench/wiring.hpp"
#include "core/journal.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <set>

namespace maru {
namespace {

/// Gathers everybody's facts, judges the wiring on rank 0 and tells all.
Assembly assemble(World& world, RunOptions const& options, Equipment const& equipment, RunState& state) {
  auto own = gather_own_facts(world.rank(), plan_digest(options.plan));
  claim_device(equipment, local_rank(world, own.host.name), options.rehearse, own);
  std::vector<RankFacts> facts;
  for (auto const& bytes : world.gather(to_cbor(own))) facts.push_back(rank_facts_from_cbor(bytes));
  Assembly assembly;
  if (world.rank() == 0) {
    auto const faults = check_wiring(facts, options.rehearse);
    auto const notes = note_wiring(facts);
    auto wired = wire(facts);
    if (!faults.empty() && !options.force)
      assembly.fault = faults.front() + (faults.size() > 1 ? fmt::format(" (and {} more)", faults.size() - 1) : "") +
                       "; --force times it all the same";
    for (auto const& rank : wired.ranks) {
      assembly.hosts.push_back(rank.host);
      assembly.threads.push_back(rank.threads);
    }
    assembly.stream_bytes = wired.stream_bytes;
    assembly.device = wired.device;
    assembly.run_id = state.run_id();
    assembly.started_monotonic = state.started_monotonic();
    state.set_ranks(std::move(wired.ranks), std::move(wired.hosts), faults, notes, own.launcher, world.transport());
  }
  auto bytes = to_cbor(assembly);
  world.broadcast(bytes);
  assembly = assembly_from_cbor(bytes);
  if (!assembly.fault.empty()) throw AgreedError(Exit::usage, assembly.fault);
  return assembly;
}

/// Requests that this machine can have an answer to, or that stand alone and so deserve a reason.
std::vector<ProbeRequest> useful_requests(Plan const& plan, ProbeContext const& context) {
  std::vector<ProbeRequest> requests;
  for (auto const& request : plan.requests)
    if (context.has_device() || !probe_of(request).for_devices || plan.requests.size() == 1)
      requests.push_back(request);
  return requests;
}

/// Each question once, in the order of the plan.
class CaseList {
public:
  std::vector<Case> fresh(std::vector<Case> cases) {
    std::erase_if(cases, [&](Case const& item) { return !seen_.insert(key(item)).second; });
    return cases;
  }

private:
  std::set<std::string> seen_;
};

std::vector<Case> all_cases(std::vector<ProbeRequest> const& requests, ProbeContext const& context, CaseList& list) {
  std::vector<Case> cases;
  for (auto const& request : requests)
    for (auto& item : list.fresh(list_cases(request, context))) cases.push_back(std::move(item));
  if (cases.empty()) throw Error(Exit::usage, "the plan asks for nothing");
  return cases;
}

Effort effort_for(Plan const& plan, Case const& item, double case_budget) {
  // Counts that were asked for are cut by a budget that was asked for, and by nothing else.
  if (plan.iterations && !plan.budget) case_budget = std::numeric_limits<double>::infinity();
  return {.precision = plan.precision,
          .max_iterations = plan.max_iterations.value_or(item.max_iterations),
          .case_budget = case_budget,
          .iterations = plan.iterations,
          .warmup = plan.warmup};
}

Directive announce(World& world, Directive const& mine) {
  auto const raw = std::as_bytes(std::span(&mine, 1));
  Bytes bytes(raw.begin(), raw.end());
  world.broadcast(bytes);
  Directive directive;
  std::memcpy(&directive, bytes.data(), sizeof directive);
  return directive;
}

// Runs the cases in order; true when all were seen to, false when a signal ended it before.
bool run_cases(World& world, Plan const& plan, std::vector<Case> const& cases, CaseRunner& runner, RunState& state) {
  for (auto const& item : cases) {
    auto const directive = announce(world, world.rank() == 0 ? state.decide(item) : Directive{});
    if (directive.action == Directive::stop) return false;
    if (directive.action == Directive::pass_over) continue;
    if (directive.synchronize) runner.synchronize_clocks();
    auto outcome = runner.run(item, effort_for(plan, item, directive.case_budget));
    if (outcome.interrupted) return false;
    on_rank0(world, [&] { state.add(item, std::move(outcome.records)); });
  }
  return true;
}

/// What a search asks next, from rank 0's knowledge of the cases so far.
std::vector<Case> further_cases(World& world, std::vector<ProbeRequest> const& requests, ProbeContext const& context,
                                std::vector<Case> const& cases, RunState const& state) {
  std::vector<double> known;
  for (auto const& item : cases) known.push_back(world.rank() == 0 ? state.rate_of(item) : 0.0);
  world.all_reduce_max(known);
  std::map<std::string, double> rates;
  for (std::size_t i = 0; i < cases.size(); ++i) rates[key(cases[i])] = known[i];
  std::vector<Case> more;
  for (auto const& request : requests)
    if (auto const further = probe_of(request).further)
      for (auto& item : further(complete(request), context, rates)) more.push_back(std::move(item));
  return more;
}

} // namespace

RunResult run_plan(World& world, RunOptions const& options, Equipment const& equipment, RunHooks const& hooks) {
  bool const leads = world.rank() == 0;
  RunState state(options, hooks);
  on_rank0(world, [&] { state.load(); });
  auto const assembly = assemble(world, options, equipment, state);
  ProbeContext const context{equipment.backends, assembly.stream_bytes, assembly.device};
  auto const requests = useful_requests(options.plan, context);
  std::vector<Case> cases;
  CaseList list;
  all_or_none(world, [&] {
    cases = all_cases(requests, context, list);
    for (auto const& item : cases)
      make_groups(item.group_kind, assembly.hosts); // throws for what these ranks cannot form
  });
  on_rank0(world, [&] { state.open(cases.size()); });

  StopSignal const stop;
  Watchdog watchdog(world, assembly.hosts, options.watchdog,
                    {.on_fire =
                         [&](std::string const& text) {
                           hooks.alarm(text);
                           if (leads) state.publish_unfinished(text);
                           for (auto const abandon : equipment.abandon) abandon();
                         },
                     .on_tick =
                         [&] {
                           if (leads && StopSignal::requested()) state.publish_unfinished(stopped_by_signal);
                         }});
  CaseRunner runner({.world = world,
                     .host_of_rank = assembly.hosts,
                     .equipment = equipment,
                     .threads = static_cast<int>(assembly.threads[static_cast<std::size_t>(world.rank())]),
                     .rehearsal = options.rehearse,
                     .check = options.plan.check,
                     .seed = std::hash<std::string>{}(assembly.run_id),
                     .run_started = assembly.started_monotonic,
                     .step = [&](std::string const& name) { watchdog.step(name); },
                     .touch = [&] { watchdog.touch(); },
                     .stop_requested = [] { return StopSignal::requested(); }});
  watchdog.step("clock synchronisation");
  runner.synchronize_clocks();
  state.set_clock(runner.clock_quality());
  bool all_seen_to = run_cases(world, options.plan, cases, runner, state);
  while (all_seen_to) {
    auto const more = list.fresh(further_cases(world, requests, context, cases, state));
    if (more.empty()) break;
    on_rank0(world, [&] { state.expect(more.size()); });
    all_seen_to = run_cases(world, options.plan, more, runner, state);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  watchdog.step("final clock synchronisation");
  runner.synchronize_clocks();
  state.set_clock(runner.clock_quality());
  watchdog.step("writing the report");
  on_rank0(world, [&] {
    state.finish(!all_seen_to);
    state.publish();
  });
  RunResult result{.report = state.report(), .code = Exit::good};
  auto const code = world.broadcast_text(
      std::string(1, static_cast<char>(leads ? exit_code(result.report, !all_seen_to) : Exit::good)));
  result.code = static_cast<Exit>(code.front());
  return result;
}

Exit exit_code(Report const& report, bool interrupted) {
  auto const has = [&](Status status) {
    return std::any_of(report.records.begin(), report.records.end(),
                       [&](Record const& r) { return r.status == status; });
  };
  if (has(Status::wrong)) return Exit::wrong;
  if (has(Status::failed) || interrupted) return Exit::incomplete;
  return Exit::good;
}

Plan plan_of_journal(std::string const& directory) {
  auto const header = read_journal(directory).header;
  return parse_plan(header.plan_toml, journal_path(directory));
}

} // namespace maru
