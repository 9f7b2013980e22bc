// SPDX-License-Identifier: Apache-2.0
#include "collectors/host_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <sys/statvfs.h>
#include <tuple>
#include <unistd.h>

namespace maru {
namespace {

namespace fs = std::filesystem;

// What decides over which network and with how many threads ranks work. Nothing else is taken: an environment may
// hold secrets.
constexpr std::array variables{"OMPI_MCA_btl",
                               "OMPI_MCA_pml",
                               "OMPI_MCA_btl_tcp_if_include",
                               "OMPI_MCA_btl_tcp_if_exclude",
                               "OMPI_MCA_oob_tcp_if_include",
                               "OMPI_MCA_oob_tcp_if_exclude",
                               "NCCL_SOCKET_IFNAME",
                               "NCCL_IB_HCA",
                               "NCCL_IB_DISABLE",
                               "UCX_NET_DEVICES",
                               "UCX_TLS",
                               "OMP_NUM_THREADS",
                               "CUDA_VISIBLE_DEVICES",
                               "TMPDIR"};

Known<std::int64_t> scaled(std::uint64_t blocks, std::uint64_t size) {
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(blocks, size, &bytes) || bytes > static_cast<std::uint64_t>(unlimited))
    return known(unlimited);
  return known(static_cast<std::int64_t>(bytes));
}

/// `path` is what a person calls the folder, `real` where it is looked for.
FolderSpace folder(std::string path, std::string const& real) {
  FolderSpace space;
  space.path = std::move(path);
  struct statvfs system {};
  if (::statvfs(real.c_str(), &system) != 0) {
    space.fault = std::strerror(errno);
    space.total_bytes = space.free_bytes = unknown_because<std::int64_t>(space.fault);
    return space;
  }
  space.total_bytes = scaled(system.f_blocks, system.f_frsize);
  space.free_bytes = scaled(system.f_bavail, system.f_frsize);
  std::error_code error;
  if (!fs::is_directory(real, error))
    space.fault = "not a folder";
  else if (::access(real.c_str(), W_OK | X_OK) != 0)
    space.fault = std::strerror(errno);
  return space;
}

/// The folder itself or the nearest one above it that is there: a run makes the rest.
FolderSpace output_folder(std::string const& out) {
  std::error_code error;
  auto place = fs::absolute(out, error);
  if (error) place = "/";
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  return folder(out, place.string());
}

std::int64_t limit_value(std::string_view word) {
  return word == "unlimited" ? unlimited : whole_number(word).value_or(-1);
}

// "Max locked memory         8388608              8388608              bytes"
Known<std::vector<ResourceLimit>> read_limits(SystemFiles const& files) {
  auto const text = files.text("/proc/self/limits");
  if (!text.value) return unknown_because<std::vector<ResourceLimit>>(*text.reason);
  std::vector<ResourceLimit> limits;
  for (auto const line : lines_of(*text.value)) {
    if (!line.starts_with("Max ")) continue;
    auto const words = words_of(line);
    ResourceLimit limit;
    std::size_t i = 0;
    for (; i < words.size() && limit_value(words[i]) < 0; ++i)
      limit.name += fmt::format("{}{}", i ? " " : "", words[i]);
    if (i + 1 >= words.size() || limit_value(words[i + 1]) < 0) continue;
    limit.soft = limit_value(words[i]);
    limit.hard = limit_value(words[i + 1]);
    limits.push_back(limit);
  }
  if (limits.empty()) return unknown_because<std::vector<ResourceLimit>>("/proc/self/limits: no limit in it");
  return known(std::move(limits));
}

// "MemTotal:       49342084 kB"
std::optional<std::int64_t> memory_field(std::string_view text, std::string_view name) {
  for (auto const line : lines_of(text)) {
    auto const words = words_of(line);
    if (words.size() < 2 || words[0] != name) continue;
    auto const value = whole_number(words[1]);
    if (value && *value >= 0 && *value <= unlimited / 1024) return *value * 1024;
  }
  return std::nullopt;
}

void read_memory(SystemFiles const& files, HostSetup& setup) {
  auto const text = files.text("/proc/meminfo");
  auto const reason = text.reason.value_or("/proc/meminfo: not understood");
  setup.memory_bytes = setup.swap_used_bytes = unknown_because<std::int64_t>(reason);
  if (!text.value) return;
  if (auto const total = memory_field(*text.value, "MemTotal:")) setup.memory_bytes = known(*total);
  auto const swap = memory_field(*text.value, "SwapTotal:"), left = memory_field(*text.value, "SwapFree:");
  if (swap && left) setup.swap_used_bytes = known(std::max<std::int64_t>(0, *swap - *left));
}

// "0-3,8": how many.
Known<std::int64_t> count_listed(Known<std::string> const& list, std::string const& path) {
  if (!list.value) return unknown_because<std::int64_t>(*list.reason);
  try {
    auto const count = static_cast<std::int64_t>(parse_ranks(*list.value).size());
    if (count > 0) return known(count);
  } catch (std::exception const&) { // said below
  }
  return unknown_because<std::int64_t>(path + ": not a list of numbers");
}

Known<std::int64_t> count_in(SystemFiles const& files, std::string const& path) {
  return count_listed(files.text(path), path);
}

Known<double> read_load(SystemFiles const& files) {
  auto const text = files.text("/proc/loadavg");
  if (!text.value) return unknown_because<double>(*text.reason);
  auto const words = words_of(*text.value);
  if (!words.empty())
    if (auto const load = decimal_number(words.front())) return known(*load);
  return unknown_because<double>("/proc/loadavg: not understood");
}

Known<std::string> read_governors(SystemFiles const& files) {
  std::string const folder = "/sys/devices/system/cpu";
  std::set<std::string> governors;
  for (auto const& name : files.list(folder)) {
    if (!name.starts_with("cpu") || !whole_number(std::string_view(name).substr(3))) continue;
    if (auto const text = files.text(fmt::format("{}/{}/cpufreq/scaling_governor", folder, name)); text.value)
      governors.insert(text.value->substr(0, 64));
  }
  if (governors.empty()) return unknown_because<std::string>("the kernel offers no choice of CPU frequencies");
  return known(fmt::format("{}", fmt::join(governors, ", ")));
}

// "always [madvise] never"
Known<std::string> read_huge_pages(SystemFiles const& files) {
  std::string const path = "/sys/kernel/mm/transparent_hugepage/enabled";
  auto text = files.text(path);
  if (!text.value) return text;
  auto const begin = text.value->find('['), end = text.value->find(']');
  if (begin == text.value->npos || end == text.value->npos || end <= begin)
    return unknown_because<std::string>(path + ": not understood");
  return known(text.value->substr(begin + 1, std::min<std::size_t>(end - begin - 1, 64)));
}

// "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build …"
std::string read_driver(SystemFiles const& files) {
  auto const text = files.text("/proc/driver/nvidia/version");
  if (!text.value) return {};
  for (auto const word : words_of(*text.value))
    if (word.find('.') != word.npos && word.size() < 32 && word.find_first_not_of("0123456789.") == word.npos)
      return std::string(word);
  return {};
}

// The line may hold secrets; what is not needed of it is not taken.
Known<std::string> read_iommu_words(SystemFiles const& files) {
  auto text = files.text("/proc/cmdline");
  if (!text.value) return text;
  std::string kept;
  for (auto const word : words_of(*text.value))
    if (word.find("iommu") != word.npos && word.size() < 128 && kept.size() < 1024)
      kept += fmt::format("{}{}", kept.empty() ? "" : " ", word);
  return known(kept);
}

std::string value_of(std::vector<Setting> const& settings, std::string_view name, std::string fallback) {
  for (auto const& setting : settings)
    if (setting.name == name) return setting.value;
  return fallback;
}

} // namespace

HostSources sources_here(std::string const& out) {
  HostSources sources;
  sources.out = out;
  sources.addresses = interface_addresses();
  for (auto const* name : variables)
    if (char const* value = std::getenv(name))
      sources.environment.push_back({name, std::string(value).substr(0, 1024)});
  return sources;
}

namespace {

void read_kernel(SystemFiles const& files, HostSources const&, HostSetup& setup) {
  setup.driver = read_driver(files);
  setup.cpus = count_in(files, "/sys/devices/system/cpu/online");
  setup.load = read_load(files);
  setup.cpu_quota = read_cpu_quota(files);
  setup.numa_nodes = count_in(files, "/sys/devices/system/node/online");
  setup.numa_balancing = files.number("/proc/sys/kernel/numa_balancing");
  setup.smt = files.number("/sys/devices/system/cpu/smt/active");
  read_memory(files, setup);
  setup.governors = read_governors(files);
  setup.huge_pages = read_huge_pages(files);
  setup.iommu_words = read_iommu_words(files);
  setup.iommu_groups = files.exists("/sys/kernel/iommu_groups")
                           ? known(static_cast<std::int64_t>(files.list("/sys/kernel/iommu_groups").size()))
                           : unknown_because<std::int64_t>("/sys/kernel/iommu_groups: not there");
  setup.limits = read_limits(files);
}

/// Reads one part of a setup; in what is read, `place` is the folder that it is about, if any.
struct Part {
  char const* name;
  double seconds;
  void (*read)(SystemFiles const&, HostSources const&, HostSetup&);
  FolderSpace HostSetup::*place = nullptr;
  std::string (*path)(HostSources const&) = nullptr; ///< of the place
};

std::string temporary_path(HostSources const& sources) { return value_of(sources.environment, "TMPDIR", "/tmp"); }

constexpr double of_folders = 5, of_devices = 10; // seconds

Part const parts[] = {
    {part::kernel, of_devices, read_kernel},
    {part::network, of_devices,
     [](SystemFiles const& files, HostSources const& sources, HostSetup& setup) {
       read_network(files, sources.addresses, setup);
     }},
    {part::pci, of_devices,
     [](SystemFiles const& files, HostSources const&, HostSetup& setup) { read_pci(files, setup); }},
    {"shared memory", of_folders,
     [](SystemFiles const& files, HostSources const&, HostSetup& setup) {
       setup.shared_memory = folder("/dev/shm", files.real("/dev/shm"));
     },
     &HostSetup::shared_memory, [](HostSources const&) { return std::string("/dev/shm"); }},
    {"temporary folder", of_folders,
     [](SystemFiles const&, HostSources const& sources, HostSetup& setup) {
       setup.temporary = folder(temporary_path(sources), temporary_path(sources));
     },
     &HostSetup::temporary, temporary_path},
    {"results", of_folders,
     [](SystemFiles const&, HostSources const& sources, HostSetup& setup) { setup.out = output_folder(sources.out); },
     &HostSetup::out, [](HostSources const& sources) { return sources.out; }},
};

void read_part(Part const& part, HostSources const& sources, HostSetup& setup) {
  if (sources.before) sources.before(part.name);
  part.read(SystemFiles(sources.root), sources, setup);
}

// Each part fills in fields of its own; the kernel's, the first, has the most of them.
void take(HostSetup& whole, HostSetup found, Part const& read) {
  std::string_view const name = read.name;
  if (read.place)
    whole.*read.place = std::move(found.*read.place);
  else if (name == part::network)
    std::tie(whole.network_space, whole.interfaces, whole.fabric) =
        std::tie(found.network_space, found.interfaces, found.fabric);
  else if (name == part::pci)
    whole.pci = found.pci;
  else
    whole = std::move(found);
}

void note_silence(HostSetup& whole, HostSources const& sources, std::string fault, Part const& read) {
  if (!read.place) {
    whole.silent.push_back({read.name, std::move(fault)});
    return;
  }
  auto& space = whole.*read.place;
  space.path = read.path(sources);
  auto const mounted = mounted_at(SystemFiles(sources.root), space.path);
  space.fault = mounted.empty() ? fault : fmt::format("{} ({})", fault, mounted);
  space.silent = true;
  space.total_bytes = space.free_bytes = unknown_because<std::int64_t>(space.fault);
}

} // namespace

HostSetup read_host_setup(HostSources const& sources) {
  HostSetup setup;
  for (auto const& part : parts) read_part(part, sources, setup);
  setup.environment = sources.environment;
  return setup;
}

HostReading::HostReading(HostSources sources) : sources_(std::move(sources)) {
  for (auto const& part : parts)
    inquiries_.push_back(std::make_unique<Inquiry>(part.seconds * sources_.patience, [&] {
      HostSetup setup;
      read_part(part, sources_, setup);
      return to_cbor(setup);
    }));
}

HostReading::~HostReading() = default;

HostSetup HostReading::collect() {
  HostSetup setup;
  for (std::size_t i = 0; i < inquiries_.size(); ++i) {
    auto reply = inquiries_[i]->reply();
    if (reply.bytes)
      take(setup, host_setup_from_cbor(*reply.bytes), parts[i]);
    else
      note_silence(setup, sources_, std::move(reply.fault), parts[i]);
  }
  setup.environment = sources_.environment;
  return setup;
}

std::string mounted_at(SystemFiles const& files, std::string const& path) {
  std::error_code error;
  auto const place = fs::absolute(path, error).lexically_normal().string();
  auto const table = files.text("/proc/self/mountinfo");
  if (error || !table.value) return {};
  std::size_t longest = 0;
  std::string found;
  for (auto const line : lines_of(*table.value)) { // "36 35 98:0 / /data rw,noatime - nfs4 fs1:/export rw"
    auto const words = words_of(line);
    auto const dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || words.end() - dash < 3) continue;
    auto const at = words[4];
    bool const above = at == "/" || (place.starts_with(at) && (place.size() == at.size() || place[at.size()] == '/'));
    if (!above || at.size() < longest) continue; // of two at one place the later one covers the other
    longest = at.size();
    found = fmt::format("{} of {}", dash[1], dash[2]);
  }
  return found;
}

} // namespace maru
