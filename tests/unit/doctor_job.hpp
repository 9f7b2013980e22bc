// SPDX-License-Identifier: Apache-2.0
// Hosts in good health, for a test to make one ill.
#pragma once

#include "bench/doctor.hpp"
#include "collectors/system_files.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace maru {

inline constexpr std::int64_t gibibyte = 1 << 30;

inline FolderSpace roomy(std::string path) {
  FolderSpace space;
  space.path = std::move(path);
  space.total_bytes = space.free_bytes = known(100 * gibibyte);
  return space;
}

inline ResourceLimit limit(std::string name, std::int64_t soft) {
  ResourceLimit entry;
  entry.name = std::move(name);
  entry.soft = entry.hard = soft;
  return entry;
}

inline NetworkInterface interface(std::string name, std::string address, std::string subnet, std::int64_t megabit) {
  NetworkInterface entry;
  entry.name = name;
  entry.up = entry.physical = true;
  entry.megabit = known(megabit);
  entry.mtu = known<std::int64_t>(1500);
  entry.addresses.push_back({std::move(name), std::move(address), std::move(subnet)});
  return entry;
}

/// A job of healthy hosts, h1, h2 …, with one rank each.
struct Job {
  std::vector<RankFacts> facts;
  std::vector<HostSetup> setups;

  explicit Job(int hosts) {
    for (int i = 1; i <= hosts; ++i) add(i);
  }
  void add(int i) {
    RankFacts f;
    f.rank.rank = i - 1;
    f.rank.cpus = f.usable_cpus = "0-15";
    f.host.name = f.clock_id = "h" + std::to_string(i);
    f.host.kernel = "Linux 6.1";
    f.pid = i;
    f.maru_version = "1.0";
    f.launcher = "mpirun";
    facts.push_back(f);
    HostSetup s;
    s.mpi = "Open MPI v4.1.4";
    s.realtime = 1000;
    s.same_clock = false;
    s.cpus = known<std::int64_t>(16);
    s.load = known(0.1);
    s.cpu_quota.reason = "no cgroup limits it";
    s.numa_nodes = known<std::int64_t>(2);
    s.numa_balancing = s.smt = known<std::int64_t>(0);
    s.memory_bytes = known(512 * gibibyte);
    s.swap_used_bytes = known<std::int64_t>(0);
    s.governors = known<std::string>("performance");
    s.huge_pages = known<std::string>("madvise");
    s.iommu_words = known<std::string>("iommu=pt");
    s.iommu_groups = known<std::int64_t>(40);
    s.shared_memory = roomy("/dev/shm");
    s.temporary = roomy("/tmp");
    s.out = roomy("run");
    s.limits =
        known<std::vector<ResourceLimit>>({limit("Max open files", 65536), limit("Max locked memory", unlimited)});
    s.interfaces.push_back(interface("eth0", "10.1.0." + std::to_string(i), "10.1.0.0/24", 25000));
    setups.push_back(s);
  }
  Checkup examine() const { return maru::examine(facts, setups); }
  /// What is no note: "severity check host,host: what".
  std::vector<std::string> ailments() const {
    std::vector<std::string> lines;
    for (auto const& advice : examine().advice) {
      if (advice.severity == Severity::note) continue;
      std::string hosts;
      for (auto const& host : advice.hosts) hosts += (hosts.empty() ? "" : ",") + host;
      lines.push_back(std::string(name(advice.severity)) + " " + advice.check + " " + hosts + ": " + advice.what);
      EXPECT_NE(advice.remedy, "");
    }
    return lines;
  }
  void tell(std::size_t host, std::string variable, std::string value) {
    setups[host].environment.push_back({std::move(variable), std::move(value)});
  }
};

inline FabricPort port(std::string state, double gigabit) {
  FabricPort entry;
  entry.device = "mlx5_0";
  entry.port = "1";
  entry.state = std::move(state);
  entry.layer = "InfiniBand";
  entry.gigabit = known(gigabit);
  return entry;
}

inline void give_gpus(HostSetup& setup, int count) {
  setup.devices.clear();
  for (int i = 0; i < count; ++i) setup.devices.push_back({"GPU-" + std::to_string(i), "NVIDIA H200"});
}

} // namespace maru
