// SPDX-License-Identifier: Apache-2.0
#include "bench/doctor.hpp"

#include "bench/alarm.hpp"
#include "bench/fault.hpp"
#include "bench/watchdog.hpp"
#include "bench/wiring.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "collectors/host_reader.hpp"
#include "collectors/inquiry.hpp"
#include "collectors/launcher.hpp"
#include "collectors/topology.hpp"
#include "core/clock_sync.hpp"
#include "core/module.hpp"
#include "core/suggest.hpp"
#include "exporters/checkup_table.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <thread>
#include <tuple>
#include <unistd.h>

namespace maru {
namespace {

struct Arguments {
  std::string format = "table", out = ".", watchdog = "60s";
};

HostSetup look_for_devices() {
  HostSetup setup;
  auto const modules = load_modules(ModuleChoice::useful);
  std::string reasons;
  for (auto const& module : modules) {
    if (!module.reason.empty()) reasons += (reasons.empty() ? "" : "; ") + module.reason;
    if (!module.table || !module.table->accelerators) continue;
    auto const list = module.table->accelerators->list();
    for (auto const& device : list.devices) setup.devices.push_back({device.uuid, device.model});
    if (list.devices.empty()) reasons += (reasons.empty() ? "" : "; ") + list.reason;
  }
  if (setup.devices.empty()) {
    setup.device_reason = reasons;
    return setup; // libraries that nothing will use need not be equal
  }
  for (auto const& module : modules)
    if (module.table && module.table->version)
      setup.libraries += (setup.libraries.empty() ? "" : ", ") + module.table->version();
  return setup;
}

/// All that is asked of this host. It is asked before MPI is started, and goes on beside that.
class Questions {
public:
  explicit Questions(std::string const& out)
      : host_(sources_here(out)), processors_(20, [] { return to_cbor(gather_own_facts(0, "none")); }),
        devices_(30, [] { return to_cbor(look_for_devices()); }) {} // drivers take seconds for each GPU

  /// Takes as long as the slowest question has.
  void collect(RankFacts& facts, HostSetup& setup) {
    setup = host_.collect();
    if (auto reply = processors_.reply(); reply.bytes) {
      auto const pid = facts.pid, rank = facts.rank.rank;
      facts = rank_facts_from_cbor(*reply.bytes);
      facts.pid = pid;
      facts.rank.rank = rank;
    } else {
      setup.silent.push_back({part::processors, std::move(reply.fault)});
    }
    if (auto reply = devices_.reply(); reply.bytes) {
      auto found = host_setup_from_cbor(*reply.bytes);
      std::tie(setup.devices, setup.device_reason) = std::tie(found.devices, found.device_reason);
      facts.libraries = setup.libraries = std::move(found.libraries);
    } else {
      setup.silent.push_back({part::gpus, std::move(reply.fault)});
    }
    setup.orphan = !below_launcher(SystemFiles(""), ::getpid());
  }

private:
  HostReading host_;
  Inquiry processors_, devices_;
};

// The launcher ends all of a job when one of its processes ends; so who knows of something speaks first.
void give_up_alone(Questions& questions, double seconds) {
  auto facts = name_own_facts(0, "none");
  HostSetup setup;
  questions.collect(facts, setup);
  for (auto const& space : {setup.shared_memory, setup.temporary})
    if (space.silent) say(fmt::format("maru: {}: {} {}", facts.host.name, space.path, space.fault));
  for (auto const& silence : setup.silent)
    say(fmt::format("maru: {}: {}: {}", facts.host.name, silence.part, silence.fault));
  std::this_thread::sleep_for(std::chrono::seconds(speaks_for_all() ? 2 : 20));
  if (speaks_for_all())
    say(fmt::format("maru: the {} processes of {} have not found one another in {:.3g} s: one did not start, or the "
                    "network between the hosts does not carry; maru doctor without a launcher looks at one host",
                    facts.launched, facts.launcher, seconds));
  ::_exit(static_cast<int>(Exit::incomplete));
}

void tell_missing(std::string const& text, std::vector<MissingRank> const& missing,
                  std::vector<std::string> const& hosts) {
  constexpr std::size_t most = 16;
  if (missing.empty()) return say("maru: " + text);
  for (std::size_t i = 0; i < std::min(missing.size(), most); ++i)
    say(fmt::format("maru: {} does not answer: rank {} {}", hosts[missing[i].rank], missing[i].rank, missing[i].what));
  if (missing.size() > most) say(fmt::format("maru: and {} more", missing.size() - most));
  say("maru: look there (ping, ssh, dmesg), or leave it out of the job");
}

Exit print_answer(World const& world, std::string const& format, Checkup const& checkup) {
  auto const text = format == "json" ? to_json(checkup) : checkup_table(checkup);
  // Processes that did not find one another would all print the same.
  bool const speaks = world.size() > 1 || speaks_for_all();
  if (speaks && (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)) {
    say("maru: cannot write to standard output");
    return Exit::incomplete;
  }
  return checkup.good ? Exit::good : Exit::wrong;
}

Exit doctor_in(World& world, Watchdog& watchdog, Questions& questions, std::string const& format) {
  watchdog.step("looking at its host");
  before_telling(world.rank());
  auto facts = name_own_facts(world.rank(), "none");
  HostSetup setup;
  questions.collect(facts, setup);
  setup.mpi = world.transport();
  watchdog.step("comparing the clocks");
  compare_clocks(world, facts.clock_id, setup);
  watchdog.step("telling what it found");
  std::vector<RankFacts> all_facts;
  std::vector<HostSetup> all_setups;
  for (auto const& bytes : world.gather(to_cbor(facts))) all_facts.push_back(rank_facts_from_cbor(bytes));
  for (auto const& bytes : world.gather(to_cbor(setup))) all_setups.push_back(host_setup_from_cbor(bytes));
  watchdog.step("printing the answer");
  std::array<double, 1> code{static_cast<double>(Exit::good)};
  if (world.rank() == 0) code[0] = static_cast<double>(print_answer(world, format, examine(all_facts, all_setups)));
  world.all_reduce_max(code);
  return static_cast<Exit>(static_cast<int>(code[0]));
}

/// Of each rank, on every rank.
std::vector<std::string> share_host_names(World& world) {
  std::string all;
  for (auto const& name : world.gather_text(name_host().name)) all += name + '\n';
  all = world.broadcast_text(std::move(all));
  std::vector<std::string> names;
  for (auto const name : lines_of(all)) names.emplace_back(name);
  names.resize(static_cast<std::size_t>(world.size()));
  return names;
}

Exit doctor(Arguments const& a) {
  double const patience = parse_watchdog(a.watchdog);
  Questions questions(a.out);
  bool const orphan = !below_launcher(SystemFiles(""), ::getpid());
  bool const together = read_launcher().speaks_mpi && !(orphan && server_is_gone());
  std::unique_ptr<World> world;
  auto code = Exit::incomplete;
  try {
    std::vector<std::string> hosts;
    std::unique_ptr<Watchdog> watchdog;
    {
      Alarm const alarm(together ? patience : 0, [&] { give_up_alone(questions, patience); });
      world = together ? mpi_world() : solo_world();
      hosts = share_host_names(*world);
      Watchdog::Hooks hooks;
      hooks.on_fire = [&hosts](std::string const& text, std::vector<MissingRank> const& missing) {
        tell_missing(text, missing, hosts);
      };
      watchdog = std::make_unique<Watchdog>(*world, hosts, patience, std::move(hooks));
    }
    code = doctor_in(*world, *watchdog, questions, a.format);
  } catch (std::exception const& error) { // this rank alone: the others wait for it and must be ended
    say(fmt::format("maru: rank {}: {}", world ? world->rank() : 0, error.what()));
    if (world && world->size() > 1) world->abort(static_cast<int>(Exit::incomplete));
    return Exit::incomplete;
  }
  Alarm const alarm(patience, [&] { ::_exit(static_cast<int>(code)); }); // all has been said
  world.reset();
  return code;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("doctor", "before a run: is every host fit for it?");
  auto const a = std::make_shared<Arguments>();
  app->add_option("--format", a->format, "table or json")->capture_default_str()->type_name("NAME");
  app->add_option("--out", a->out, "folder that the results are meant for")->capture_default_str()->type_name("DIR");
  app->add_option("--watchdog", a->watchdog, "how long to wait for a rank that does not answer, or off")
      ->capture_default_str()
      ->type_name("TIME");
  app->footer("  mpirun -np 16 --map-by ppr:1:node maru doctor      # one process per host is enough\n"
              "  srun --mpi=pmix -N 16 --ntasks-per-node=1 maru doctor");
  app->callback([=, &code] {
    if (a->format != "table" && a->format != "json")
      throw Error(Exit::usage, unknown("format", a->format, {"table", "json"}));
    code = doctor(*a);
  });
}

} // namespace

extern Command const doctor_command;
Command const doctor_command{"doctor", add};

} // namespace maru
