// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/conditions.hpp"
#include "core/spans.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maru {

struct Skipped;

/// One accelerator, as its driver describes it to this process.
struct DeviceInfo {
  std::int64_t index = 0; ///< for Accelerators::use
  std::string model;      ///< "NVIDIA H200"
  std::string uuid;       ///< as the vendor writes it ("GPU-…")
  std::string bus;        ///< PCI address
  std::string capability; ///< "9.0"
  std::int64_t memory_bytes = 0;
  std::int64_t l2_bytes = 0;
  std::int64_t multiprocessors = 0;
  double max_clock = 0; ///< hertz; 0 when the driver does not say
};

struct DeviceList {
  std::vector<DeviceInfo> devices;
  std::string reason;  ///< why there are none, in one line
  std::string version; ///< of driver and runtime: "driver 13.0 (580.159.04), runtime 13.0"
};

/// Watches the device in use from its construction on.
class Watch {
public:
  virtual ~Watch() = default;
  /// Ends the watching and adds what was seen. Fields that others filled are left alone.
  virtual void finish(Conditions& conditions) = 0;
};

/// What can watch a device. A row of a module's table; the order of the rows is that of preference for Utilisation.
struct Collector {
  char const* name; ///< "nvml", "gpm", "pm_sampling" …
  char const* help; ///< one line for `maru list`
  /// Nothing when it can watch the device in use, otherwise why not.
  std::optional<Skipped> (*supports)();
  std::unique_ptr<Watch> (*watch)();
  /// Whether it may watch while samples are taken, since it costs them nothing that shows. The others watch some more
  /// calls afterwards.
  bool light = false;
};

/// The accelerators of one vendor, as seen by this process.
struct Accelerators {
  char const* kind; ///< "cuda": the `device` of the backends that use them
  /// Never throws, and uses nothing of a device that stays used.
  DeviceList (*list)();
  /// From here on the process computes with this device. Throws Error(incomplete).
  void (*use)(std::int64_t index);
};

} // namespace maru
