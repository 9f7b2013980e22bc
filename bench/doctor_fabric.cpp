// SPDX-License-Identifier: Apache-2.0
// InfiniBand ports, and what stands between the devices of one host.
#include "bench/doctor_checks.hpp"

#include <algorithm>

namespace maru {
namespace {

std::string port_name(FabricPort const& port) { return fmt::format("{} port {}", port.device, port.port); }

FabricPort const* find_port(HostView const& host, std::string const& name) {
  for (auto const& port : host.setup.fabric)
    if (port_name(port) == name) return &port;
  return nullptr;
}

std::map<std::string, std::size_t> ports_of(Hosts const& hosts) {
  std::map<std::string, std::size_t> ports;
  for (auto const& host : hosts)
    for (auto const& port : host.setup.fabric) ++ports[port_name(port)];
  return ports;
}

void check_port(Hosts const& hosts, std::string const& name, Symptoms& symptoms) {
  std::map<std::string, std::size_t> states;
  std::map<double, std::size_t> rates;
  for (auto const& host : hosts) {
    auto const* port = find_port(host, name);
    if (!port) continue;
    ++states[port->state];
    if (port->state == "ACTIVE" && port->gigabit.value) ++rates[*port->gigabit.value];
  }
  auto const state = usual(states);
  for (auto const& host : hosts) {
    auto const* port = find_port(host, name);
    if (!port) continue;
    if (port->state != state && state == "ACTIVE")
      symptoms.push_back({"fabric", Severity::failure, host.name,
                          fmt::format("{} ({}) is {}, and ACTIVE on other hosts", name, port->layer, port->state),
                          "ibstat and the cable there; leave the host out until the port is up", name + " state"});
    else if (port->state == "ACTIVE" && port->gigabit.value && *port->gigabit.value < usual(rates))
      symptoms.push_back(
          {"fabric", Severity::warning, host.name,
           fmt::format("{} runs at {:g} Gb/s where {:g} are usual", name, *port->gigabit.value, usual(rates)),
           "ibstatus, ibdiagnet; a worn cable or a port that was set to a lower width or speed", name + " rate",
           -*port->gigabit.value});
  }
}

bool wants_direct_traffic(HostView const& host) { return host.setup.pci.nvidia > 0 || !host.setup.fabric.empty(); }

bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    bool const begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == ',' || text[at - 1] == '=';
    auto const end = at + word.size();
    if (begins && (end == text.size() || text[end] == ' ' || text[end] == ',')) return true;
  }
  return false;
}

} // namespace

void check_fabric(Hosts const& hosts, Symptoms& symptoms) {
  auto const ports = ports_of(hosts);
  for (auto const& [name, count] : ports) {
    check_port(hosts, name, symptoms);
    if (count * 2 <= hosts.size()) continue;
    for (auto const& host : hosts)
      if (!find_port(host, name))
        symptoms.push_back({"fabric", Severity::failure, host.name,
                            fmt::format("has no {}, and {} other hosts do", name, count),
                            "lspci and dmesg there: the adapter or its driver is missing", name + " missing"});
  }
  for (auto const& host : hosts) {
    auto const& fabric = host.setup.fabric;
    if (fabric.empty() || std::any_of(fabric.begin(), fabric.end(), [](auto const& p) { return p.state == "ACTIVE"; }))
      continue;
    symptoms.push_back(
        {"fabric", Severity::warning, host.name,
         fmt::format("none of its {} is ACTIVE", counted(static_cast<std::int64_t>(fabric.size()), "RDMA port")),
         "ibstat; without a port everything goes over TCP. Is a subnet manager running?", "none"});
  }
}

void check_pci(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts) {
    if (!wants_direct_traffic(host)) continue;
    auto const& pci = host.setup.pci;
    auto const line = host.setup.iommu_words.value.value_or("");
    if (host.setup.iommu_groups.value.value_or(0) > 0 && !has_word(line, "iommu=pt"))
      symptoms.push_back(
          {"IOMMU", Severity::warning, host.name,
           "the IOMMU translates every device's addresses: traffic between GPUs and adapters goes up to the root",
           "iommu=pt on the kernel's command line, or off in the firmware, where nothing passes devices "
           "through to virtual machines"});
    if (pci.redirecting > 0)
      symptoms.push_back({"ACS",
                          Severity::warning,
                          host.name,
                          fmt::format("{} of {} send traffic between devices up to the root (ACS)", pci.redirecting,
                                      counted(pci.bridges, "PCI bridge")),
                          "ACS off in the firmware, or setpci -s BRIDGE ECAP_ACS+6.w=0 after each start, where nothing "
                          "passes devices through to virtual machines",
                          {},
                          static_cast<double>(pci.redirecting)});
    if (pci.unreadable > 0)
      symptoms.push_back({"ACS", Severity::note, host.name,
                          fmt::format("could not be read of {}", counted(pci.unreadable, "PCI bridge")),
                          "sudo maru doctor on one host shows it; the configuration is root's alone", "unread"});
  }
}

} // namespace maru
