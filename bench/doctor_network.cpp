// SPDX-License-Identifier: Apache-2.0
// Which way the ranks of several hosts reach one another, and whether that is the way somebody meant.
#include "bench/doctor_network.hpp"
#include "bench/doctor_checks.hpp"

#include <algorithm>
#include <set>

namespace maru {
namespace {

using Interfaces = std::vector<NetworkInterface const*>;

struct Choice {
  Interfaces interfaces;
  std::string why;
  bool told = false; ///< by the environment
};

// Open MPI 4.1's TCP transport: what is included, or else everything that is not excluded.
Choice choose(HostSetup const& setup) {
  auto const include = setting(setup, "OMPI_MCA_btl_tcp_if_include");
  auto const exclude = setting(setup, "OMPI_MCA_btl_tcp_if_exclude");
  auto const list = comma_list(!include.empty() ? include : !exclude.empty() ? exclude : "127.0.0.1/8,sppp");
  Choice choice;
  choice.told = !include.empty() || !exclude.empty();
  choice.why = !include.empty()   ? "told by OMPI_MCA_btl_tcp_if_include"
               : !exclude.empty() ? "told by OMPI_MCA_btl_tcp_if_exclude"
                                  : "its own choice";
  for (auto const& interface : setup.interfaces) {
    if (!interface.up || interface.addresses.empty()) continue;
    bool const listed =
        std::any_of(list.begin(), list.end(), [&](std::string const& item) { return names(item, interface); });
    if (listed == !include.empty()) choice.interfaces.push_back(&interface);
  }
  return choice;
}

// Containers of one kernel may share its interfaces: they reach one another over any of them, the loopback too.
std::string network_of(HostView const& host) { return host.facts->clock_id + host.setup.network_space; }

bool one_network(Hosts const& hosts) {
  return std::all_of(hosts.begin(), hosts.end(),
                     [&](HostView const& host) { return network_of(host) == network_of(hosts.front()); });
}

std::set<std::string> subnets_of(Interfaces const& interfaces) {
  std::set<std::string> subnets;
  for (auto const* interface : interfaces)
    if (!inner_bridge(*interface) && !interface->loopback)
      for (auto const& address : interface->addresses) subnets.insert(address.subnet);
  return subnets;
}

std::set<std::string> common_subnets(Hosts const& hosts) {
  auto common = subnets_of(choose(hosts.front().setup).interfaces);
  for (auto const& host : hosts) {
    auto const mine = subnets_of(choose(host.setup).interfaces);
    std::erase_if(common, [&](std::string const& subnet) { return !mine.contains(subnet); });
  }
  return common;
}

std::string list_of(Interfaces const& interfaces) {
  std::string text;
  for (auto const* interface : interfaces)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", interface->name, interface->addresses.front().subnet);
  return text;
}

std::string proposal(Hosts const& hosts) {
  auto const common = common_subnets(hosts);
  auto const network = common.empty() ? std::string("SUBNET") : *common.begin();
  return fmt::format("mpirun --mca btl_tcp_if_include {0} --mca oob_tcp_if_include {0}, and NCCL_SOCKET_IFNAME=NAME",
                     network);
}

void check_choice(Hosts const& hosts, HostView const& host, std::string const& proposed, Symptoms& symptoms) {
  auto const choice = choose(host.setup);
  bool const several = !one_network(hosts);
  if (choice.interfaces.empty()) {
    if (several)
      symptoms.push_back({"network", Severity::failure, host.name,
                          fmt::format("Open MPI is left without an interface ({})", choice.why),
                          "ip -br addr there; name an interface that is up and has an address", "none"});
    return;
  }
  symptoms.push_back({"network", Severity::note, host.name,
                      fmt::format("between hosts Open MPI uses {} for TCP: {}", list_of(choice.interfaces), choice.why),
                      choice.told ? "change or unset that variable if another was meant"
                      : several   ? "if another was meant: " + proposed
                                  : "if another was meant: --mca btl_tcp_if_include NETWORK",
                      "choice"});
  if (!several) return;
  for (auto const* interface : choice.interfaces) {
    if (interface->loopback)
      symptoms.push_back({"network", Severity::failure, host.name,
                          fmt::format("Open MPI is told to use {}, which reaches no other host", interface->name),
                          proposed, "loopback"});
    else if (inner_bridge(*interface))
      symptoms.push_back(
          {"network", Severity::warning, host.name,
           fmt::format("Open MPI may use {} ({}), a bridge inside of this host: connections hang or fail",
                       interface->name, interface->addresses.front().address),
           proposed, interface->name});
  }
}

// An interface that most hosts have, by its name.
void check_common_interface(Hosts const& hosts, std::string const& name, Symptoms& symptoms) {
  std::map<std::int64_t, std::size_t> speeds, mtus;
  std::map<bool, std::size_t> states;
  std::vector<std::pair<HostView const*, NetworkInterface const*>> all;
  for (auto const& host : hosts)
    for (auto const& interface : host.setup.interfaces)
      if (interface.name == name && interface.physical) {
        all.emplace_back(&host, &interface);
        ++states[interface.up];
        if (interface.up && interface.megabit.value) ++speeds[*interface.megabit.value];
        if (interface.up && interface.mtu.value) ++mtus[*interface.mtu.value];
      }
  for (auto const& [host, interface] : all) {
    if (!interface->up && usual(states))
      symptoms.push_back({"network", Severity::warning, host->name,
                          fmt::format("{} is down, and up on other hosts", name), "ip link and the cable there",
                          name + " state"});
    if (!interface->up) continue;
    if (interface->megabit.value && *interface->megabit.value < usual(speeds))
      symptoms.push_back(
          {"network", Severity::warning, host->name,
           fmt::format("{} runs at {} Mb/s where {} are usual", name, *interface->megabit.value, usual(speeds)),
           "ethtool there: the cable, the switch's port or the negotiation", name + " speed",
           -static_cast<double>(*interface->megabit.value)});
    if (interface->mtu.value && *interface->mtu.value != usual(mtus))
      symptoms.push_back({"network", Severity::warning, host->name,
                          fmt::format("{} has an MTU of {} where {} is usual: large messages may hang", name,
                                      *interface->mtu.value, usual(mtus)),
                          "the same MTU on every host and on the switches", name + " mtu"});
  }
}

void check_addresses(Hosts const& hosts, Symptoms& symptoms) {
  std::map<std::string, HostView const*> owners; // of each address
  for (auto const& host : hosts)
    for (auto const& interface : host.setup.interfaces) {
      if (interface.loopback || inner_bridge(interface)) continue;
      for (auto const& address : interface.addresses) {
        auto const [owner, fresh] = owners.try_emplace(address.address, &host);
        if (fresh || network_of(*owner->second) == network_of(host)) continue;
        symptoms.push_back(
            {"network", Severity::failure, host.name,
             fmt::format("{} has {}, and so has {}", interface.name, address.address, owner->second->name),
             "give every host addresses of its own", "twice"});
      }
    }
}

} // namespace

void check_interfaces(Hosts const& hosts, Symptoms& symptoms) {
  auto const proposed = proposal(hosts);
  for (auto const& host : hosts) check_choice(hosts, host, proposed, symptoms);
  if (one_network(hosts)) return;
  check_addresses(hosts, symptoms);
  std::set<std::string> seen;
  for (auto const& host : hosts)
    for (auto const& interface : host.setup.interfaces)
      if (interface.physical && seen.insert(interface.name).second)
        check_common_interface(hosts, interface.name, symptoms);
  bool const all_connected = std::none_of(hosts.begin(), hosts.end(), [](HostView const& host) {
    return subnets_of(choose(host.setup).interfaces).empty();
  });
  if (all_connected && common_subnets(hosts).empty())
    symptoms.push_back(
        {"network",
         Severity::warning,
         {},
         "no subnet in which all hosts have an address: they reach one another through routers, or not at all",
         "ping from one to the other; --mca btl_tcp_if_include with the networks that are connected"});
}

} // namespace maru
