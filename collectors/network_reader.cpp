// SPDX-License-Identifier: Apache-2.0
#include "collectors/host_reader.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

namespace maru {
namespace {

using Octets = std::vector<unsigned char>;

/// The bytes of an IPv4 or IPv6 address; empty for other families.
Octets octets(sockaddr const* address) {
  if (address && address->sa_family == AF_INET) {
    auto const* bytes =
        reinterpret_cast<unsigned char const*>(&reinterpret_cast<sockaddr_in const*>(address)->sin_addr);
    return {bytes, bytes + 4};
  }
  if (address && address->sa_family == AF_INET6) {
    auto const* bytes =
        reinterpret_cast<unsigned char const*>(&reinterpret_cast<sockaddr_in6 const*>(address)->sin6_addr);
    return {bytes, bytes + 16};
  }
  return {};
}

std::string text_of(Octets const& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

// Such an address reaches the next switch at most, and every host has one.
bool link_local(Octets const& address) {
  return address.size() == 4 ? address[0] == 169 && address[1] == 254
                             : address[0] == 0xFE && (address[1] & 0xC0) == 0x80;
}

int prefix_of(Octets const& mask) {
  int bits = 0;
  for (auto const byte : mask) bits += __builtin_popcount(byte);
  return bits;
}

std::string first_word(Known<std::string> const& text, std::string fallback) {
  if (!text.value) return fallback;
  auto const words = words_of(*text.value);
  return words.empty() ? fallback : std::string(words.front().substr(0, 64));
}

// "4: ACTIVE"
std::string port_state(Known<std::string> const& text) {
  if (!text.value) return "unknown";
  auto const colon = text.value->find(':');
  return std::string(trimmed(std::string_view(*text.value).substr(colon == std::string::npos ? 0 : colon + 1)))
      .substr(0, 64);
}

// "400 Gb/sec (4X NDR)"
Known<double> port_rate(Known<std::string> const& text, std::string const& path) {
  if (!text.value) return unknown_because<double>(*text.reason);
  auto const words = words_of(*text.value);
  if (words.size() >= 2 && words[1].starts_with("Gb"))
    if (auto const rate = decimal_number(words[0])) return known(*rate);
  return unknown_because<double>(path + ": not understood");
}

// A container may show the host's /sys beside a network of its own; /proc is always this process's. "  eth0: 1234 …"
std::vector<std::string> interface_names(SystemFiles const& files) {
  auto const table = files.text("/proc/self/net/dev");
  if (!table.value) return files.list("/sys/class/net");
  std::vector<std::string> names;
  for (auto const line : lines_of(*table.value)) {
    auto const name = trimmed(line.substr(0, line.find(':')));
    bool const odd = name.empty() || name.size() > 64 || name.find('/') != name.npos || name.starts_with('.');
    if (line.find('|') == line.npos && line.find(':') != line.npos && !odd) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

NetworkInterface read_interface(SystemFiles const& files, std::string const& name,
                                std::vector<InterfaceAddress> const& addresses) {
  auto const folder = "/sys/class/net/" + name;
  NetworkInterface interface;
  interface.name = name;
  for (auto const& address : addresses)
    if (address.interface == name) interface.addresses.push_back(address);
  auto const state = first_word(files.text(folder + "/operstate"), "unknown");
  interface.up = state == "up" || (state == "unknown" && !interface.addresses.empty());
  interface.physical = files.exists(folder + "/device");
  constexpr std::int64_t loopback = 772; // ARPHRD_LOOPBACK
  interface.loopback = files.number(folder + "/type").value == loopback || name == "lo";
  interface.megabit = files.number(folder + "/speed");
  if (interface.megabit.value && *interface.megabit.value <= 0) // -1 is "nobody knows"
    interface.megabit = unknown_because<std::int64_t>(folder + "/speed: the driver does not say");
  interface.mtu = files.number(folder + "/mtu");
  return interface;
}

} // namespace

std::vector<InterfaceAddress> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> const owner(list, &::freeifaddrs);
  std::vector<InterfaceAddress> addresses;
  for (auto const* entry = list; entry; entry = entry->ifa_next) {
    auto const address = octets(entry->ifa_addr), mask = octets(entry->ifa_netmask);
    if (address.empty() || mask.size() != address.size() || link_local(address)) continue;
    auto subnet = address;
    for (std::size_t i = 0; i < subnet.size(); ++i) subnet[i] = static_cast<unsigned char>(subnet[i] & mask[i]);
    addresses.push_back({entry->ifa_name, text_of(address), fmt::format("{}/{}", text_of(subnet), prefix_of(mask))});
  }
  return addresses;
}

void read_network(SystemFiles const& files, std::vector<InterfaceAddress> const& addresses, HostSetup& setup) {
  setup.network_space = files.link("/proc/self/ns/net");
  for (auto const& name : interface_names(files)) setup.interfaces.push_back(read_interface(files, name, addresses));
  std::string const fabric = "/sys/class/infiniband";
  for (auto const& device : files.list(fabric)) {
    auto const ports = fmt::format("{}/{}/ports", fabric, device);
    for (auto const& number : files.list(ports)) {
      auto const folder = fmt::format("{}/{}", ports, number);
      FabricPort port;
      port.device = device;
      port.port = number;
      port.state = port_state(files.text(folder + "/state"));
      port.layer = first_word(files.text(folder + "/link_layer"), "unknown");
      port.gigabit = port_rate(files.text(folder + "/rate"), folder + "/rate");
      setup.fabric.push_back(port);
    }
  }
}

} // namespace maru
