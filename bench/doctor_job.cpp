// SPDX-License-Identifier: Apache-2.0
// How the job was started, and what has to be the same on all of its hosts.
#include "bench/doctor_checks.hpp"
#include "bench/wiring.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace maru {
namespace {

constexpr double harmless_skew = 0.1;   // seconds; lines of several logs are still in order then, for a person
constexpr double ruinous_skew = 300;    // seconds; munge's and Kerberos' credentials are not accepted beyond it
constexpr double harmless_error = 1e-3; // seconds; a rank that is later than that in a collective is named

std::string way_out(RankFacts const& first, bool orphan) {
  if (orphan)
    return "unset $(env | grep -oE '^(OMPI|PMIX|PMI|SLURM)_[^=]*'), what a job left behind; where a container hides "
           "the launcher, " +
           way_out(first, false);
  if (first.launcher == "srun")
    return "srun --mpi=pmix (srun --mpi=list shows whether this Slurm has it; else mpirun inside of the job)";
  return "start it with the mpirun of the MPI that maru was built with (ldd $(which maru) | grep libmpi)";
}

} // namespace

void check_launch(std::vector<RankFacts> const& facts, Hosts const& hosts, Symptoms& symptoms) {
  auto const& first = facts.front();
  bool const orphan = hosts.front().setup.orphan;
  if (first.launched > static_cast<std::int64_t>(facts.size()))
    symptoms.push_back(
        {"launcher", Severity::failure, first.host.name,
         orphan ? fmt::format("the environment is that of one of {} processes of {}, and none is above this process",
                              first.launched, first.launcher)
                : fmt::format("{} started {} processes, and this one finds {}: each thinks that it is alone",
                              first.launcher, first.launched, facts.size()),
         way_out(first, orphan)});
  auto bare = facts; // versions, devices and libraries are judged by host
  std::set<std::string> unknown;
  for (auto const& fact : facts)
    if (fact.usable_cpus.empty()) unknown.insert(fact.host.name);
  std::erase_if(bare, [&](RankFacts const& fact) { return unknown.contains(fact.host.name); });
  if (bare.empty()) return;
  for (auto& fact : bare) {
    fact.maru_version.clear();
    fact.launched = 0;
  }
  for (auto const& fault : check_wiring(bare))
    symptoms.push_back({"wiring",
                        Severity::failure,
                        {},
                        fault,
                        "maru run refuses this; start as many ranks on each host, each bound to cores of its own",
                        fault});
  for (auto const& note : note_wiring(bare))
    symptoms.push_back(
        {"wiring", Severity::note, {}, note, "as many ranks as cores, or fewer, when it is to be measured", note});
}

void check_versions(Hosts const& hosts, Symptoms& symptoms) {
  compare_hosts(
      hosts, {"versions", Severity::failure, {}, "maru", "install the same maru on every host", "maru"},
      [](HostView const& h) { return h.facts->maru_version; }, symptoms);
  compare_hosts(
      hosts, {"versions", Severity::failure, {}, "MPI library", "install the same MPI on every host", "mpi"},
      [](HostView const& h) { return h.setup.mpi; }, symptoms);
  compare_hosts(
      hosts, {"versions", Severity::warning, {}, "kernel", "bring the hosts to one system image", "kernel"},
      [](HostView const& h) { return h.facts->host.kernel; }, symptoms);
}

void check_drivers(Hosts const& hosts, Symptoms& symptoms) {
  compare_hosts(
      hosts, {"versions", Severity::warning, {}, "NVIDIA driver", "install the same driver on every host", "driver"},
      [](HostView const& h) { return h.setup.driver; }, symptoms);
}

void check_processor_models(Hosts const& hosts, Symptoms& symptoms) {
  compare_hosts(
      hosts,
      {"versions",
       Severity::warning,
       {},
       "processor",
       "compare only hosts of one kind; run each kind as a job of its own",
       "processor"},
      [](HostView const& h) { return fmt::format("{}, {} cores", h.facts->host.cpu, h.facts->host.cores); }, symptoms);
}

void check_clocks(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts) {
    double const skew = std::abs(host.skew), error = host.setup.clock_error;
    if (skew - error > harmless_skew)
      symptoms.push_back(
          {"clock",
           skew > ruinous_skew ? Severity::failure : Severity::warning,
           host.name,
           fmt::format("its clock is {:.3g} s {} the other hosts'", skew, host.skew > 0 ? "ahead of" : "behind"),
           "let chrony or ntpd set it (chronyc tracking); logs cannot be lined up, and munge and TLS refuse "
           "large differences. Maru's own times do not use this clock",
           {},
           skew});
    if (error > harmless_error)
      symptoms.push_back({"clock", Severity::warning, host.name,
                          fmt::format("entry times are comparable to {:.2g} ms only", error * 1e3),
                          "a rank that comes late is named only beyond that: look for load on the host, or a slow or "
                          "busy network",
                          "error", error});
  }
}

void check_gpus(Hosts const& hosts, Symptoms& symptoms) {
  std::map<std::size_t, std::size_t> counts;
  for (auto const& host : hosts) ++counts[host.setup.devices.size()];
  auto const expected = usual(counts);
  for (auto const& host : hosts) {
    auto const seen = static_cast<std::int64_t>(host.setup.devices.size());
    auto const on_bus = host.setup.pci.nvidia;
    if (host.setup.devices.size() != expected)
      symptoms.push_back({"GPUs",
                          Severity::failure,
                          host.name,
                          fmt::format("{} where {} are usual", counted(seen, "GPU"), expected),
                          "nvidia-smi -L and dmesg | grep -i xid there; leave the host out until it has them all",
                          {},
                          std::abs(static_cast<double>(seen) - static_cast<double>(expected))});
    if (seen == 0 && on_bus > 0)
      symptoms.push_back({"GPUs", Severity::warning, host.name,
                          fmt::format("{} on the PCI bus and none to be used: {}", counted(on_bus, "NVIDIA GPU"),
                                      host.setup.device_reason.empty() ? "no reason given" : host.setup.device_reason),
                          "without them only the host is measured; maru list says which library is missing", "unused"});
    else if (seen < on_bus && setting(host.setup, "CUDA_VISIBLE_DEVICES").empty())
      symptoms.push_back(
          {"GPUs", Severity::warning, host.name,
           fmt::format("{} on the PCI bus, and the driver shows {}", counted(on_bus, "NVIDIA GPU"), seen),
           "nvidia-smi and dmesg | grep -i xid there, unless the scheduler gave this job fewer", "hidden",
           static_cast<double>(on_bus - seen)});
  }
  compare_hosts(
      hosts, {"GPUs", Severity::warning, {}, "GPU model", "compare only hosts of one kind", "model"},
      [](HostView const& h) { return h.setup.devices.empty() ? std::string() : h.setup.devices.front().model; },
      symptoms);
  compare_hosts(
      hosts,
      {"versions",
       Severity::failure,
       {},
       "accelerator's libraries",
       "install the same CUDA and NCCL on every host, or use the bundle",
       "libraries"},
      [](HostView const& h) { return h.facts->libraries; }, symptoms);
}

} // namespace maru
