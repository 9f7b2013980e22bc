// SPDX-License-Identifier: Apache-2.0
#include "bench/plan.hpp"
#include "bench/probe.hpp"
#include "bench/wiring.hpp"
#include "cli/command.hpp"
#include "collectors/launcher.hpp"
#include "core/module.hpp"
#include "exporters/exporter.hpp"
#include "exporters/text.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

constexpr std::size_t columns = 80;

void list_probes() {
  fmt::print("Probes\n");
  for (auto const* probe : probes()) {
    fmt::print("  {:<14}{}\n", probe->name, probe->help);
    for (auto const& parameter : probe->parameters) {
      auto const line = fmt::format("    {:<12}{}", parameter.key, parameter.help);
      auto const fallback = fmt::format("[{}]", parameter.fallback);
      bool const fits = line.size() + 1 + fallback.size() <= columns;
      fmt::print("{}{}{}\n", line, fits ? " " : "\n    ", fallback);
    }
  }
  fmt::print("\nPlans\n  {}\n", fmt::join(builtin_plans(), ", "));
}

void list_rows(char const* title, std::vector<Backend const*> const& backends) {
  fmt::print("\n{}\n", title);
  for (auto const* backend : backends)
    fmt::print("{}", wrap(backend->help, fmt::format("  {:<14}{:<6}", backend->name, backend->device), columns));
}

std::string state_of(Module const& module) {
  if (!module.table) return "not loaded: " + module.reason;
  auto text = module.table->version ? module.table->version() : "loaded from " + module.path;
  if (!module.table->accelerators) return text;
  auto const list = module.table->accelerators->list();
  if (list.devices.empty()) return text + "; no device: " + list.reason;
  return text;
}

void list_devices(Module const& module) {
  for (auto const& device : module.table->accelerators->list().devices)
    fmt::print("    {}  {}, {:.0f} GiB, {} multiprocessors\n       {}  {}\n", device.index, device.model,
               static_cast<double>(device.memory_bytes) / (1 << 30), device.multiprocessors, device.uuid, device.bus);
}

void list_modules(std::vector<Module> const& modules) {
  fmt::print("\nModules\n");
  for (auto const& module : modules) {
    fmt::print("{}", wrap(state_of(module), fmt::format("  {:<16}", module.name), columns));
    if (module.table && module.table->accelerators) list_devices(module);
  }
}

std::vector<Backend const*> backends_of(std::vector<Module> const& modules) {
  std::vector<Backend const*> backends;
  for (auto const& module : modules)
    if (module.table)
      backends.insert(backends.end(), module.table->backends, module.table->backends + module.table->backend_count);
  for (auto const* backend : builtin_backends()) backends.push_back(backend);
  return backends;
}

void list_collectors(std::vector<Module> const& modules) {
  bool first = true;
  for (auto const& module : modules) {
    if (!module.table) continue;
    for (std::size_t i = 0; i < module.table->collector_count; ++i) {
      auto const& collector = *module.table->collectors[i];
      auto const skipped = collector.supports();
      if (first) fmt::print("\nCollectors\n");
      first = false;
      auto const text = skipped ? fmt::format("{}; not here: {}", collector.help, skipped->reason) : collector.help;
      fmt::print("{}", wrap(text, fmt::format("  {:<16}", collector.name), columns));
    }
  }
}

void list_ranks(std::vector<RankFacts> const& facts) {
  auto const wired = wire(facts);
  fmt::print("\nHosts\n");
  for (auto const& host : wired.hosts)
    fmt::print("  {:<14}{}\n  {:<14}{} cores, {} hardware threads, {} NUMA, {:.1f} GiB, caches {:.0f} MiB\n", host.name,
               host.cpu, "", host.cores, host.processing_units, host.numa_nodes,
               static_cast<double>(host.memory_bytes) / (1 << 30),
               static_cast<double>(host.last_cache_bytes) / (1 << 20));
  fmt::print("\nRanks (launcher: {})\n", facts.front().launcher);
  for (auto const& rank : wired.ranks)
    fmt::print("  {:>5}  {:<14}hardware threads {} ({}), computes with {}\n", rank.rank, rank.host, rank.cpus,
               rank.bound ? "bound" : "not bound", rank.threads);
  for (auto const& fault : check_wiring(facts)) fmt::print("  not in order: {}\n", fault);
  for (auto const& note : note_wiring(facts)) fmt::print("  note: {}\n", note);
}

Exit list() {
  auto const world = read_launcher().speaks_mpi ? mpi_world() : solo_world();
  std::vector<RankFacts> facts;
  for (auto const& bytes : world->gather(to_cbor(gather_own_facts(world->rank(), "none"))))
    facts.push_back(rank_facts_from_cbor(bytes));
  if (world->rank() != 0) return Exit::good;
  list_probes();
  auto const modules = load_modules(ModuleChoice::all);
  list_rows("Backends", backends_of(modules));
  list_modules(modules);
  list_collectors(modules);
  fmt::print("\nForms of a report\n");
  for (auto const* exporter : exporters()) fmt::print("  {:<14}{}\n", exporter->name, exporter->help);
  list_ranks(facts);
  if (std::fflush(stdout) != 0) throw Error(Exit::incomplete, "cannot write to standard output");
  return Exit::good;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("list", "what can be measured here, and with what");
  app->callback([&code] { code = list(); });
}

} // namespace

extern Command const list_command;
Command const list_command{"list", add};

} // namespace maru
