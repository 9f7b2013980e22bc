// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report_io.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// Something that was read from the system, or why it could not be: exactly one of the two.
template <class T> struct Known {
  std::optional<T> value;
  std::optional<std::string> reason;
};

/// What "unlimited" and "max" become.
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

/// An environment variable.
struct Setting {
  std::string name;
  std::string value;
};

struct InterfaceAddress {
  std::string interface;
  std::string address; ///< "10.1.0.7"
  std::string subnet;  ///< "10.1.0.0/24"
};

struct NetworkInterface {
  std::string name;
  bool up = false;       ///< operational, as the kernel says; what does not say counts as up when it has an address
  bool physical = false; ///< has a device behind it
  bool loopback = false; ///< leads nowhere else
  Known<std::int64_t> megabit;             ///< per second
  Known<std::int64_t> mtu;                 ///< bytes
  std::vector<InterfaceAddress> addresses; ///< without those that reach no further than the cable
};

/// A port of an InfiniBand or RoCE adapter.
struct FabricPort {
  std::string device; ///< "mlx5_0"
  std::string port;   ///< "1"
  std::string state;  ///< "ACTIVE", "DOWN"
  std::string layer;  ///< "InfiniBand", "Ethernet"
  Known<double> gigabit;
};

struct PciState {
  std::int64_t nvidia = 0;      ///< GPUs of NVIDIA on the bus, whatever a driver makes of them
  std::int64_t bridges = 0;     ///< PCI Express ports and switches' ports
  std::int64_t redirecting = 0; ///< bridges whose ACS sends peers' traffic up to the root
  std::int64_t unreadable = 0;  ///< bridges whose extended configuration is only for root
};

/// Parts of what is asked of a host, each of which may not answer.
namespace part {
constexpr char const *kernel = "the kernel's files", *network = "network", *pci = "PCI bus", *gpus = "GPUs",
                     *processors = "processors";
}

/// A part that gave no answer: nothing is known of it.
struct Silence {
  std::string part;
  std::string fault; ///< "does not answer in 10 s"
};

/// Folders that something is to be written to.
struct FolderSpace {
  std::string path;
  Known<std::int64_t> total_bytes;
  Known<std::int64_t> free_bytes;
  std::string fault;   ///< why nothing can be written to it; empty when it can
  bool silent = false; ///< it did not answer
};

struct ResourceLimit {
  std::string name;      ///< "Max open files", as /proc/self/limits has it
  std::int64_t soft = 0; ///< in its own unit, or `unlimited`
  std::int64_t hard = 0;
};

struct DeviceSeen {
  std::string uuid;
  std::string model;
};

/// How one process finds the host that it runs on. Texts are the system's own and may hold anything.
struct HostSetup {
  std::string mpi;    ///< library and version; empty without one
  std::string driver; ///< of NVIDIA's kernel module; empty without it
  std::string device_reason;
  std::string libraries;           ///< versions of the accelerator's libraries, where it has one
  bool orphan = false;             ///< its environment is that of a launcher's process, and no launcher is above it
  std::vector<DeviceSeen> devices; ///< that this process may use
  double realtime = 0;             ///< its CLOCK_REALTIME at time 0 of rank 0's CLOCK_MONOTONIC, seconds
  double clock_error = 0;          ///< of that, and of every comparison of entry times; seconds
  bool same_clock = true;          ///< whether it reads rank 0's clock
  std::string network_space;       ///< tells apart what has interfaces of its own on one kernel
  Known<std::int64_t> cpus;        ///< hardware threads that are online
  Known<double> load;              ///< mean number of running threads of the last minute
  Known<double> cpu_quota;         ///< CPUs that the cgroups allow; absent with a reason when they do not limit
  Known<std::int64_t> numa_nodes;
  Known<std::int64_t> numa_balancing;
  Known<std::int64_t> smt; ///< 1 when it is on
  Known<std::int64_t> memory_bytes;
  Known<std::int64_t> swap_used_bytes;
  Known<std::string> governors;   ///< of all CPUs, each once
  Known<std::string> huge_pages;  ///< transparent: "always", "madvise", "never"
  Known<std::string> iommu_words; ///< those of the kernel's command line that concern it, and no others
  Known<std::int64_t> iommu_groups;
  PciState pci;
  FolderSpace shared_memory, temporary, out;
  Known<std::vector<ResourceLimit>> limits;
  std::vector<NetworkInterface> interfaces;
  std::vector<FabricPort> fabric;
  std::vector<Silence> silent;
  std::vector<Setting> environment; ///< the variables that decide how ranks reach one another, where set
};

Bytes to_cbor(HostSetup const& setup);
HostSetup host_setup_from_cbor(std::span<std::byte const> bytes);

} // namespace maru
