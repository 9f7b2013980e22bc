// SPDX-License-Identifier: Apache-2.0
// The fields of core/host_setup.hpp, told as in report_fields.hpp.
#pragma once

#include "core/host_setup.hpp"

namespace maru {

template <class V, class T> void fields(V& v, Known<T>& x) {
  v("value", x.value, "what was read");
  v("reason", x.reason, "why it could not be read");
}

template <class V> void fields(V& v, Setting& x) {
  v("name", x.name, "of the environment variable");
  v("value", x.value, "its value");
}

template <class V> void fields(V& v, InterfaceAddress& x) {
  v("interface", x.interface, "whose it is");
  v("address", x.address, "such as 10.1.0.7");
  v("subnet", x.subnet, "such as 10.1.0.0/24");
}

template <class V> void fields(V& v, NetworkInterface& x) {
  v("name", x.name, "as the kernel has it");
  v("up", x.up, "operational, as the kernel says; what does not say counts as up when it has an address");
  v("physical", x.physical, "whether it has a device behind it");
  v("loopback", x.loopback, "whether it leads nowhere else");
  v("megabit", x.megabit, "per second");
  v("mtu", x.mtu, "bytes");
  v("addresses", x.addresses, "without those that reach no further than the cable");
}

template <class V> void fields(V& v, FabricPort& x) {
  v("device", x.device, "such as mlx5_0");
  v("port", x.port, "its number");
  v("state", x.state, "ACTIVE, DOWN …");
  v("layer", x.layer, "InfiniBand or Ethernet");
  v("gigabit", x.gigabit, "per second");
}

template <class V> void fields(V& v, PciState& x) {
  v("nvidia", x.nvidia, "GPUs of NVIDIA on the bus, whatever a driver makes of them");
  v("bridges", x.bridges, "PCI Express ports and switches' ports");
  v("redirecting", x.redirecting, "bridges whose ACS sends peers' traffic up to the root");
  v("unreadable", x.unreadable, "bridges whose extended configuration is only for root");
}

template <class V> void fields(V& v, Silence& x) {
  v("part", x.part, "what did not answer");
  v("fault", x.fault, "how long it was waited for");
}

template <class V> void fields(V& v, FolderSpace& x) {
  v("path", x.path, "of the folder");
  v("total_bytes", x.total_bytes, "of its file system");
  v("free_bytes", x.free_bytes, "of these, for this user");
  v("fault", x.fault, "why nothing can be written to it; empty when it can");
  v("silent", x.silent, "whether it did not answer");
}

template <class V> void fields(V& v, ResourceLimit& x) {
  v("name", x.name, "as /proc/self/limits has it");
  v("soft", x.soft, "in its own unit; the largest number is unlimited");
  v("hard", x.hard, "likewise");
}

template <class V> void fields(V& v, DeviceSeen& x) {
  v("uuid", x.uuid, "accelerator's unique id, as its vendor writes it");
  v("model", x.model, "accelerator model");
}

template <class V> void fields(V& v, HostSetup& x) {
  v("mpi", x.mpi, "library and version; empty without one");
  v("driver", x.driver, "version of NVIDIA's kernel module; empty without it");
  v("device_reason", x.device_reason, "why there is no accelerator; empty when there is");
  v("libraries", x.libraries, "versions of the accelerator's libraries, where it has one");
  v("orphan", x.orphan, "its environment is of a launcher's process, and no launcher is above it");
  v("devices", x.devices, "accelerators that this process may use");
  v("realtime", x.realtime, "its CLOCK_REALTIME at time 0 of rank 0's CLOCK_MONOTONIC, seconds");
  v("clock_error", x.clock_error, "of that, and of every comparison of entry times; seconds");
  v("same_clock", x.same_clock, "whether it reads rank 0's clock");
  v("network_space", x.network_space, "tells apart what has interfaces of its own on one kernel");
  v("cpus", x.cpus, "hardware threads that are online");
  v("load", x.load, "mean number of running threads of the last minute");
  v("cpu_quota", x.cpu_quota, "CPUs that the cgroups allow");
  v("numa_nodes", x.numa_nodes, "number of NUMA nodes");
  v("numa_balancing", x.numa_balancing, "the kernel's setting");
  v("smt", x.smt, "1 when several hardware threads share a core");
  v("memory_bytes", x.memory_bytes, "main memory");
  v("swap_used_bytes", x.swap_used_bytes, "swap in use");
  v("governors", x.governors, "of all CPUs' clocks, each once");
  v("huge_pages", x.huge_pages, "transparent ones: always, madvise or never");
  v("iommu_words", x.iommu_words, "those of the kernel's command line that concern it, and no others");
  v("iommu_groups", x.iommu_groups, "number of groups; 0 when it is off");
  v("pci", x.pci, "what is on the bus");
  v("shared_memory", x.shared_memory, "the folder of POSIX shared memory");
  v("temporary", x.temporary, "the folder of temporary files");
  v("out", x.out, "the folder that results are meant for");
  v("limits", x.limits, "of this process");
  v("interfaces", x.interfaces, "network interfaces");
  v("fabric", x.fabric, "ports of InfiniBand and RoCE adapters");
  v("silent", x.silent, "parts that gave no answer");
  v("environment", x.environment, "the variables that decide how ranks reach one another, where set");
}

} // namespace maru
