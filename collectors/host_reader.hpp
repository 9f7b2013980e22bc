// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/system_files.hpp"
#include "core/host_setup.hpp"

#include <string>
#include <vector>

namespace maru {

/// Where the setup of a host is read. Tests give a folder of their own.
struct HostSources {
  std::string root;      ///< stands before /proc, /sys and /dev; empty for the machine itself
  std::string out = "."; ///< folder that results are meant for; need not be there yet
  std::vector<InterfaceAddress> addresses;
  std::vector<Setting> environment;
};

/// Those of this machine and this process.
HostSources sources_here(std::string const& out);

/// Reads everything but clocks, MPI and devices, which no file tells. Never throws for what a file holds.
HostSetup read_host_setup(HostSources const& sources);

/// Parts of read_host_setup.
void read_network(SystemFiles const& files, std::vector<InterfaceAddress> const& addresses, HostSetup& setup);
void read_pci(SystemFiles const& files, HostSetup& setup);
Known<double> read_cpu_quota(SystemFiles const& files);

/// Of all interfaces, IPv4 and IPv6, without link-local ones.
std::vector<InterfaceAddress> interface_addresses();

} // namespace maru
