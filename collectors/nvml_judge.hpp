// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/conditions.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// Bits of NVML's clock event reasons ("throttle reasons" before driver 535).
enum class ClockReason : std::uint64_t {
  idle = 0x1,
  applications_clocks = 0x2,
  sw_power_cap = 0x4,
  hw_slowdown = 0x8,
  sync_boost = 0x10,
  sw_thermal = 0x20,
  hw_thermal = 0x40,
  hw_power_brake = 0x80,
  display = 0x100,
};
/// Words for the bits, lowest first: "sw_power_cap" …; idle has none, for it lowers nothing that is in use.
std::vector<std::string> reason_words(std::uint64_t reasons);

/// One moment of a device. Absent: the driver or the device does not tell.
struct NvmlReading {
  double time = 0;                    ///< seconds since the watch began
  std::optional<double> sm_clock;     ///< hertz
  std::optional<double> memory_clock; ///< hertz
  std::optional<double> power;        ///< watts
  std::optional<double> energy;       ///< joules since the driver was loaded
  std::optional<double> temperature;  ///< degrees Celsius
  std::optional<std::uint64_t> reasons;
  std::optional<double> kernels_ran;     ///< part of the driver's last sample period in which some kernel ran
  std::optional<double> memory_accessed; ///< part of it in which device memory was read or written
};

struct RemappedRows {
  std::uint64_t corrected = 0, uncorrected = 0; ///< rows remapped for such errors
  bool pending = false, failed = false;
};

/// What hardly changes and costs more to ask, so it is read only when a watch begins and ends.
struct NvmlState {
  std::optional<std::uint64_t> ecc_corrected, ecc_uncorrected; ///< since the driver was loaded
  std::optional<RemappedRows> rows;
  std::optional<std::int64_t> pcie_width, pcie_width_max;           ///< lanes
  std::optional<std::int64_t> pcie_generation, pcie_generation_max; ///< falls when a device idles
  std::vector<bool> nvlinks;                                        ///< whether each link is up; empty without NVLink
  std::optional<std::int64_t> processes;                            ///< that compute on the device, ours included
  std::optional<bool> divided;                                      ///< into instances (MIG)
  std::optional<double> sm_clock_max, memory_clock_max;             ///< hertz
  std::optional<double> power_limit;                                ///< watts
};

struct NvmlLog {
  std::string driver; ///< "580.159.04"
  std::string device; ///< UUID
  std::vector<NvmlReading> readings;
  NvmlState before, after;
  /// Lowest kernels_ran that was seen before this process computed anything on the device.
  std::optional<double> busy_before;
};

/// Source, clocks, power, temperature, links, throttle words, what makes a record invalid, and, as the lowest rung,
/// Utilisation. Pure.
Conditions judge(NvmlLog const& log);

/// Takes what `seen` has and `conditions` has not; words are joined.
void add_missing(Conditions& conditions, Conditions const& seen);

/// What GPM said between two samples: ratios 0 to 1 and bytes per second.
struct GpmValues {
  std::optional<double> sm_active, tensor_active, dram_active;
  std::optional<double> nvlink_receive, nvlink_transmit, pcie_receive, pcie_transmit;
};
/// What is odd about counters at this power, in one line; empty when nothing is. A counter that stands still while the
/// device is hard at work was seen with DCGM (NVIDIA/DCGM issue 303).
std::string suspicion(GpmValues const& values, std::optional<double> power, std::optional<double> power_limit);

/// Joins one-line reasons with "; ".
std::string join_reasons(std::string const& first, std::string_view second);

} // namespace maru
