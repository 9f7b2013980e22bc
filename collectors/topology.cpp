// SPDX-License-Identifier: Apache-2.0
#include "collectors/topology.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <hwloc.h>
#include <memory>
#include <sys/utsname.h>
#include <unistd.h>

namespace maru {
namespace {

struct HwlocApi {
  static bool ok(int status) { return status >= 0; }
  static std::string text(int) { return std::strerror(errno); }
};

class Machine {
public:
  Machine() {
    MARU_CHECK(HwlocApi, hwloc_topology_init(&topology_));
    MARU_CHECK(HwlocApi, hwloc_topology_load(topology_));
  }
  ~Machine() { hwloc_topology_destroy(topology_); }
  Machine(Machine const&) = delete;
  Machine& operator=(Machine const&) = delete;
  hwloc_topology_t get() const { return topology_; }

private:
  hwloc_topology_t topology_{};
};

using Bitmap = std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)>;

std::string list(hwloc_const_bitmap_t set) {
  char* text = nullptr;
  MARU_CHECK(HwlocApi, hwloc_bitmap_list_asprintf(&text, set));
  std::unique_ptr<char, decltype(&std::free)> const owner(text, &std::free);
  return text;
}

std::int64_t count(hwloc_topology_t topology, hwloc_const_bitmap_t set, hwloc_obj_type_t type) {
  return std::max(0, hwloc_get_nbobjs_inside_cpuset_by_type(topology, set, type));
}

std::int64_t last_caches(hwloc_topology_t topology) {
  for (auto const type : {HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L1CACHE}) {
    std::int64_t bytes = 0;
    for (hwloc_obj_t cache = nullptr; (cache = hwloc_get_next_obj_by_type(topology, type, cache));)
      bytes += static_cast<std::int64_t>(cache->attr->cache.size);
    if (bytes > 0) return bytes;
  }
  return 0;
}

std::string cpu_model(hwloc_topology_t topology) {
  for (auto const type : {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_MACHINE})
    if (auto const object = hwloc_get_obj_by_type(topology, type, 0))
      if (char const* model = hwloc_obj_get_info_by_name(object, "CPUModel")) return model;
  return "unknown";
}

} // namespace

HostInfo name_host() {
  utsname system{};
  ::uname(&system);
  HostInfo host;
  host.name = system.nodename;
  host.kernel = std::string(system.sysname) + " " + system.release;
  return host;
}

Topology read_topology() {
  Machine const machine;
  auto const topology = machine.get();
  auto const whole = hwloc_topology_get_topology_cpuset(topology);
  Bitmap const mine(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
  MARU_CHECK(HwlocApi, hwloc_get_cpubind(topology, mine.get(), HWLOC_CPUBIND_PROCESS));
  hwloc_bitmap_and(mine.get(), mine.get(), whole);

  Topology result;
  result.cpus = list(mine.get());
  result.usable_cpus = list(whole);
  result.cores = std::max<std::int64_t>(1, count(topology, mine.get(), HWLOC_OBJ_CORE));
  auto& host = result.host;
  host = name_host();
  host.cpu = cpu_model(topology);
  host.cores = count(topology, whole, HWLOC_OBJ_CORE);
  host.processing_units = count(topology, whole, HWLOC_OBJ_PU);
  host.numa_nodes = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE));
  host.last_cache_bytes = last_caches(topology);
  host.memory_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  return result;
}

} // namespace maru
