// SPDX-License-Identifier: Apache-2.0
// The field lists of core/host_setup.hpp, for its CBOR and for what holds it.
#pragma once

#include "core/host_setup.hpp"
#include "core/json_tree.hpp"

namespace maru {

template <class V, class T> void fields(V& v, Known<T>& x) {
  v("value", x.value, "");
  v("reason", x.reason, "");
}

template <class V> void fields(V& v, Setting& x) {
  v("name", x.name, "");
  v("value", x.value, "");
}

template <class V> void fields(V& v, InterfaceAddress& x) {
  v("interface", x.interface, "");
  v("address", x.address, "");
  v("subnet", x.subnet, "");
}

template <class V> void fields(V& v, NetworkInterface& x) {
  v("name", x.name, "");
  v("up", x.up, "");
  v("physical", x.physical, "");
  v("loopback", x.loopback, "");
  v("megabit", x.megabit, "");
  v("mtu", x.mtu, "");
  v("addresses", x.addresses, "");
}

template <class V> void fields(V& v, FabricPort& x) {
  v("device", x.device, "");
  v("port", x.port, "");
  v("state", x.state, "");
  v("layer", x.layer, "");
  v("gigabit", x.gigabit, "");
}

template <class V> void fields(V& v, PciState& x) {
  v("nvidia", x.nvidia, "");
  v("bridges", x.bridges, "");
  v("redirecting", x.redirecting, "");
  v("unreadable", x.unreadable, "");
}

template <class V> void fields(V& v, Silence& x) {
  v("part", x.part, "");
  v("fault", x.fault, "");
}

template <class V> void fields(V& v, FolderSpace& x) {
  v("path", x.path, "");
  v("total_bytes", x.total_bytes, "");
  v("free_bytes", x.free_bytes, "");
  v("fault", x.fault, "");
  v("silent", x.silent, "");
}

template <class V> void fields(V& v, ResourceLimit& x) {
  v("name", x.name, "");
  v("soft", x.soft, "");
  v("hard", x.hard, "");
}

template <class V> void fields(V& v, DeviceSeen& x) {
  v("uuid", x.uuid, "");
  v("model", x.model, "");
}

template <class V> void fields(V& v, HostSetup& x) {
  v("mpi", x.mpi, "");
  v("driver", x.driver, "");
  v("device_reason", x.device_reason, "");
  v("libraries", x.libraries, "");
  v("orphan", x.orphan, "");
  v("devices", x.devices, "");
  v("realtime", x.realtime, "");
  v("clock_error", x.clock_error, "");
  v("same_clock", x.same_clock, "");
  v("network_space", x.network_space, "");
  v("cpus", x.cpus, "");
  v("load", x.load, "");
  v("cpu_quota", x.cpu_quota, "");
  v("numa_nodes", x.numa_nodes, "");
  v("numa_balancing", x.numa_balancing, "");
  v("smt", x.smt, "");
  v("memory_bytes", x.memory_bytes, "");
  v("swap_used_bytes", x.swap_used_bytes, "");
  v("governors", x.governors, "");
  v("huge_pages", x.huge_pages, "");
  v("iommu_words", x.iommu_words, "");
  v("iommu_groups", x.iommu_groups, "");
  v("pci", x.pci, "");
  v("shared_memory", x.shared_memory, "");
  v("temporary", x.temporary, "");
  v("out", x.out, "");
  v("limits", x.limits, "");
  v("interfaces", x.interfaces, "");
  v("fabric", x.fabric, "");
  v("silent", x.silent, "");
  v("environment", x.environment, "");
}

} // namespace maru
