// SPDX-License-Identifier: Apache-2.0
#include "bench/runner.hpp"

#include "bench/agree.hpp"
#include "bench/case_runner.hpp"
#include "bench/devices.hpp"
#include "bench/outline.hpp"
#include "bench/run_state.hpp"
#include "bench/second_look.hpp"
#include "bench/stop_signal.hpp"
#include "bench/watchdog.hpp"
#include "bench/wiring.hpp"
#include "core/journal.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <set>

namespace maru {
namespace {

std::vector<std::string> models_of(std::vector<RankFacts> const& facts) {
  std::vector<std::string> models;
  for (auto const& fact : facts) models.push_back(fact.rank.device.empty() ? fact.host.cpu : fact.rank.device);
  if (std::adjacent_find(models.begin(), models.end(), std::not_equal_to<>()) == models.end()) models.clear();
  return models;
}

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
    assembly.models = models_of(facts);
    assembly.stream_bytes = wired.stream_bytes;
    assembly.memory_bytes = wired.memory_bytes;
    assembly.device = wired.device;
    assembly.run_id = state.run_id();
    assembly.started_monotonic = state.started_monotonic();
    state.set_ranks(std::move(wired.ranks), std::move(wired.hosts), faults, notes, own.launcher, world.transport());
    assembly.numbers = state.numbers();
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
bool run_cases(World& world, Plan const& plan, std::vector<Case> const& cases, CaseRunner& runner, RunState& state,
               RunHooks const& hooks) {
  for (auto const& item : cases) {
    auto const directive = announce(world, world.rank() == 0 ? state.decide(item) : Directive{});
    if (directive.action == Directive::stop) return false;
    if (directive.action == Directive::pass_over) continue;
    if (directive.synchronize) runner.synchronize_clocks();
    auto outcome = runner.run(item, effort_for(plan, item, directive.case_budget));
    if (outcome.interrupted) return false;
    on_rank0(world, [&] {
      state.add(item, std::move(outcome.records));
      if (hooks.wants_look && hooks.wants_look()) hooks.look(state.report());
    });
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

/// What a run's stages have in common.
struct Stage {
  World& world;
  RunOptions const& options;
  RunHooks const& hooks;
  ProbeContext const& context;
  RunState& state;
  CaseRunner& runner;
  CaseList list = {};
  std::vector<Case> cases = {}; ///< all so far

  /// Runs those that are new; false when a signal ended it.
  bool run(std::vector<Case> more) {
    bool const finished = run_cases(world, options.plan, more, runner, state, hooks);
    cases.insert(cases.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return finished;
  }
  bool run_further(std::vector<Case> more) {
    more = list.fresh(std::move(more));
    on_rank0(world, [&] { state.expect(more.size()); });
    return run(std::move(more));
  }
  /// As rank 0 sees it, for all.
  std::vector<std::string> suspects(Suspicion suspicion) {
    std::string names;
    on_rank0(world, [&] {
      try {
        if (hooks.suspects)
          for (auto const& host : hooks.suspects(state.report(), suspicion)) names += host + '\n';
      } catch (std::exception const& error) { // what was measured is worth more than another look at it
        names.clear();
        state.add_note(fmt::format("nobody could be put under suspicion: {}", error.what()));
      }
    });
    names = world.broadcast_text(names);
    std::vector<std::string> hosts;
    for (std::size_t begin = 0, end = 0; (end = names.find('\n', begin)) != names.npos; begin = end + 1)
      hosts.push_back(names.substr(begin, end - begin));
    return hosts;
  }
};

// A search goes on until it leads no further.
bool run_searches(Stage& stage, std::vector<ProbeRequest> const& requests) {
  for (;;) {
    auto more = stage.list.fresh(further_cases(stage.world, requests, stage.context, stage.cases, stage.state));
    if (more.empty()) return true;
    on_rank0(stage.world, [&] { stage.state.expect(more.size()); });
    if (!stage.run(std::move(more))) return false;
  }
}

// What the first look leaves open: the other end of a link that nobody measured, and whether a suspect was only
// disturbed.
bool look_again(Stage& stage) {
  auto const first_look = stage.cases;
  Roster const roster{stage.context.hosts, stage.context.models};
  if (!further_rounds(first_look, roster, {roster.host_of_rank.front()}).empty() &&
      !stage.run_further(further_rounds(first_look, roster, stage.suspects(Suspicion::network))))
    return false;
  if (!stage.options.plan.recheck) return true;
  auto const suspects = stage.suspects(Suspicion::any);
  auto more = second_look(first_look, roster, suspects);
  on_rank0(stage.world, [&] {
    stage.state.add_note(suspects.empty() ? std::string("no second look: nobody was under suspicion")
                         : more.empty()   ? std::string("no second look: everybody was under suspicion")
                                          : fmt::format("a second look at {}", fmt::join(suspects, ", ")));
  });
  return stage.run_further(std::move(more));
}

void say_outlook(std::vector<ProbeRequest> const& requests, ProbeContext const& context, RunHooks const& hooks) {
  if (!hooks.outlook) return;
  for (auto const& request : requests)
    if (auto const outlook = probe_of(request).outlook)
      if (auto const text = outlook(complete(request), context); !text.empty()) hooks.outlook(text);
}

// A failure of one rank alone ends the job (a peer died, say): what is known by then must be in place before.
bool run_stages(Stage& stage, std::vector<Case> cases, std::vector<ProbeRequest> const& requests) {
  try {
    return stage.run(std::move(cases)) && run_searches(stage, requests) && look_again(stage);
  } catch (AgreedError const&) {
    throw;
  } catch (std::exception const& error) {
    if (stage.world.rank() == 0) stage.state.publish_unfinished(error.what());
    throw;
  }
}

} // namespace

RunResult run_plan(World& world, RunOptions const& options, Equipment const& equipment, RunHooks const& hooks) {
  bool const leads = world.rank() == 0;
  RunState state(options, hooks);
  on_rank0(world, [&] { state.load(); });
  auto const assembly = assemble(world, options, equipment, state);
  ProbeContext const context{equipment.backends, assembly.stream_bytes, assembly.device, assembly.hosts,
                             assembly.models};
  auto const requests = useful_requests(options.plan, context);
  std::vector<Case> cases;
  CaseList list;
  all_or_none(world, [&] {
    cases = all_cases(requests, context, list);
    for (auto const& item : cases)
      if (item.groups.empty()) make_groups(item.group_kind, assembly.hosts); // throws for what these ranks cannot form
  });
  on_rank0(world, [&] {
    if (hooks.planned) hooks.planned(outline(state.report(), cases, assembly.hosts, context.has_device()));
    state.open(cases.size());
    say_outlook(requests, context, hooks);
  });

  StopSignal const stop;
  Watchdog watchdog(world, assembly.hosts, options.watchdog,
                    {.on_fire =
                         [&](std::string const& text, std::vector<MissingRank> const& missing) {
                           hooks.alarm(text);
                           if (leads) state.publish_unfinished(text, missing);
                           for (auto const abandon : equipment.abandon) abandon();
                         },
                     .on_tick =
                         [&] {
                           if (leads && StopSignal::requested()) state.publish_unfinished(stopped_by_signal);
                         },
                     .on_roll_call =
                         [&](std::vector<MissingRank> const& missing) {
                           if (leads) state.publish_unfinished(stopped_by_signal, missing);
                         },
                     .stop_requested = [] { return StopSignal::requested(); }});
  CaseRunner runner({.world = world,
                     .host_of_rank = assembly.hosts,
                     .number_of_rank = assembly.numbers,
                     .equipment = equipment,
                     .threads = static_cast<int>(assembly.threads[static_cast<std::size_t>(world.rank())]),
                     .memory_bytes = assembly.memory_bytes,
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
  Stage stage{world, options, hooks, context, state, runner, std::move(list)};
  bool const all_seen_to = run_stages(stage, std::move(cases), requests);
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
