// SPDX-License-Identifier: Apache-2.0
#include "bench/wiring.hpp"

#include "bench/devices.hpp"
#include "bench/usual.hpp"
#include "collectors/launcher.hpp"
#include "collectors/topology.hpp"
#include "core/clock_sync.hpp"
#include "core/version.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <unistd.h>

namespace maru {
namespace {

using Faults = std::vector<std::string>;
using ByHost = std::map<std::string, std::vector<RankFacts const*>>;

ByHost by_host(std::vector<RankFacts> const& facts) {
  ByHost hosts;
  for (auto const& fact : facts) hosts[fact.host.name].push_back(&fact);
  return hosts;
}

template <class Value>
void require_equal(Faults& faults, std::vector<RankFacts> const& facts, std::string_view what, Value value) {
  for (auto const& fact : facts)
    if (value(fact) != value(facts.front())) {
      faults.push_back(fmt::format("rank {} on {} has {} {}, rank 0 on {} has {}", fact.rank.rank, fact.host.name, what,
                                   value(fact), facts.front().host.name, value(facts.front())));
      return; // one example says enough
    }
}

void check_alone(Faults& faults, std::vector<RankFacts> const& facts) {
  auto const& first = facts.front();
  if (first.launched <= static_cast<std::int64_t>(facts.size())) return;
  faults.push_back(
      fmt::format("{} started {} processes, but this one on {} finds only {}: each thinks that it is alone "
                  "(use this MPI's own mpirun, or srun --mpi=pmix)",
                  first.launcher, first.launched, first.host.name, facts.size()));
}

void check_machines(Faults& faults, ByHost const& hosts) {
  for (auto const& [name, ranks] : hosts) {
    std::set<std::int64_t> pids;
    for (auto const* fact : ranks) {
      if (fact->clock_id != ranks.front()->clock_id) {
        faults.push_back(fmt::format("ranks {} and {} run on two machines that both call themselves {}",
                                     ranks.front()->rank.rank, fact->rank.rank, name));
        break;
      }
      if (!pids.insert(fact->pid).second) faults.push_back(fmt::format("{}: process {} is two ranks", name, fact->pid));
    }
  }
}

void check_even(Faults& faults, ByHost const& hosts) {
  std::map<std::size_t, std::size_t> counts; // ranks per host → hosts
  for (auto const& [name, ranks] : hosts) ++counts[ranks.size()];
  if (counts.size() < 2) return;
  auto const expected = usual(counts);
  for (auto const& [name, ranks] : hosts)
    if (ranks.size() != expected)
      faults.push_back(fmt::format("{} has {} ranks where {} are usual", name, ranks.size(), expected));
}

std::set<std::int64_t> cpu_set(std::string const& cpus) {
  auto const list = parse_ranks(cpus); // the same notation
  return {list.begin(), list.end()};
}

bool intersect(std::set<std::int64_t> const& a, std::set<std::int64_t> const& b) {
  return std::any_of(a.begin(), a.end(), [&](std::int64_t cpu) { return b.contains(cpu); });
}

// Ranks that share one set of CPUs are in order while there are enough of them, or when nobody bound them at all
// (then it is plain oversubscription). Sets that overlap without being equal never are.
void check_bindings(Faults& faults, std::string const& name, std::vector<RankFacts const*> const& ranks) {
  std::map<std::string, std::vector<RankFacts const*>> sharers;
  for (auto const* fact : ranks) sharers[fact->rank.cpus].push_back(fact);
  for (auto const& [cpus, users] : sharers) {
    auto const set = cpu_set(cpus);
    if (cpus != users.front()->usable_cpus && users.size() > set.size())
      faults.push_back(
          fmt::format("{}: {} ranks are bound to the {} hardware thread(s) {} (see mpirun --bind-to, --map-by)", name,
                      users.size(), set.size(), cpus));
    for (auto const& [other, other_users] : sharers)
      if (cpus < other && intersect(set, cpu_set(other)))
        faults.push_back(fmt::format("{}: CPU bindings overlap: rank {} on {}, rank {} on {}", name,
                                     users.front()->rank.rank, cpus, other_users.front()->rank.rank, other));
  }
}

} // namespace

RankFacts name_own_facts(int rank, std::string const& plan_digest) {
  auto const launcher = read_launcher();
  RankFacts facts;
  facts.rank.rank = rank;
  facts.host = name_host();
  facts.pid = ::getpid();
  facts.maru_version = version;
  facts.plan_digest = plan_digest;
  facts.clock_id = kernel_clock_id();
  facts.launched = launcher.ranks;
  facts.launcher = launcher.name;
  return facts;
}

RankFacts gather_own_facts(int rank, std::string const& plan_digest) {
  auto facts = name_own_facts(rank, plan_digest);
  auto const topology = read_topology();
  facts.rank.cpus = topology.cpus;
  facts.host = topology.host;
  facts.usable_cpus = topology.usable_cpus;
  facts.cores = topology.cores;
  return facts;
}

std::vector<std::string> check_wiring(std::vector<RankFacts> const& facts, bool rehearsal) {
  Faults faults;
  check_alone(faults, facts);
  require_equal(faults, facts, "maru", [](RankFacts const& f) { return f.maru_version; });
  require_equal(faults, facts, "plan", [](RankFacts const& f) { return f.plan_digest; });
  auto const hosts = by_host(facts);
  check_machines(faults, hosts);
  check_even(faults, hosts);
  for (auto& fault : check_devices(facts, rehearsal)) faults.push_back(std::move(fault));
  for (auto const& [name, ranks] : hosts) check_bindings(faults, name, ranks);
  return faults;
}

std::vector<std::string> note_wiring(std::vector<RankFacts> const& facts) {
  std::vector<std::string> notes;
  for (auto const& [name, ranks] : by_host(facts)) {
    auto const available = cpu_set(ranks.front()->usable_cpus).size();
    if (ranks.size() > available)
      notes.push_back(fmt::format("{}: {} ranks share {} hardware threads and wait for one another; its times are no "
                                  "measure of the machine",
                                  name, ranks.size(), available));
  }
  for (auto& note : note_devices(facts)) notes.push_back(std::move(note));
  return notes;
}

Wired wire(std::vector<RankFacts> const& facts) {
  constexpr std::int64_t least_bytes = 8 << 20;
  Wired wired;
  wired.device = share_devices(facts);
  std::map<std::string, std::int64_t> next_local;
  std::map<std::pair<std::string, std::string>, std::int64_t> sharers;
  for (auto const& fact : facts) ++sharers[{fact.host.name, fact.rank.cpus}];
  for (auto const& fact : facts) {
    auto info = fact.rank;
    info.host = fact.host.name;
    info.local_rank = next_local[info.host]++;
    info.threads = std::max<std::int64_t>(1, fact.cores / sharers[{info.host, info.cpus}]);
    info.bound = info.cpus != fact.usable_cpus;
    if (info.local_rank == 0) wired.hosts.push_back(fact.host);
    wired.ranks.push_back(info);
  }
  // STREAM's rule: each array at least four times the caches; here the arrays of a host's ranks together are.
  for (auto const& host : wired.hosts) {
    auto const share = host.memory_bytes / next_local[host.name];
    if (share > 0 && (wired.memory_bytes == 0 || share < wired.memory_bytes)) wired.memory_bytes = share;
    wired.stream_bytes = std::max(wired.stream_bytes, 4 * host.last_cache_bytes / next_local[host.name]);
  }
  wired.stream_bytes = std::max(least_bytes, (wired.stream_bytes + 4095) / 4096 * 4096);
  return wired;
}

} // namespace maru
