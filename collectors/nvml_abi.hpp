// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// The part of NVML's binary interface that we use, in our own words: the toolkit need not be installed, and a driver
/// may lack any of it. Facts (names, numbers, layouts) are those of NVIDIA's nvml.h from 12.2 to 13.3.
namespace maru::nvml {

using Status = int;
constexpr Status success = 0, invalid_argument = 2, not_supported = 3, no_permission = 4, insufficient_size = 7;

struct DeviceOpaque;
using Device = DeviceOpaque*;
/// A struct of one pointer in nvml.h, which both of our calling conventions pass as the pointer itself.
struct SampleOpaque;
using Sample = SampleOpaque*;

// Of nvmlClockType_t, nvmlTemperatureSensors_t, nvmlMemoryErrorType_t, nvmlEccCounterType_t.
constexpr int clock_sm = 1, clock_memory = 2, sensor_die = 0, error_corrected = 0, error_uncorrected = 1,
              counter_volatile = 0;
constexpr unsigned text_bytes = 96; ///< more than every text that we ask for may be long

struct Utilization {
  unsigned gpu = 0, memory = 0; ///< per cent of the driver's last sample period, 1/6 s to 1 s long
};
static_assert(sizeof(Utilization) == 8);

union Value {
  double f64;
  int s32;
  unsigned u32;
  unsigned long ulong;
  unsigned long long u64;
  long long s64;
};
enum class ValueType : int { f64 = 0, u32 = 1, ulong = 2, u64 = 3, s64 = 4, s32 = 5 };
constexpr unsigned field_power_instant = 186; ///< milliwatts of this moment; scope 0 is the GPU alone
struct FieldValue {
  unsigned field = 0, scope = 0;
  long long timestamp = 0, latency = 0;
  ValueType type = ValueType::f64;
  Status status = success;
  Value value{};
};
static_assert(sizeof(FieldValue) == 40 && offsetof(FieldValue, value) == 32);

/// nvmlTemperature_v1_t, which replaces the plain call from 13.0 on.
struct Temperature {
  unsigned version = 0;
  int sensor = sensor_die;
  int celsius = 0;
};
constexpr unsigned temperature_version = sizeof(Temperature) | 1U << 24;
static_assert(temperature_version == 0x0100000CU);

struct GpmMetric {
  unsigned id = 0;
  Status status = success;
  double value = 0;
  char *short_name = nullptr, *long_name = nullptr, *unit = nullptr;
};
static_assert(sizeof(GpmMetric) == 40 && offsetof(GpmMetric, value) == 8);
/// The array grew from 98 to 333 entries under the same version number, so ours is longer than any.
struct GpmQuery {
  unsigned version = 1;
  unsigned count = 0;
  Sample first = nullptr, second = nullptr;
  GpmMetric metrics[512];
};
static_assert(offsetof(GpmQuery, metrics) == 24);
struct GpmSupport {
  unsigned version = 1;
  unsigned supported = 0;
};
// nvmlGpmMetricId_t: the first in per cent, the second in MiB/s.
constexpr unsigned gpm_sm = 2, gpm_tensor = 5, gpm_dram = 10;
constexpr unsigned gpm_pcie_transmit = 20, gpm_pcie_receive = 21, gpm_nvlink_receive = 60, gpm_nvlink_transmit = 61;

/// Null where the library lacks the function.
struct Functions {
  Status (*init)() = nullptr;
  Status (*shutdown)() = nullptr;
  char const* (*error_string)(Status) = nullptr;
  Status (*driver_version)(char*, unsigned) = nullptr;
  Status (*nvml_version)(char*, unsigned) = nullptr;
  Status (*by_uuid)(char const*, Device*) = nullptr;
  Status (*by_bus)(char const*, Device*) = nullptr;
  Status (*uuid)(Device, char*, unsigned) = nullptr;
  Status (*clock)(Device, int, unsigned*) = nullptr;
  Status (*max_clock)(Device, int, unsigned*) = nullptr;
  Status (*field_values)(Device, int, FieldValue*) = nullptr;
  Status (*power)(Device, unsigned*) = nullptr;
  Status (*power_limit)(Device, unsigned*) = nullptr;
  Status (*energy)(Device, unsigned long long*) = nullptr;
  Status (*temperature)(Device, int, unsigned*) = nullptr;
  Status (*temperature_v)(Device, Temperature*) = nullptr;
  Status (*clock_reasons)(Device, unsigned long long*) = nullptr;
  Status (*utilization)(Device, Utilization*) = nullptr;
  Status (*ecc_errors)(Device, int, int, unsigned long long*) = nullptr;
  Status (*remapped_rows)(Device, unsigned*, unsigned*, unsigned*, unsigned*) = nullptr;
  Status (*pcie_width)(Device, unsigned*) = nullptr;
  Status (*pcie_generation)(Device, unsigned*) = nullptr;
  Status (*max_pcie_width)(Device, unsigned*) = nullptr;
  Status (*max_pcie_generation)(Device, unsigned*) = nullptr;
  Status (*nvlink_state)(Device, unsigned, int*) = nullptr;
  /// With a count of 0 it only counts, so the entries, whose layout has changed twice, never matter.
  Status (*processes)(Device, unsigned*, void*) = nullptr;
  Status (*mig_mode)(Device, unsigned*, unsigned*) = nullptr;
  Status (*gpm_support)(Device, GpmSupport*) = nullptr;
  Status (*gpm_alloc)(Sample*) = nullptr;
  Status (*gpm_free)(Sample) = nullptr;
  Status (*gpm_get)(Device, Sample) = nullptr;
  Status (*gpm_metrics)(GpmQuery*) = nullptr;
};

} // namespace maru::nvml
