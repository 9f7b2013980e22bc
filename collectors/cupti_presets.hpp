// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/conditions.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct CUpti_Profiler_Host_Object;

namespace maru {

/// One of CUPTI's metrics, and which field of Utilisation it fills.
struct PmMetric {
  std::string name; ///< with its roll-up
  std::optional<double> Utilisation::*field = nullptr;
  double unit = 1; ///< of the field, for one of the metric's
};

/// What CUPTI's host library needs to know of a chip to choose its metrics and to evaluate samples of them. Needs no
/// driver and no device. A handle; freed with it.
class PmHost {
public:
  /// `availability` is what the driver lets be counted on a device; it must outlive the host, as must `chip`. Empty:
  /// all that the chip has, of the chips that this library knows. Throws Error(incomplete).
  PmHost(std::string const& chip, std::span<std::uint8_t const> availability);
  ~PmHost();
  PmHost(PmHost const&) = delete;
  PmHost& operator=(PmHost const&) = delete;

  /// Whether the chip has them all.
  bool add(std::span<char const* const> metrics);
  /// How to count what was added.
  std::vector<std::uint8_t> config() const;
  static std::size_t passes(std::vector<std::uint8_t>& config);
  CUpti_Profiler_Host_Object* object() const { return object_; }

private:
  CUpti_Profiler_Host_Object* object_ = nullptr;
};

/// The metrics that a chip can count in one pass, as periodic sampling must. The first of what Utilisation wants are
/// the dearest; those that the chip lacks, or that would need a second pass, are left out.
class PmPreset {
public:
  /// Throws Error(incomplete) when the chip is unknown or has none of the metrics. Takes about 0.1 s and 120 MB the
  /// first time in a process, for the library of all chips.
  explicit PmPreset(std::string chip, std::vector<std::uint8_t> availability = {});

  std::string const& chip() const { return chip_; }
  std::span<PmMetric const> metrics() const { return metrics_; }
  std::size_t passes() const { return passes_; }
  /// Metrics that were left out.
  std::vector<std::string> const& absent() const { return absent_; }
  /// To be kept while a device samples: CUPTI remembers where it is.
  std::span<std::uint8_t const> config() const { return config_; }
  /// As the C API takes them.
  std::vector<char const*> names() const;
  /// Of one sample in a counter data image, in the order of metrics(). NaN where nothing was counted.
  std::vector<double> evaluate(std::span<std::uint8_t const> image, std::size_t sample) const;

private:
  std::string chip_;
  std::vector<std::uint8_t> availability_;
  std::vector<PmMetric> metrics_;
  std::vector<std::string> absent_;
  std::vector<std::uint8_t> config_;
  std::size_t passes_ = 0;
  std::optional<PmHost> host_;
};

/// Passes that these metrics need on a chip; 0 when it lacks one of them. Throws Error(incomplete) for unknown chips.
std::size_t pm_passes(std::string const& chip, std::span<char const* const> metrics,
                      std::span<std::uint8_t const> availability = {});

} // namespace maru
