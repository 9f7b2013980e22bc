// SPDX-License-Identifier: Apache-2.0
// The interfaces and adapters that the environment names, held against those that are there.
#include "bench/doctor_checks.hpp"
#include "bench/doctor_network.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace maru {
namespace {

std::optional<std::uint32_t> ipv4(std::string_view text) {
  std::uint32_t address = 0;
  for (int i = 0; i < 4; ++i) {
    unsigned octet = 256;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), octet);
    if (error != std::errc{} || octet > 255) return std::nullopt;
    address = address << 8U | octet;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i == 3) break;
    if (!text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
  }
  return text.empty() ? std::optional(address) : std::nullopt;
}

/// Whether an IPv4 address lies in "10.1.0.0/16"; false for what is not of that form.
bool in_network(std::string_view network, std::string_view address) {
  auto const slash = network.find('/');
  if (slash == network.npos) return false;
  auto const base = ipv4(network.substr(0, slash)), mine = ipv4(address);
  unsigned bits = 33;
  auto const tail = network.substr(slash + 1);
  auto const [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), bits);
  if (!base || !mine || error != std::errc{} || end != tail.data() + tail.size() || bits > 32) return false;
  return bits == 0 || ((*base ^ *mine) >> (32 - bits)) == 0;
}

/// What stands before a port's number: "mlx5_0:1" → "mlx5_0".
std::string_view without_port(std::string_view item) { return item.substr(0, item.find(':')); }

std::string missing_text(char const* variable, std::string const& value, std::string const& missing) {
  return fmt::format("{}={} names {}, which is not there or not up", variable, value.substr(0, 60), missing);
}

using Present = bool (*)(HostSetup const&, std::string_view item);

bool interface_like(HostSetup const& setup, std::string_view item) { // as Open MPI reads it
  return std::any_of(setup.interfaces.begin(), setup.interfaces.end(),
                     [&](auto const& interface) { return interface.up && names(item, interface); });
}

bool interface_prefix(HostSetup const& setup, std::string_view item) { // as NCCL reads it
  return std::any_of(setup.interfaces.begin(), setup.interfaces.end(), [&](auto const& interface) {
    return interface.up && std::string_view(interface.name).starts_with(without_port(item));
  });
}

bool adapter_prefix(HostSetup const& setup, std::string_view item) {
  return std::any_of(setup.fabric.begin(), setup.fabric.end(),
                     [&](auto const& port) { return std::string_view(port.device).starts_with(without_port(item)); });
}

bool adapter_or_interface(HostSetup const& setup, std::string_view item) {
  return item == "all" || interface_like(setup, item) ||
         std::any_of(setup.fabric.begin(), setup.fabric.end(),
                     [&](auto const& port) { return item == port.device || item == port.device + ":" + port.port; });
}

struct Variable {
  char const* name;
  Present present;
  char const* remedy;
};

// NCCL's lists are of prefixes, "^" before the list turns it round and "=" makes the names exact (which is stricter
// than what is tested here).
constexpr std::array told{
    Variable{"OMPI_MCA_btl_tcp_if_include", interface_like, "ip -br addr; names or subnets that every host has"},
    Variable{"OMPI_MCA_oob_tcp_if_include", interface_like, "ip -br addr; names or subnets that every host has"},
    Variable{"NCCL_SOCKET_IFNAME", interface_prefix, "ip -br addr; a name or its beginning, such as eth"},
    Variable{"NCCL_IB_HCA", adapter_prefix, "ibstat -l; an adapter's name or its beginning, such as mlx5"},
    Variable{"UCX_NET_DEVICES", adapter_or_interface, "ucx_info -d; as in mlx5_0:1,eth0"},
};

void check_variable(HostView const& host, Variable const& variable, Symptoms& symptoms) {
  auto const value = setting(host.setup, variable.name);
  if (value.empty() || value.starts_with('^')) return;
  std::string missing;
  bool any = false;
  for (auto const& item : comma_list(value.starts_with('=') ? value.substr(1) : value)) {
    if (variable.present(host.setup, item))
      any = true;
    else
      missing += (missing.empty() ? "" : ", ") + item;
  }
  if (missing.empty()) return;
  symptoms.push_back({"network", any ? Severity::warning : Severity::failure, host.name,
                      missing_text(variable.name, value, missing), variable.remedy, variable.name});
}

} // namespace

bool names(std::string_view item, NetworkInterface const& interface) {
  return item == interface.name ||
         std::any_of(interface.addresses.begin(), interface.addresses.end(),
                     [&](InterfaceAddress const& address) { return in_network(item, address.address); });
}

bool inner_bridge(NetworkInterface const& interface) {
  constexpr std::array<std::string_view, 13> prefixes{"docker", "virbr",  "br-",  "cni",    "flannel", "veth", "lxc",
                                                      "lxdbr",  "podman", "cali", "cilium", "nerdctl", "kube-"};
  return !interface.physical && std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
    return std::string_view(interface.name).starts_with(prefix);
  });
}

void check_told_interfaces(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts)
    for (auto const& variable : told) check_variable(host, variable, symptoms);
  for (auto const* name :
       {"OMPI_MCA_btl", "OMPI_MCA_pml", "OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_oob_tcp_if_include",
        "NCCL_SOCKET_IFNAME", "NCCL_IB_HCA", "NCCL_IB_DISABLE", "UCX_NET_DEVICES", "UCX_TLS", "OMP_NUM_THREADS"})
    compare_hosts(
        hosts,
        {"environment",
         Severity::warning,
         {},
         std::string(name) + " is",
         "the same in every host's environment (mpirun -x NAME, or in the batch script)",
         name},
        [&](HostView const& h) { return setting(h.setup, name); }, symptoms);
}

} // namespace maru
