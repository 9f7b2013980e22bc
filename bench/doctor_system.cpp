// SPDX-License-Identifier: Apache-2.0
// Limits, folders and kernel settings of each host by itself.
#include "bench/doctor_checks.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <cmath>

namespace maru {
namespace {

constexpr std::int64_t mebibyte = 1 << 20;
constexpr std::int64_t gibibyte = 1 << 30;

void check_shared_memory(HostView const& host, Symptoms& symptoms) {
  auto const& space = host.setup.shared_memory;
  if (!answers(host, space, "shared memory", symptoms)) return;
  constexpr char const* remedy =
      "mount -t tmpfs -o size=50% tmpfs /dev/shm; in a container --shm-size=16g, in a pod an "
      "emptyDir of medium Memory";
  if (!space.fault.empty() || !space.free_bytes.value) {
    symptoms.push_back({"shared memory", Severity::failure, host.name,
                        fmt::format("/dev/shm cannot be used: {}", space.fault.empty() ? "not read" : space.fault),
                        remedy, "missing"});
    return;
  }
  auto const free = *space.free_bytes.value;
  auto const least = 16 * mebibyte * host.ranks;
  if (free >= gibibyte) return;
  symptoms.push_back({"shared memory",
                      free < least ? Severity::failure : Severity::warning,
                      host.name,
                      fmt::format("/dev/shm has {} free of {}; Open MPI and NCCL pass data through it",
                                  binary_bytes(free), binary_bytes(space.total_bytes.value.value_or(0))),
                      remedy,
                      {},
                      -static_cast<double>(free)});
}

// The files of a run are written by rank 0 alone.
void check_out(HostView const& host, Symptoms& symptoms) {
  auto const& space = host.setup.out;
  if (!answers(host, space, "results", symptoms)) return;
  if (!space.fault.empty())
    symptoms.push_back({"results", Severity::failure, host.name,
                        fmt::format("results cannot be written to {}: {}", space.path, space.fault),
                        "--out DIR, a folder that survives the job"});
  else if (space.free_bytes.value && *space.free_bytes.value < gibibyte)
    symptoms.push_back({"results", *space.free_bytes.value < 64 * mebibyte ? Severity::failure : Severity::warning,
                        host.name,
                        fmt::format("{} are free for results in {}", binary_bytes(*space.free_bytes.value), space.path),
                        "make room, or --out DIR on another file system"});
}

void check_temporary(HostView const& host, Symptoms& symptoms) {
  constexpr std::size_t longest = 70; // a socket's path ends at 107 bytes, and Open MPI adds some forty of its own
  auto const& space = host.setup.temporary;
  if (!answers(host, space, "temporary folder", symptoms)) return;
  if (!space.fault.empty())
    symptoms.push_back({"temporary folder", Severity::failure, host.name,
                        fmt::format("{} cannot be used: {}", space.path, space.fault),
                        "export TMPDIR=/tmp, or another local folder that can be written to", "fault"});
  else if (space.free_bytes.value && *space.free_bytes.value < 64 * mebibyte)
    symptoms.push_back({"temporary folder", Severity::warning, host.name,
                        fmt::format("{} has {} free", space.path, binary_bytes(*space.free_bytes.value)),
                        "make room: Open MPI keeps its session there", "full"});
  if (space.path.size() > longest)
    symptoms.push_back(
        {"temporary folder", Severity::warning, host.name,
         fmt::format("the path in TMPDIR has {} letters, and sockets are made below it", space.path.size()),
         "export TMPDIR to a path of at most 70 letters, such as /tmp", "length"});
}

std::optional<std::int64_t> soft_limit(HostView const& host, std::string_view name) {
  if (!host.setup.limits.value) return std::nullopt;
  for (auto const& limit : *host.setup.limits.value)
    if (limit.name == name) return limit.soft;
  return std::nullopt;
}

void check_locked_memory(HostView const& host, Symptoms& symptoms) {
  auto const limit = soft_limit(host, "Max locked memory");
  if (!limit || *limit == unlimited || host.setup.fabric.empty()) return; // only RDMA pins much
  auto const memory = host.setup.memory_bytes.value.value_or(unlimited);
  if (*limit >= memory) return;
  symptoms.push_back({"limits", *limit < gibibyte ? Severity::failure : Severity::warning, host.name,
                      fmt::format("{} may be locked in memory, and RDMA locks its buffers", binary_bytes(*limit)),
                      "memlock unlimited in /etc/security/limits.d, LimitMEMLOCK=infinity for slurmd and sshd",
                      "memlock", -static_cast<double>(*limit)});
}

void check_count_limit(HostView const& host, std::string_view name, std::string_view noun, std::int64_t least,
                       std::string const& remedy, Symptoms& symptoms) {
  auto const limit = soft_limit(host, name);
  if (!limit || *limit >= least) return;
  symptoms.push_back({"limits", Severity::warning, host.name,
                      fmt::format("{} {} are allowed, {} may be needed", *limit, noun, least), remedy,
                      std::string(noun), -static_cast<double>(*limit)});
}

void check_openmp(HostView const& host, Symptoms& symptoms) {
  auto const text = setting(host.setup, "OMP_NUM_THREADS");
  if (text.empty()) return;
  for (auto const& level : comma_list(text)) {
    std::int64_t threads = 0;
    try {
      threads = parse_integer(level, "OMP_NUM_THREADS", 1, 1 << 20);
    } catch (std::exception const&) { // said below
    }
    auto const cpus = host.setup.cpus.value.value_or(unlimited);
    if (threads >= 1 && threads <= cpus) continue;
    symptoms.push_back({"threads", Severity::warning, host.name,
                        fmt::format("OMP_NUM_THREADS={} {}", text.substr(0, 40),
                                    threads < 1 ? "is no number of threads" : fmt::format("and only {} CPUs", cpus)),
                        "unset OMP_NUM_THREADS: maru gives each rank the cores that it is bound to"});
    return;
  }
}

void check_quota(HostView const& host, Symptoms& symptoms) {
  auto const& quota = host.setup.cpu_quota.value;
  if (!quota || !host.setup.cpus.value || *quota >= static_cast<double>(*host.setup.cpus.value)) return;
  symptoms.push_back(
      {"CPU limit", Severity::failure, host.name,
       fmt::format("a cgroup allows {:.3g} CPUs of the {} that are seen: threads are stopped in mid-course", *quota,
                   *host.setup.cpus.value),
       "no CPU limit for the container (pods: requests without limits, or cpusets), or bind the ranks to "
       "as many cores"});
}

void check_load(HostView const& host, Symptoms& symptoms) {
  auto const& load = host.setup.load.value;
  if (!load) return;
  auto const cpus = static_cast<double>(host.setup.cpus.value.value_or(1));
  // What has just started the ranks counts as well, so a machine is never quite idle.
  if (*load <= 1 + 0.1 * cpus + static_cast<double>(host.ranks)) return;
  symptoms.push_back({"load",
                      Severity::warning,
                      host.name,
                      fmt::format("load {:.1f} on {:.0f} CPUs before anything is measured", *load, cpus),
                      "find out whose it is (top, squeue -w HOST), and measure on hosts of your own (--exclusive)",
                      {},
                      *load / cpus});
}

} // namespace

void check_folders(Hosts const& hosts, Symptoms& symptoms) {
  check_out(hosts.front(), symptoms);
  for (auto const& host : hosts) {
    check_shared_memory(host, symptoms);
    check_temporary(host, symptoms);
  }
}

void check_limits(Hosts const& hosts, Symptoms& symptoms) {
  std::int64_t ranks = 0;
  for (auto const& host : hosts) ranks += host.ranks;
  for (auto const& host : hosts) {
    check_locked_memory(host, symptoms);
    // Over TCP each rank may hold a socket to every other.
    check_count_limit(host, "Max open files", "open files", std::max<std::int64_t>(1024, 256 + 4 * ranks),
                      "nofile 65536 in /etc/security/limits.d, LimitNOFILE for slurmd and sshd", symptoms);
    check_count_limit(host, "Max processes", "processes and threads",
                      std::max<std::int64_t>(1024, 4 * host.setup.cpus.value.value_or(1)),
                      "nproc unlimited in /etc/security/limits.d, LimitNPROC and TasksMax for slurmd and sshd",
                      symptoms);
    check_count_limit(host, "Max stack size", "bytes of stack", 8 * mebibyte, "ulimit -s 8192, or unlimited", symptoms);
    if (soft_limit(host, "Max core file size") == 0)
      symptoms.push_back({"limits", Severity::note, host.name, "no core files: a crash leaves nothing to look at",
                          "ulimit -c unlimited before a run that crashes; leave it otherwise", "core"});
  }
}

void check_processors(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts) {
    check_quota(host, symptoms);
    check_load(host, symptoms);
    check_openmp(host, symptoms);
    if (auto const& governors = host.setup.governors.value; governors && *governors != "performance")
      symptoms.push_back(
          {"CPU clock", Severity::warning, host.name,
           fmt::format("CPU frequency governor {}: clocks follow the load, and short calls see low ones", *governors),
           "cpupower frequency-set -g performance"});
    if (host.setup.numa_balancing.value.value_or(0) > 0 && host.setup.numa_nodes.value.value_or(1) > 1)
      symptoms.push_back({"NUMA", Severity::warning, host.name,
                          "the kernel moves pages between memory nodes while ranks run (numa_balancing)",
                          "sysctl kernel.numa_balancing=0; ranks are bound, so it has nothing to gain"});
  }
  compare_hosts(
      hosts, {"SMT", Severity::warning, {}, "two threads per core:", "the same setting in every host's firmware", {}},
      [](HostView const& h) {
        return std::string(h.setup.smt.value ? (*h.setup.smt.value ? "on" : "off") : "unknown");
      },
      symptoms);
}

void check_kernel_settings(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts) {
    auto const swapped = host.setup.swap_used_bytes.value.value_or(0);
    if (swapped > 256 * mebibyte)
      symptoms.push_back({"memory",
                          Severity::warning,
                          host.name,
                          fmt::format("{} of memory are swapped out", binary_bytes(swapped)),
                          "find out what filled the memory (ps --sort=-rss), then swapoff -a",
                          {},
                          static_cast<double>(swapped)});
    if (host.setup.huge_pages.value == "never")
      symptoms.push_back({"memory", Severity::note, host.name,
                          "no transparent huge pages: large arrays pay for address translation",
                          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", "pages"});
  }
  compare_hosts(
      hosts, {"memory", Severity::warning, {}, "transparent huge pages:", "the same setting on every host", "pages"},
      [](HostView const& h) { return h.setup.huge_pages.value.value_or("unknown"); }, symptoms);
}

void check_unread(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts) {
    std::vector<std::string> unread;
    auto const look = [&](char const* name, auto const& known) {
      if (known.reason) unread.push_back(fmt::format("{} ({})", name, *known.reason));
    };
    look("load", host.setup.load);
    look("CPUs", host.setup.cpus);
    look("CPU governor", host.setup.governors);
    look("SMT", host.setup.smt);
    look("memory", host.setup.memory_bytes);
    look("NUMA balancing", host.setup.numa_balancing);
    look("huge pages", host.setup.huge_pages);
    look("kernel command line", host.setup.iommu_words);
    look("limits", host.setup.limits);
    look("room for results", host.setup.out.free_bytes);
    for (auto const& interface : host.setup.interfaces)
      if (interface.physical && interface.up)
        look(fmt::format("speed of {}", interface.name).c_str(), interface.megabit);
    if (unread.empty()) continue;
    std::string text;
    for (auto const& entry : unread) text += (text.empty() ? "" : "; ") + entry;
    symptoms.push_back({"not read", Severity::note, host.name, text,
                        "virtual machines and containers hide some of it; nothing was judged from it"});
  }
}

} // namespace maru
