// SPDX-License-Identifier: Apache-2.0
#include "analysis/findings.hpp"
#include "analysis/judge.hpp"
#include "bench/agree.hpp"
#include "bench/probe.hpp"
#include "bench/runner.hpp"
#include "cli/command.hpp"
#include "cli/publish.hpp"
#include "cli/terminal.hpp"
#include "cli/thresholds.hpp"
#include "collectors/launcher.hpp"
#include "core/file.hpp"
#include "core/module.hpp"
#include "core/units.hpp"
#include "core/work.hpp"
#include "exporters/exporter.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

struct Arguments {
  std::vector<std::string> probes;
  std::string plan, out, resume, budget, case_budget, precision, watchdog = "60s", progress = "auto", format = "table";
  std::string min_bytes, max_bytes, factor, step_bytes, dtypes, groups, root;
  std::string iterations, warmup, max_iterations, check;
  std::vector<std::string> settings;
  std::string model, layers, tp, dp, sequence, sequences;
  std::string device = "auto", shapes;
  std::string links_full, cluster;
  ThresholdArguments thresholds;
  PublishArguments publish;
  bool overwrite = false, force = false, rehearse = false, graph = false, find_peak = false, recheck = false;
};

/// Options that are a probe's parameter under a shorter name.
void override_probe(Plan& plan, char const* option, std::string const& probe, std::string const& key,
                    std::string const& text) {
  if (text.empty()) return;
  bool used = false;
  for (auto& request : plan.requests) {
    if (request.probe != probe) continue;
    request.parameters[key] = split_list(text);
    used = true;
  }
  if (!used) throw Error(Exit::usage, fmt::format("{} is for {}, and it is not asked for", option, probe));
}

/// The options that have their names from nccl-tests.
void override_collectives(Plan& plan, Arguments const& a) {
  override_probe(plan, "-b", "collectives", "min_bytes", a.min_bytes);
  override_probe(plan, "-e", "collectives", "max_bytes", a.max_bytes);
  override_probe(plan, "-f", "collectives", "factor", a.factor);
  override_probe(plan, "-i", "collectives", "step_bytes", a.step_bytes);
  override_probe(plan, "-d", "collectives", "dtypes", a.dtypes);
  override_probe(plan, "--groups", "collectives", "groups", a.groups);
  override_probe(plan, "-r", "collectives", "root", a.root);
  override_probe(plan, "--links-full", "links", "full", a.links_full);
}

void override_step(Plan& plan, Arguments const& a) {
  override_probe(plan, "--model", "step", "model", a.model);
  override_probe(plan, "--layers", "step", "layers", a.layers);
  override_probe(plan, "--tp", "step", "tp", a.tp);
  override_probe(plan, "--dp", "step", "dp", a.dp);
  override_probe(plan, "--seq", "step", "seq", a.sequence);
  override_probe(plan, "--mb", "step", "mb", a.sequences);
}

/// `maru run gemm --find-peak`: the search takes the place of the sweep.
void turn_into_search(Plan& plan) {
  bool found = false;
  for (auto& request : plan.requests) {
    if (request.probe != "gemm") continue;
    request.probe = "gemm_peak";
    std::erase_if(request.parameters,
                  [](auto const& entry) { return entry.first == "sizes" || entry.first == "shapes"; });
    found = true;
  }
  if (!found) throw Error(Exit::usage, "--find-peak is for gemm, and it is not asked for");
}

// PROBE.KEY=VALUE[,VALUE…]
void apply_setting(Plan& plan, std::string const& setting) {
  auto const dot = setting.find('.'), equals = setting.find('=');
  if (dot == setting.npos || equals == setting.npos || dot > equals)
    throw Error(Exit::usage, fmt::format("--set {}: expected PROBE.KEY=VALUE", setting));
  auto const probe = setting.substr(0, dot);
  bool used = false;
  for (auto& request : plan.requests) {
    if (request.probe != probe) continue;
    request.parameters[setting.substr(dot + 1, equals - dot - 1)] = split_list(setting.substr(equals + 1));
    check_request(request);
    used = true;
  }
  if (!used) throw Error(Exit::usage, fmt::format("--set {}: the plan has no probe '{}'", setting, probe));
}

Plan base_plan(Arguments const& a) {
  if (!a.plan.empty() && !a.probes.empty()) throw Error(Exit::usage, "name probes or a --plan, not both");
  if (!a.plan.empty()) return load_plan(a.plan);
  if (a.probes.empty()) return a.resume.empty() ? load_plan("quick") : plan_of_journal(a.resume);
  Plan plan;
  for (auto const& name : a.probes) {
    plan.requests.push_back(request_by_name(name));
    plan.name += (plan.name.empty() ? "" : "+") + name;
  }
  return plan;
}

Plan make_plan(Arguments const& a) {
  auto plan = base_plan(a);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  auto const count = [&](std::string const& text, char const* option, std::int64_t least) {
    return static_cast<std::uint64_t>(parse_integer(text, option, least, most));
  };
  if (a.recheck) plan.recheck = true;
  if (!a.budget.empty()) plan.budget = parse_duration(a.budget, "--budget");
  if (!a.case_budget.empty()) plan.case_budget = parse_duration(a.case_budget, "--case-budget");
  if (!a.precision.empty()) plan.precision = parse_precision(a.precision, "--precision");
  if (!a.iterations.empty()) plan.iterations = count(a.iterations, "-n", 1);
  if (!a.warmup.empty()) plan.warmup = count(a.warmup, "-w", 0);
  if (!a.max_iterations.empty()) plan.max_iterations = count(a.max_iterations, "--max-iterations", 1);
  if (!a.check.empty()) plan.check = parse_integer(a.check, "-c", 0, 1) == 1;
  override_collectives(plan, a);
  override_step(plan, a);
  override_probe(plan, "--shapes", "gemm", "shapes", a.shapes);
  if (a.graph) override_probe(plan, "--graph", "collectives", "graph", "1");
  for (auto const& setting : a.settings) apply_setting(plan, setting);
  if (a.find_peak) turn_into_search(plan);
  return plan;
}

RunOptions make_options(Arguments const& a) {
  RunOptions options{.plan = make_plan(a),
                     .out = a.out,
                     .resume = !a.resume.empty(),
                     .overwrite = a.overwrite,
                     .force = a.force,
                     .rehearse = a.rehearse,
                     .cluster = a.cluster,
                     .watchdog = parse_watchdog(a.watchdog)};
  if (options.resume) {
    if (!a.out.empty() && a.out != a.resume) throw Error(Exit::usage, "--resume DIR writes to DIR; leave out --out");
    options.out = a.resume;
  }
  if (options.out.empty())
    options.out = fmt::format("maru-{:%Y%m%d-%H%M%S}", fmt::localtime(static_cast<std::time_t>(unix_seconds())));
  return options;
}

void write_files(Report report, std::string const& directory) {
  conclude(report);
  for (auto const* exporter : exporters())
    if (exporter->file) write_file(fmt::format("{}/{}", directory, exporter->file), rendered(*exporter, report));
}

std::vector<std::string> file_names() {
  std::vector<std::string> names;
  for (auto const* exporter : exporters())
    if (exporter->file) names.emplace_back(exporter->file);
  return names;
}

/// Of a report that is concluded. False when the table could not be printed.
bool show_result(Report const& report, RunOptions const& options, Exporter const& form) {
  bool const printed = std::fputs(rendered(form, report).c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!printed) say("maru: cannot write to standard output");
  say(fmt::format("files in {}: {}, journal.jsonl", options.out, fmt::join(options.files, ", ")));
  if (!report.run.complete)
    say(fmt::format("incomplete: {}; maru run --resume {} goes on", report.run.incomplete_reason, options.out));
  return printed;
}

void alarm(std::string_view text) {
  for (;;) {
    auto const end = text.find('\n');
    say(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> find_suspects(Report const& report, Suspicion suspicion, Thresholds const& thresholds) {
  JudgeOptions options;
  options.thresholds = thresholds;
  options.specs = specs_for(report);
  return suspects(report, options, suspicion == Suspicion::network);
}

Exit run_in(World& world, Arguments const& a) {
  bool const leads = world.rank() == 0;
  RunOptions options;
  Exporter const* form = nullptr;
  auto style = ProgressStyle::automatic;
  Thresholds thresholds;
  std::optional<RunPublisher> publisher;
  all_or_none(world, [&] {
    // A folder of this run's is rank 0's; the others need not see it, so they take the plan of a journal from it.
    form = find_exporter(a.format);
    if (!form) throw Error(Exit::usage, fmt::format("--format: there is no '{}'", a.format));
    style = parse_progress_style(a.progress);
    thresholds = read_thresholds(a.thresholds);
    publisher.emplace(a.publish, leads);
    if (a.resume.empty() || leads) options = make_options(a);
  });
  if (!a.resume.empty()) {
    auto const toml = world.broadcast_text(plan_to_toml(options.plan));
    all_or_none(world, [&] { options.plan = parse_plan(toml, a.resume); });
    options.resume = true;
    options.watchdog = parse_watchdog(a.watchdog);
    options.force = a.force;
    options.rehearse = a.rehearse;
  }
  options.files = file_names();
  auto const modules = a.device == "cpu" ? std::vector<Module>() : load_modules(ModuleChoice::useful);
  Equipment equipment;
  all_or_none(world, [&] { equipment = equip(builtin_backends(), modules, a.device); });
  ProgressPrinter printer(leads ? style : ProgressStyle::none);
  auto result = run_plan(world, options, equipment,
                         {.publish = [&](Report const& report) { write_files(report, options.out); },
                          .progress = [&](Progress const& progress) { printer.show(progress); },
                          .alarm = alarm,
                          .suspects = [&](Report const& report,
                                          Suspicion suspicion) { return find_suspects(report, suspicion, thresholds); },
                          .outlook = say,
                          .planned = publisher->asked() ? [&](Report const& planned) { publisher->start(planned); }
                                                        : std::function<void(Report const&)>(),
                          .wants_look = [&] { return publisher->due(); },
                          .look = [&](Report const& report) { publisher->publish(report); }});
  printer.clear();
  if (leads) conclude(result.report);
  if (leads && !show_result(result.report, options, *form) && result.code == Exit::good) result.code = Exit::incomplete;
  publisher->finish(world, result.report);
  return result.code;
}

Exit run(Arguments const& a) {
  auto const world = read_launcher().speaks_mpi ? mpi_world() : solo_world();
  try {
    return run_in(*world, a);
  } catch (AgreedError const& error) {
    if (world->rank() == 0) say(fmt::format("maru: {}", error.what()));
    return error.code();
  } catch (std::exception const& error) { // this rank alone: the others wait for it and must be ended
    say(fmt::format("maru: rank {}: {}", world->rank(), error.what()));
    if (world->size() > 1) world->abort(static_cast<int>(Exit::incomplete));
    return Exit::incomplete;
  }
}

void add_file_options(CLI::App& app, Arguments& a) {
  add_value(app, "--plan", a.plan, "NAME|FILE", "quick, standard, full, acceptance or a TOML file");
  app.add_option("--set", a.settings, "a probe's parameter, such as gemm.sizes=4096")
      ->type_name("PROBE.KEY=VALUE")
      ->allow_extra_args(false);
  add_value(app, "--out", a.out, "DIR", "folder for the files [maru-DATE-TIME]");
  add_value(app, "--cluster", a.cluster, "NAME", "what the cluster is called, for reports and metrics");
  add_value(app, "--resume", a.resume, "DIR", "go on with the run in this folder");
  app.add_flag("--overwrite", a.overwrite, "replace the run that --out holds");
  app.add_flag("--force", a.force, "time although the wiring check objects");
  add_value(app, "--device", a.device, "KIND", "auto, cpu or cuda [auto]");
  app.add_flag("--rehearse", a.rehearse, "ranks may share a GPU: tries it, measures nothing");
  app.add_flag("--recheck", a.recheck, "ask suspects again, beside hosts that are well");
  add_value(app, "--watchdog", a.watchdog, "TIME", "end a run that stands still for so long, or off [60s]");
  add_value(app, "--progress", a.progress, "STYLE", "auto, line, plain or none [auto]");
  add_value(app, "--format", a.format, "NAME", "what to print at the end, see maru list [table]");
}

void add_effort_options(CLI::App& app, Arguments& a) {
  add_value(app, "--budget", a.budget, "TIME", "for the whole run, such as 5m; cuts are reported");
  add_value(app, "--case-budget", a.case_budget, "TIME", "for one case [10s]");
  add_value(app, "--precision", a.precision, "PART", "95 % half width of the median to stop at [1%]");
  add_value(app, "--max-iterations", a.max_iterations, "N", "calls of one case at most");
  add_value(app, "-n,--iterations", a.iterations, "N", "exactly so many calls");
  add_value(app, "-w,--warmup", a.warmup, "N", "exactly so many warm-up calls");
  add_value(app, "-c,--check", a.check, "0|1", "verify results before timing [1]");
}

void add_collective_options(CLI::App& app, Arguments& a) {
  constexpr char const* group = "Collectives";
  add_value(app, "-b,--min-bytes", a.min_bytes, "SIZE", "smallest size; K, M and G are binary [8]")->group(group);
  add_value(app, "-e,--max-bytes", a.max_bytes, "SIZE", "largest size [128M]")->group(group);
  add_value(app, "-f,--factor", a.factor, "X", "from one size to the next [2]")->group(group);
  add_value(app, "-i,--step-bytes", a.step_bytes, "SIZE", "a fixed step instead of -f")->group(group);
  add_value(app, "-d,--dtype", a.dtypes, "TYPE,...", "f32, f64, s32 or all [f32]")->group(group);
  add_value(app, "-r,--root", a.root, "RANK", "root of broadcast and reduce [0]")->group(group);
  app.add_flag("--graph", a.graph, "replay the calls from a CUDA graph")->group(group);
  add_value(app, "--groups", a.groups, "KIND,...", "world, node, pairs, split:K [world]")->group(group);
  add_value(app, "--links-full", a.links_full, "HOSTS", "up to which links measures every pair [64]")->group(group);
}

void add_gemm_options(CLI::App& app, Arguments& a) {
  constexpr char const* group = "Matrix multiplication";
  app.add_flag("--find-peak", a.find_peak, "search the shape with the highest rate")->group(group);
  add_value(app, "--shapes", a.shapes, "model:NAME,...", "a model's: model:llama3-70b,tp=8,mb=1,seq=4096")
      ->group(group);
}

void add_step_options(CLI::App& app, Arguments& a) {
  constexpr char const* group = "Step of training";
  add_value(app, "--model", a.model, "NAME,...", "gpt3-1.3b, llama3-8b ... [gpt3-125m]")->group(group);
  add_value(app, "--layers", a.layers, "L,...", "how many of its layers [2]")->group(group);
  add_value(app, "--tp", a.tp, "T,...", "ranks that share each layer [1]")->group(group);
  add_value(app, "--dp", a.dp, "D,...", "replicas that add up their gradients [1]")->group(group);
  add_value(app, "--seq", a.sequence, "S,...", "tokens of a sequence [256]")->group(group);
  add_value(app, "--mb", a.sequences, "B,...", "sequences of a replica [1]")->group(group);
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("run", "measure this machine, or under mpirun or srun a cluster");
  auto const a = std::make_shared<Arguments>();
  app->add_option("probes", a->probes, "gemm, memory, all_reduce ...; see maru list")->type_name("");
  add_file_options(*app, *a);
  add_effort_options(*app, *a);
  add_gemm_options(*app, *a);
  add_collective_options(*app, *a);
  add_step_options(*app, *a);
  add_threshold_options(*app, a->thresholds, "Suspicion, with --recheck and for links of many hosts");
  add_publish_options(*app, a->publish);
  app->footer("  mpirun -np 8 maru run --plan standard --out node7\n"
              "  srun --mpi=pmix -N 16 -n 128 maru run all_reduce -b 8 -e 1G -f 2 --out sweep");
  app->callback([a, &code] { code = run(*a); });
}

} // namespace

extern Command const run_command;
Command const run_command{"run", add};

} // namespace maru
