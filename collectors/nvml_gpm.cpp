// SPDX-License-Identifier: Apache-2.0
#include "collectors/nvml_gpm.hpp"

#include "collectors/nvml_abi.hpp"
#include "collectors/nvml_watch.hpp"
#include "core/error.hpp"

#include <array>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace maru {
namespace {

using Clock = std::chrono::steady_clock;

/// Two samples nearer than this give no metrics (NVIDIA's word for the least distance).
constexpr double shortest = 0.1;

/// Between two samples, which are owned here. Throws Error(incomplete) in NVML's words.
class GpmPair {
public:
  explicit GpmPair(NvmlDevice device) : device_(std::move(device)) {
    auto const& f = device_.functions();
    for (auto& sample : samples_)
      if (auto const status = f.gpm_alloc(&sample); status != nvml::success) {
        release();
        fail(status, "nvmlGpmSampleAlloc");
      }
  }
  ~GpmPair() { release(); }
  GpmPair(GpmPair const&) = delete;
  GpmPair& operator=(GpmPair const&) = delete;

  void take(std::size_t which) {
    auto const status = device_.functions().gpm_get(device_.handle(), samples_[which]);
    if (status != nvml::success) fail(status, "nvmlGpmSampleGet");
  }

  GpmValues values() const {
    constexpr std::array ids{nvml::gpm_sm,
                             nvml::gpm_tensor,
                             nvml::gpm_dram,
                             nvml::gpm_nvlink_receive,
                             nvml::gpm_nvlink_transmit,
                             nvml::gpm_pcie_receive,
                             nvml::gpm_pcie_transmit};
    auto const query = std::make_unique<nvml::GpmQuery>(); // 20 kB
    query->count = static_cast<unsigned>(ids.size());
    query->first = samples_[0];
    query->second = samples_[1];
    for (std::size_t i = 0; i < ids.size(); ++i) query->metrics[i].id = ids[i];
    if (auto const status = device_.functions().gpm_metrics(query.get()); status != nvml::success)
      fail(status, "nvmlGpmMetricsGet");
    constexpr double percent = 1e-2, mebibyte = 1024.0 * 1024.0;
    auto const value = [&](std::size_t i, double unit) -> std::optional<double> {
      auto const& metric = query->metrics[i];
      if (metric.status != nvml::success) return std::nullopt; // this counter does not exist here
      return metric.value * unit;
    };
    return {.sm_active = value(0, percent),
            .tensor_active = value(1, percent),
            .dram_active = value(2, percent),
            .nvlink_receive = value(3, mebibyte),
            .nvlink_transmit = value(4, mebibyte),
            .pcie_receive = value(5, mebibyte),
            .pcie_transmit = value(6, mebibyte)};
  }

private:
  [[noreturn]] void fail(nvml::Status status, char const* call) const {
    auto text = fmt::format("GPM: {}: {}", call, device_.text(status));
    if (status == nvml::no_permission)
      text += ", it needs CAP_SYS_ADMIN or the driver's NVreg_RestrictProfilingToAdminUsers=0";
    throw Error(Exit::incomplete, text);
  }
  void release() noexcept {
    for (auto& sample : samples_)
      if (sample) device_.functions().gpm_free(std::exchange(sample, nullptr));
  }

  NvmlDevice device_;
  std::array<nvml::Sample, 2> samples_{};
};

class GpmWatch final : public Watch {
public:
  explicit GpmWatch(NvmlDevice device) : device_(std::move(device)) {
    energy_ = device_.read().energy;
    begin_ = Clock::now();
    try {
      pair_.emplace(device_);
      pair_->take(0);
    } catch (Error const& error) {
      refused_ = error.what();
    }
  }

  void finish(Conditions& conditions) override {
    if (finished_) return;
    finished_ = true;
    Utilisation seen;
    try {
      seen = measure();
    } catch (Error const& error) {
      seen.reason = error.what();
    }
    add(conditions, seen);
  }

private:
  Utilisation measure() {
    if (!refused_.empty()) throw Error(Exit::incomplete, refused_);
    double const length = std::chrono::duration<double>(Clock::now() - begin_).count();
    // To wait for more would mix in a device at rest.
    if (length < shortest)
      throw Error(Exit::incomplete,
                  fmt::format("GPM: watched for {:.0f} ms, it needs {:.0f}", length * 1e3, shortest * 1e3));
    pair_->take(1);
    auto const values = pair_->values();
    if (!values.sm_active && !values.tensor_active && !values.dram_active)
      throw Error(Exit::incomplete, "GPM: the device has none of the counters");
    Utilisation result;
    result.source = "gpm";
    result.sm_active = values.sm_active;
    result.tensor_active = values.tensor_active;
    result.dram_active = values.dram_active;
    result.nvlink_receive = values.nvlink_receive;
    result.nvlink_transmit = values.nvlink_transmit;
    result.pcie_receive = values.pcie_receive;
    result.pcie_transmit = values.pcie_transmit;
    result.coverage = 1;
    result.reason = suspicion(values, power(length), device_.state().power_limit);
    return result;
  }

  std::optional<double> power(double length) const {
    auto const now = device_.read();
    if (energy_ && now.energy && *now.energy > *energy_) return (*now.energy - *energy_) / length;
    return now.power;
  }

  /// Better counters stay; the reason why there are none, or the lowest rung's words, go with ours.
  static void add(Conditions& conditions, Utilisation seen) {
    auto& mine = conditions.utilisation;
    if (mine && seen.source.empty()) {
      if (mine->source != "pm_sampling") mine->reason = join_reasons(seen.reason, mine->reason);
    } else if (mine && mine->source.empty()) {
      seen.reason = join_reasons(mine->reason, seen.reason);
      mine = std::move(seen);
    } else if (!mine || mine->source == "nvml") {
      mine = std::move(seen);
    }
  }

  NvmlDevice device_;
  std::optional<GpmPair> pair_;
  std::optional<double> energy_; ///< joules, when the watch began
  Clock::time_point begin_;
  std::string refused_;
  bool finished_ = false;
};

std::optional<Skipped> supports() {
  try {
    return gpm_refusal(nvml_device_in_use());
  } catch (Error const& error) {
    return Skipped{error.what()};
  }
}

std::unique_ptr<Watch> watch() { return gpm_watch(nvml_device_in_use()); }

} // namespace

std::optional<Skipped> gpm_refusal(NvmlDevice const& device) {
  auto const& f = device.functions();
  if (!f.gpm_support || !f.gpm_alloc || !f.gpm_free || !f.gpm_get || !f.gpm_metrics)
    return Skipped{"GPM: this driver's NVML has none"};
  nvml::GpmSupport support;
  if (auto const status = f.gpm_support(device.handle(), &support); status != nvml::success)
    return Skipped{"GPM: nvmlGpmQueryDeviceSupport: " + device.text(status)};
  if (support.supported == 0) return Skipped{"GPM: this device has none (Hopper and later do)"};
  if (device.state().divided.value_or(false))
    return Skipped{"GPM: the device is divided (MIG), its counters are everybody's"};
  try {
    GpmPair(device).take(0);
  } catch (Error const& error) {
    return Skipped{error.what()};
  }
  return std::nullopt;
}

std::unique_ptr<Watch> gpm_watch(NvmlDevice device) { return std::make_unique<GpmWatch>(std::move(device)); }

extern Collector const gpm_collector;
Collector const gpm_collector{
    "gpm", "SM, tensor core, DRAM, NVLink and PCIe activity, by NVML's GPM (Hopper and later)", supports, watch};

} // namespace maru
