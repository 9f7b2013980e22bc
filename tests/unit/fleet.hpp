// SPDX-License-Identifier: Apache-2.0
// Reports of fleets that never were: any number of hosts, with noise and planted faults.
#pragma once

#include "core/report.hpp"
#include "core/verdict.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace maru {

struct Fleet {
  std::size_t hosts = 4;
  std::size_t ranks_per_host = 1;
  double noise = 0.01; ///< sigma of the log-normal factor on each median
  std::uint64_t seed = 1;
  bool devices = true; ///< H200, else processors
  bool gemm = true, memory = true, collectives = true;
  std::size_t gemm_sizes = 2;
  bool links = true;
  std::size_t links_full = 64;

  /// Factors on the time, by the number of the host, or of the two hosts of a link in one direction.
  std::map<std::size_t, double> slow_gemm = {}, slow_memory = {}, slow_network = {};
  std::map<std::pair<std::size_t, std::size_t>, double> slow_links = {};
};

/// "h0001" …: of a host by its number.
std::string fleet_host(std::size_t number);
/// The hosts of a verdict that are in this state, in its order.
std::vector<std::string> hosts_in(Verdict const& verdict, State state);
/// The same report for the same fleet, whatever the machine.
Report make_report(Fleet const& fleet);

} // namespace maru
