// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/inquiry.hpp"
#include "collectors/system_files.hpp"
#include "core/host_setup.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// Where the setup of a host is read. Tests give a folder of their own.
struct HostSources {
  std::string root;      ///< stands before /proc, /sys and /dev; empty for the machine itself
  std::string out = "."; ///< folder that results are meant for; need not be there yet
  std::vector<InterfaceAddress> addresses;
  std::vector<Setting> environment;
  double patience = 1;                                    ///< times the seconds that each part has to answer
  std::function<void(std::string_view part)> before = {}; ///< each part is read; tests hang there
};

/// Those of this machine and this process.
HostSources sources_here(std::string const& out);

/// Reads everything but clocks, MPI and devices, which no file tells. Never throws for what a file holds.
HostSetup read_host_setup(HostSources const& sources);

/// The same, of a host that may be ill: parts that do not answer in time are noted as silent, and no other waits for
/// them. To be made before MPI is started and threads of ours are (Inquiry).
class HostReading {
public:
  explicit HostReading(HostSources sources); ///< asks
  ~HostReading();
  HostReading(HostReading const&) = delete;
  HostReading& operator=(HostReading const&) = delete;

  /// Takes as long as the slowest part has. To be called once.
  HostSetup collect();

private:
  HostSources sources_;
  std::vector<std::unique_ptr<Inquiry>> inquiries_; ///< one for each part
};

/// "nfs4 of fs1:/export": what is mounted where the path leads; empty when that is not known. Asks no file system.
std::string mounted_at(SystemFiles const& files, std::string const& path);

/// Parts of read_host_setup.
void read_network(SystemFiles const& files, std::vector<InterfaceAddress> const& addresses, HostSetup& setup);
void read_pci(SystemFiles const& files, HostSetup& setup);
Known<double> read_cpu_quota(SystemFiles const& files);

/// Of all interfaces, IPv4 and IPv6, without link-local ones.
std::vector<InterfaceAddress> interface_addresses();

} // namespace maru
