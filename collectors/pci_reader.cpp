// SPDX-License-Identifier: Apache-2.0
// The PCI bus as sysfs shows it, and the CPU time that the cgroups allow.
#include "collectors/host_reader.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

#include <charconv>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::size_t plain_config = 256; // bytes of a conventional device's configuration; extended ones have 4096
constexpr std::size_t whole_config = 4096;
constexpr unsigned acs_capability = 0x000D;

unsigned byte_at(std::string_view config, std::size_t at) {
  return at < config.size() ? static_cast<unsigned char>(config[at]) : 0U;
}
unsigned word_at(std::string_view config, std::size_t at) {
  return byte_at(config, at) | byte_at(config, at + 1) << 8U;
}

/// Whether ACS sends requests or completions between the bridge's devices up to the root (PCI Express base
/// specification 5.0, section 7.7.8.3: bits 2 and 3 of the control register).
bool redirects_peers(std::string_view config) {
  constexpr unsigned redirect = 0x000C;
  std::size_t at = plain_config;
  for (int links = 0; links < 128 && at >= plain_config && at + 8 <= config.size(); ++links) { // the list may be a ring
    if (word_at(config, at) == acs_capability) return (word_at(config, at + 6) & redirect) != 0;
    at = (word_at(config, at + 2) >> 4U) & ~std::size_t{3};
  }
  return false;
}

// "0x060400"
unsigned hex_number(Known<std::string> const& text) {
  if (!text.value || !text.value->starts_with("0x")) return 0;
  unsigned value = 0;
  std::from_chars(text.value->data() + 2, text.value->data() + text.value->size(), value, 16);
  return value;
}

void read_bridge(std::string const& path, PciState& pci) {
  std::string config;
  try {
    config = read_file(path, whole_config);
  } catch (Error const&) { // counted below
  }
  if (config.size() == plain_config) return; // no express bridge, so it has no such control
  ++pci.bridges;
  if (config.size() < plain_config) // 64 bytes are what everybody may read
    ++pci.unreadable;
  else if (redirects_peers(config))
    ++pci.redirecting;
}

// The smallest quota from the process's own group up to the root.
std::optional<double> quota_v2(SystemFiles const& files, std::string group) {
  std::optional<double> least;
  for (;;) {
    auto const text = files.text(fmt::format("/sys/fs/cgroup{}/cpu.max", group == "/" ? "" : group));
    auto const words = words_of(text.value ? std::string_view(*text.value) : std::string_view());
    if (words.size() == 2)
      if (auto const quota = whole_number(words[0]), period = whole_number(words[1]);
          quota && period && *quota > 0 && *period > 0) {
        auto const cpus = static_cast<double>(*quota) / static_cast<double>(*period);
        least = least ? std::min(*least, cpus) : cpus;
      }
    if (group.empty() || group == "/") return least;
    group.resize(std::min(group.rfind('/'), group.size()));
  }
}

std::optional<double> quota_v1(SystemFiles const& files) {
  for (auto const* folder : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    auto const quota = files.number(fmt::format("{}/cpu.cfs_quota_us", folder));
    auto const period = files.number(fmt::format("{}/cpu.cfs_period_us", folder));
    if (quota.value && period.value && *quota.value > 0 && *period.value > 0)
      return static_cast<double>(*quota.value) / static_cast<double>(*period.value);
  }
  return std::nullopt;
}

} // namespace

Known<double> read_cpu_quota(SystemFiles const& files) {
  auto const groups = files.text("/proc/self/cgroup");
  if (!groups.value) return unknown_because<double>(*groups.reason);
  auto least = quota_v1(files);
  for (auto const line : lines_of(*groups.value)) {
    if (!line.starts_with("0::/") || line.size() > 4096) continue;
    if (auto const quota = quota_v2(files, std::string(line.substr(3))))
      least = least ? std::min(*least, *quota) : quota;
  }
  return least ? known(*least) : unknown_because<double>("no cgroup limits it");
}

void read_pci(SystemFiles const& files, HostSetup& setup) {
  std::string const bus = "/sys/bus/pci/devices";
  for (auto const& device : files.list(bus)) {
    auto const folder = fmt::format("{}/{}", bus, device);
    auto const kind = hex_number(files.text(folder + "/class")) >> 8U;
    constexpr unsigned vga = 0x0300, accelerator = 0x0302, bridge = 0x0604, nvidia = 0x10DE;
    if ((kind == vga || kind == accelerator) && hex_number(files.text(folder + "/vendor")) == nvidia)
      ++setup.pci.nvidia;
    if (kind == bridge) read_bridge(files.real(folder + "/config"), setup.pci);
  }
}

} // namespace maru
