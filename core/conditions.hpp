// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maru {

/// How busy the parts of a device were, by the best source that this machine allows. Ratios are means over the time
/// watched, 0 to 1; rates are bytes per second. Absent: the source has no such counter here.
struct Utilisation {
  std::string source; ///< "pm_sampling", "gpm" or "nvml", best first
  std::string reason; ///< why no better source; empty with the best
  std::optional<double> sm_active;
  std::optional<double> tensor_active;
  std::optional<double> dram_active;
  std::optional<double> nvlink_receive, nvlink_transmit;
  std::optional<double> pcie_receive, pcie_transmit;
  double coverage = 0; ///< part of the time watched that samples cover, 0 to 1
};

/// The state of the devices while a record was timed. Over a group's ranks: the worst of each, the sum of powers.
struct Conditions {
  std::string source;                     ///< "NVML 13.580.159.04" …
  std::int64_t devices = 0;               ///< merged
  std::uint64_t readings = 0;             ///< fewest of a device
  std::optional<double> sm_clock;         ///< hertz, mean; of the slowest device
  std::optional<double> sm_clock_min;     ///< hertz, lowest reading
  std::optional<double> sm_clock_max;     ///< hertz, highest reading
  std::optional<double> memory_clock;     ///< hertz, mean
  std::optional<double> power;            ///< watts, mean, all devices together
  std::optional<double> energy_per_call;  ///< joules, all devices together; only where calls fill the time watched
  std::optional<double> temperature;      ///< degrees Celsius, highest
  std::optional<std::int64_t> pcie_width; ///< lanes in use, fewest
  std::optional<std::int64_t> nvlinks;    ///< links up, fewest
  std::vector<std::string> throttle; ///< reasons the driver gave for lowered clocks: "sw_power_cap", "hw_thermal" …
  std::vector<std::string> invalid;  ///< "throttled", "clock_changed", "contended", "ecc"; empty when valid
  std::string detail;                ///< of the first invalid: which device, which reading
  std::optional<Utilisation> utilisation;
};

/// Of two sets of devices together; associative. One of no devices counts for nothing.
Conditions merge(Conditions const& a, Conditions const& b);

} // namespace maru
