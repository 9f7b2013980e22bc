// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/nvml_judge.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace maru {

namespace nvml {
struct DeviceOpaque;
struct Functions;
} // namespace nvml

/// How a device is named to NVML.
struct DeviceAddress {
  std::string uuid; ///< "GPU-…"
  std::string bus;  ///< "0000:3b:00.0"; used where the UUID is not known to NVML, as with instances of a divided device
};

/// The device that this process computes with, in the CUDA runtime's words. Throws Error(incomplete).
DeviceAddress cuda_device_in_use();

/// One device, by the driver's management library. Cheap to copy; keeps the library open.
class NvmlDevice {
public:
  std::string const& uuid() const { return uuid_; }
  std::string driver() const; ///< version, "580.159.04"; empty when it is not told

  /// What changes with the load. `time` is left 0.
  NvmlReading read() const;
  NvmlState state() const;

  /// For collectors that need more of NVML than this class knows.
  nvml::Functions const& functions() const { return *functions_; }
  nvml::DeviceOpaque* handle() const { return handle_; }
  /// In NVML's words: "Insufficient Permissions (4)".
  std::string text(int status) const;

private:
  friend class Nvml;
  std::shared_ptr<nvml::Functions const> functions_;
  nvml::DeviceOpaque* handle_ = nullptr;
  std::string uuid_;
};

/// NVML, opened at run time: neither its header nor a driver is needed to build or to start. Every function but
/// the first two is optional, for an old driver lacks some: what it would tell is then absent.
class Nvml {
public:
  static constexpr char const* default_library = "libnvidia-ml.so.1";

  /// Throws Error(incomplete) in the linker's or NVML's own words.
  explicit Nvml(std::string const& library = default_library);

  /// Throws Error(incomplete) when neither name is known.
  NvmlDevice device(DeviceAddress const& address) const;
  std::string driver() const;
  std::string version() const; ///< of NVML itself, "13.580.159.04"

private:
  std::shared_ptr<nvml::Functions const> functions_;
};

} // namespace maru
