// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml.hpp"

#include "collectors/nvml_abi.hpp"
#include "core/error.hpp"

#include <array>
#include <dlfcn.h>
#include <fmt/format.h>

namespace maru {
namespace {

using nvml::Functions;

/// A bound for a driver that never refuses a link's number; no device has as many.
constexpr unsigned most_links = 64;

template <class F> void load(void* handle, F& function, std::initializer_list<char const*> names) {
  for (auto const* name : names)
    if (!function) function = reinterpret_cast<F>(::dlsym(handle, name));
}

/// Newest names first; each older name that is listed does the same for what we ask.
Functions load_all(void* handle) {
  Functions f;
  load(handle, f.init, {"nvmlInit_v2"});
  load(handle, f.shutdown, {"nvmlShutdown"});
  load(handle, f.error_string, {"nvmlErrorString"});
  load(handle, f.driver_version, {"nvmlSystemGetDriverVersion"});
  load(handle, f.nvml_version, {"nvmlSystemGetNVMLVersion"});
  load(handle, f.by_uuid, {"nvmlDeviceGetHandleByUUID"});
  load(handle, f.by_bus, {"nvmlDeviceGetHandleByPciBusId_v2", "nvmlDeviceGetHandleByPciBusId"});
  load(handle, f.uuid, {"nvmlDeviceGetUUID"});
  load(handle, f.clock, {"nvmlDeviceGetClockInfo"});
  load(handle, f.max_clock, {"nvmlDeviceGetMaxClockInfo"});
  load(handle, f.field_values, {"nvmlDeviceGetFieldValues"});
  load(handle, f.power, {"nvmlDeviceGetPowerUsage"});
  load(handle, f.power_limit, {"nvmlDeviceGetEnforcedPowerLimit"});
  load(handle, f.energy, {"nvmlDeviceGetTotalEnergyConsumption"});
  load(handle, f.temperature, {"nvmlDeviceGetTemperature"});
  load(handle, f.temperature_v, {"nvmlDeviceGetTemperatureV"});
  load(handle, f.clock_reasons,
       {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  load(handle, f.utilization, {"nvmlDeviceGetUtilizationRates"});
  load(handle, f.ecc_errors, {"nvmlDeviceGetTotalEccErrors"});
  load(handle, f.remapped_rows, {"nvmlDeviceGetRemappedRows"});
  load(handle, f.pcie_width, {"nvmlDeviceGetCurrPcieLinkWidth"});
  load(handle, f.pcie_generation, {"nvmlDeviceGetCurrPcieLinkGeneration"});
  load(handle, f.max_pcie_width, {"nvmlDeviceGetMaxPcieLinkWidth"});
  load(handle, f.max_pcie_generation, {"nvmlDeviceGetMaxPcieLinkGeneration"});
  load(handle, f.nvlink_state, {"nvmlDeviceGetNvLinkState"});
  load(handle, f.processes,
       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2",
        "nvmlDeviceGetComputeRunningProcesses"});
  load(handle, f.mig_mode, {"nvmlDeviceGetMigMode"});
  load(handle, f.gpm_support, {"nvmlGpmQueryDeviceSupport"});
  load(handle, f.gpm_alloc, {"nvmlGpmSampleAlloc"});
  load(handle, f.gpm_free, {"nvmlGpmSampleFree"});
  load(handle, f.gpm_get, {"nvmlGpmSampleGet"});
  load(handle, f.gpm_metrics, {"nvmlGpmMetricsGet"});
  return f;
}

std::string text_of(Functions const& f, nvml::Status status) {
  char const* text = f.error_string ? f.error_string(status) : nullptr;
  return fmt::format("{} ({})", text ? text : "NVML error", status);
}

/// What a call returns through its last argument; absent when the function is, or when it fails.
template <class Out, class F, class... In> std::optional<Out> ask(F function, In... in) {
  Out out{};
  if (!function || function(in..., &out) != nvml::success) return std::nullopt;
  return out;
}

template <class To, class From> std::optional<To> scaled(std::optional<From> const& value, double factor) {
  if (!value) return std::nullopt;
  return static_cast<To>(static_cast<double>(*value) * factor);
}
std::optional<double> hertz(std::optional<unsigned> const& megahertz) { return scaled<double>(megahertz, 1e6); }
std::optional<std::int64_t> whole(std::optional<unsigned> const& value) { return value; }

std::string string_of(nvml::Status (*function)(char*, unsigned)) {
  std::array<char, nvml::text_bytes> text{};
  if (!function || function(text.data(), nvml::text_bytes) != nvml::success) return {};
  text.back() = '\0';
  return text.data();
}

/// Watts of this moment; where the driver lacks the field, the plain call, which is a mean over 1 s on Ampere and
/// later.
std::optional<double> power(Functions const& f, nvml::Device device) {
  nvml::FieldValue field;
  field.field = nvml::field_power_instant;
  if (f.field_values && f.field_values(device, 1, &field) == nvml::success && field.status == nvml::success) {
    if (field.type == nvml::ValueType::u32) return field.value.u32 * 1e-3;
    if (field.type == nvml::ValueType::u64) return static_cast<double>(field.value.u64) * 1e-3;
  }
  return scaled<double>(ask<unsigned>(f.power, device), 1e-3);
}

std::optional<double> temperature(Functions const& f, nvml::Device device) {
  nvml::Temperature query;
  query.version = nvml::temperature_version;
  if (f.temperature_v && f.temperature_v(device, &query) == nvml::success) return query.celsius;
  return scaled<double>(ask<unsigned>(f.temperature, device, nvml::sensor_die), 1);
}

std::vector<bool> nvlinks(Functions const& f, nvml::Device device) {
  std::vector<bool> links;
  for (unsigned link = 0; f.nvlink_state && link < most_links; ++link) {
    int up = 0;
    auto const status = f.nvlink_state(device, link, &up);
    if (status == nvml::invalid_argument) break; // past the last
    if (status == nvml::success) links.push_back(up != 0);
  }
  return links;
}

std::optional<RemappedRows> remapped(Functions const& f, nvml::Device device) {
  unsigned corrected = 0, uncorrected = 0, pending = 0, failed = 0;
  if (!f.remapped_rows || f.remapped_rows(device, &corrected, &uncorrected, &pending, &failed) != nvml::success)
    return std::nullopt;
  return RemappedRows{corrected, uncorrected, pending != 0, failed != 0};
}

std::optional<std::int64_t> processes(Functions const& f, nvml::Device device) {
  unsigned count = 0;
  if (!f.processes) return std::nullopt;
  auto const status = f.processes(device, &count, nullptr);
  if (status != nvml::success && status != nvml::insufficient_size) return std::nullopt;
  return count;
}

} // namespace

Nvml::Nvml(std::string const& library) {
  std::shared_ptr<void> const handle(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL), [](void* h) {
    if (h) ::dlclose(h);
  });
  if (!handle) throw Error(Exit::incomplete, fmt::format("NVML: {}", ::dlerror()));
  auto const f = load_all(handle.get());
  if (!f.init || !f.shutdown) throw Error(Exit::incomplete, fmt::format("NVML: {} has no nvmlInit_v2", library));
  if (auto const status = f.init(); status != nvml::success)
    fail_call("nvmlInit_v2", text_of(f, status), __FILE__, __LINE__);
  // The library must outlive the last copy of a device, and be shut down before it is closed.
  functions_ = std::shared_ptr<Functions const>(new Functions(f), [handle](Functions const* loaded) {
    loaded->shutdown();
    delete loaded;
  });
}

NvmlDevice Nvml::device(DeviceAddress const& address) const {
  auto const& f = *functions_;
  NvmlDevice result;
  result.functions_ = functions_;
  result.uuid_ = address.uuid;
  nvml::Status status = nvml::not_supported;
  if (f.by_uuid && !address.uuid.empty()) status = f.by_uuid(address.uuid.c_str(), &result.handle_);
  if (status != nvml::success && f.by_bus && !address.bus.empty())
    status = f.by_bus(address.bus.c_str(), &result.handle_);
  if (status != nvml::success)
    throw Error(Exit::incomplete,
                fmt::format("NVML knows neither {} nor {}: {}", address.uuid, address.bus, text_of(f, status)));
  return result;
}

std::string Nvml::driver() const { return string_of(functions_->driver_version); }
std::string Nvml::version() const { return string_of(functions_->nvml_version); }

std::string NvmlDevice::driver() const { return string_of(functions_->driver_version); }
std::string NvmlDevice::text(int status) const { return text_of(*functions_, status); }

NvmlReading NvmlDevice::read() const {
  auto const& f = *functions_;
  NvmlReading result;
  result.sm_clock = hertz(ask<unsigned>(f.clock, handle_, nvml::clock_sm));
  result.memory_clock = hertz(ask<unsigned>(f.clock, handle_, nvml::clock_memory));
  result.power = power(f, handle_);
  result.energy = scaled<double>(ask<unsigned long long>(f.energy, handle_), 1e-3);
  result.temperature = temperature(f, handle_);
  result.reasons = ask<unsigned long long>(f.clock_reasons, handle_);
  if (auto const part = ask<nvml::Utilization>(f.utilization, handle_)) {
    result.kernels_ran = part->gpu * 1e-2;
    result.memory_accessed = part->memory * 1e-2;
  }
  return result;
}

NvmlState NvmlDevice::state() const {
  auto const& f = *functions_;
  NvmlState result;
  using Count = unsigned long long;
  result.ecc_corrected = ask<Count>(f.ecc_errors, handle_, nvml::error_corrected, nvml::counter_volatile);
  result.ecc_uncorrected = ask<Count>(f.ecc_errors, handle_, nvml::error_uncorrected, nvml::counter_volatile);
  result.rows = remapped(f, handle_);
  result.pcie_width = whole(ask<unsigned>(f.pcie_width, handle_));
  result.pcie_width_max = whole(ask<unsigned>(f.max_pcie_width, handle_));
  result.pcie_generation = whole(ask<unsigned>(f.pcie_generation, handle_));
  result.pcie_generation_max = whole(ask<unsigned>(f.max_pcie_generation, handle_));
  result.nvlinks = nvlinks(f, handle_);
  result.processes = processes(f, handle_);
  unsigned current = 0, pending = 0;
  if (f.mig_mode && f.mig_mode(handle_, &current, &pending) == nvml::success) result.divided = current != 0;
  result.sm_clock_max = hertz(ask<unsigned>(f.max_clock, handle_, nvml::clock_sm));
  result.memory_clock_max = hertz(ask<unsigned>(f.max_clock, handle_, nvml::clock_memory));
  result.power_limit = scaled<double>(ask<unsigned>(f.power_limit, handle_), 1e-3);
  return result;
}

} // namespace maru
