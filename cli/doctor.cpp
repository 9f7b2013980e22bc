// SPDX-License-Identifier: Apache-2.0
#include "bench/doctor.hpp"

#include "bench/wiring.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "collectors/host_reader.hpp"
#include "collectors/launcher.hpp"
#include "core/clock_sync.hpp"
#include "core/module.hpp"
#include "core/suggest.hpp"
#include "exporters/checkup_table.hpp"

#include <array>
#include <cstdio>
#include <fmt/format.h>

namespace maru {
namespace {

void look_for_devices(RankFacts& facts, HostSetup& setup) {
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
    return; // libraries that nothing will use need not be equal
  }
  for (auto const& module : modules)
    if (module.table && module.table->version)
      facts.libraries += (facts.libraries.empty() ? "" : ", ") + module.table->version();
}

Exit doctor_in(World& world, std::string const& format, std::string const& out) {
  auto facts = gather_own_facts(world.rank(), "none");
  auto setup = read_host_setup(sources_here(out));
  setup.mpi = world.transport();
  look_for_devices(facts, setup);
  compare_clocks(world, facts.clock_id, setup);
  std::vector<RankFacts> all_facts;
  std::vector<HostSetup> all_setups;
  for (auto const& bytes : world.gather(to_cbor(facts))) all_facts.push_back(rank_facts_from_cbor(bytes));
  for (auto const& bytes : world.gather(to_cbor(setup))) all_setups.push_back(host_setup_from_cbor(bytes));
  std::array<double, 1> code{static_cast<double>(Exit::good)};
  if (world.rank() == 0) {
    auto const checkup = examine(all_facts, all_setups);
    auto const text = format == "json" ? to_json(checkup) : checkup_table(checkup);
    code[0] = static_cast<double>(checkup.good ? Exit::good : Exit::wrong);
    // Processes that did not find one another would all print the same.
    if (world.size() > 1 || speaks_for_all()) {
      bool const printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
      if (!printed) say("maru: cannot write to standard output");
      if (!printed) code[0] = static_cast<double>(Exit::incomplete);
    }
  }
  world.all_reduce_max(code);
  return static_cast<Exit>(static_cast<int>(code[0]));
}

Exit doctor(std::string const& format, std::string const& out) {
  auto const world = read_launcher().speaks_mpi ? mpi_world() : solo_world();
  try {
    return doctor_in(*world, format, out);
  } catch (std::exception const& error) { // this rank alone: the others wait for it and must be ended
    say(fmt::format("maru: rank {}: {}", world->rank(), error.what()));
    if (world->size() > 1) world->abort(static_cast<int>(Exit::incomplete));
    return Exit::incomplete;
  }
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("doctor", "before a run: is every host fit for it?");
  auto const format = std::make_shared<std::string>("table");
  auto const out = std::make_shared<std::string>(".");
  app->add_option("--format", *format, "table or json")->capture_default_str()->type_name("NAME");
  app->add_option("--out", *out, "folder that the results are meant for")->capture_default_str()->type_name("DIR");
  app->footer("  mpirun -np 16 --map-by ppr:1:node maru doctor      # one process per host is enough\n"
              "  srun --mpi=pmix -N 16 --ntasks-per-node=1 maru doctor");
  app->callback([=, &code] {
    if (*format != "table" && *format != "json")
      throw Error(Exit::usage, unknown("format", *format, {"table", "json"}));
    code = doctor(*format, *out);
  });
}

} // namespace

extern Command const doctor_command;
Command const doctor_command{"doctor", add};

} // namespace maru
