// SPDX-License-Identifier: Apache-2.0
// What did not answer. Nothing is judged from that, but that it did not.
#include "bench/doctor_checks.hpp"

#include <algorithm>

namespace maru {
namespace {

std::string remedy_for(std::string_view part) {
  if (part == part::gpus)
    return "nvidia-smi there, and dmesg | grep -i xid: a driver that hangs needs a restart; leave the host out until "
           "then";
  if (part == part::network)
    return "dmesg and ibstat there: an adapter or its driver hangs; leave the host out until then";
  if (part == part::pci) return "dmesg there: a device that fell off the bus; leave the host out until a restart";
  return "dmesg there, and ps for processes in state D: something in its kernel hangs; leave the host out until a "
         "restart";
}

} // namespace

bool answers(HostView const& host, std::string_view part) {
  auto const& silent = host.setup.silent;
  return std::none_of(silent.begin(), silent.end(), [&](Silence const& silence) { return silence.part == part; });
}

bool answers(HostView const& host, FolderSpace const& space, char const* check, Symptoms& symptoms) {
  if (space.silent)
    symptoms.push_back({check, Severity::failure, host.name, fmt::format("{} {}", space.path, space.fault),
                        "dmesg and mount there: its server or the way to it is down; umount -l it, or take another "
                        "folder",
                        "silent"});
  return !space.silent;
}

void check_silent(Hosts const& hosts, Symptoms& symptoms) {
  for (auto const& host : hosts)
    for (auto const& silence : host.setup.silent)
      symptoms.push_back({"no answer", Severity::failure, host.name, fmt::format("{}: {}", silence.part, silence.fault),
                          remedy_for(silence.part), silence.part});
}

} // namespace maru
