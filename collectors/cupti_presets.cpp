// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_presets.hpp"

#include "collectors/cupti_api.hpp"

#include <array>
#include <fmt/format.h>
#include <utility>

#if __has_include(<cupti_profiler_host.h>)
#include <cupti_profiler_host.h>
#include <dlfcn.h>
#define MARU_HAS_PROFILER_HOST 1
#else
#define MARU_HAS_PROFILER_HOST 0
#endif

namespace maru {

#if MARU_HAS_PROFILER_HOST
namespace {

constexpr double per_cent = 1e-2;

/// One thing wanted, and the names that it goes by on different chips.
struct Wanted {
  std::array<char const*, 2> names;
  std::optional<double> Utilisation::*field;
  double unit;
};

/// Dearest first. Received and transmitted are meant from the device's side: reads over PCIe are what it receives (as
/// DCGM's PCIE_RX_BYTES has it).
constexpr std::array<Wanted, 7> wanted{{
    {{"sm__cycles_active.avg.pct_of_peak_sustained_elapsed"}, &Utilisation::sm_active, per_cent},
    {{"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"}, &Utilisation::tensor_active, per_cent},
    {{"dram__throughput.avg.pct_of_peak_sustained_elapsed"}, &Utilisation::dram_active, per_cent},
    {{"nvlrx__bytes.sum.per_second"}, &Utilisation::nvlink_receive, 1},
    {{"nvltx__bytes.sum.per_second"}, &Utilisation::nvlink_transmit, 1},
    {{"pcie__read_bytes.sum.per_second", "PCI.TriageCompute.pcie__read_bytes.sum.per_second"},
     &Utilisation::pcie_receive,
     1},
    {{"pcie__write_bytes.sum.per_second", "PCI.TriageCompute.pcie__write_bytes.sum.per_second"},
     &Utilisation::pcie_transmit,
     1},
}};

/// libcupti loads this one by its bare name and so does not see it where it lies beside libcupti but not on the
/// linker's path. Once loaded it is found by its name.
void load_host_library() {
  static bool const once = [] {
    Dl_info info{};
    if (!dladdr(reinterpret_cast<void*>(&cuptiProfilerHostInitialize), &info) || !info.dli_fname) return false;
    std::string const path = info.dli_fname;
    auto const slash = path.rfind('/');
    if (slash == path.npos) return false;
    return dlopen((path.substr(0, slash) + "/libnvperf_host.so").c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr;
  }();
  static_cast<void>(once); // where it fails, libcupti's own attempt says so
}

} // namespace

PmHost::PmHost(std::string const& chip, std::span<std::uint8_t const> availability) {
  load_host_library();
  CUpti_Profiler_Host_Initialize_Params p{};
  p.structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE;
  p.profilerType = CUPTI_PROFILER_TYPE_PM_SAMPLING;
  p.pChipName = chip.c_str();
  p.pCounterAvailabilityImage = availability.empty() ? nullptr : availability.data();
  auto const call = fmt::format("cuptiProfilerHostInitialize for chip {}", chip);
  check_call<CuptiApi>(cuptiProfilerHostInitialize(&p), call.c_str(), __FILE__, __LINE__);
  object_ = p.pHostObject;
}

PmHost::~PmHost() {
  CUpti_Profiler_Host_Deinitialize_Params p{};
  p.structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE;
  p.pHostObject = object_;
  cuptiProfilerHostDeinitialize(&p);
}

bool PmHost::add(std::span<char const* const> metrics) {
  std::vector<char const*> names(metrics.begin(), metrics.end());
  CUpti_Profiler_Host_ConfigAddMetrics_Params p{};
  p.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
  p.pHostObject = object_;
  p.ppMetricNames = names.data();
  p.numMetrics = names.size();
  return CuptiApi::ok(cuptiProfilerHostConfigAddMetrics(&p)); // the header's and the library's errors differ
}

std::vector<std::uint8_t> PmHost::config() const {
  CUpti_Profiler_Host_GetConfigImageSize_Params size{};
  size.structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE;
  size.pHostObject = object_;
  MARU_CHECK(CuptiApi, cuptiProfilerHostGetConfigImageSize(&size));
  std::vector<std::uint8_t> image(size.configImageSize);
  CUpti_Profiler_Host_GetConfigImage_Params p{};
  p.structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE;
  p.pHostObject = object_;
  p.configImageSize = image.size();
  p.pConfigImage = image.data();
  MARU_CHECK(CuptiApi, cuptiProfilerHostGetConfigImage(&p));
  return image;
}

std::size_t PmHost::passes(std::vector<std::uint8_t>& config) {
  CUpti_Profiler_Host_GetNumOfPasses_Params p{};
  p.structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE;
  p.configImageSize = config.size();
  p.pConfigImage = config.data();
  MARU_CHECK(CuptiApi, cuptiProfilerHostGetNumOfPasses(&p));
  return p.numOfPasses;
}

std::size_t pm_passes(std::string const& chip, std::span<char const* const> metrics,
                      std::span<std::uint8_t const> availability) {
  PmHost host(chip, availability);
  if (!host.add(metrics)) return 0;
  auto config = host.config();
  return PmHost::passes(config);
}

PmPreset::PmPreset(std::string chip, std::vector<std::uint8_t> availability)
    : chip_(std::move(chip)), availability_(std::move(availability)) {
  auto const choose = [&](Wanted const& want) {
    for (auto const* name : want.names) {
      if (!name) continue;
      auto tried = names();
      tried.push_back(name);
      if (pm_passes(chip_, tried, availability_) == 1) {
        metrics_.push_back({name, want.field, want.unit});
        return;
      }
    }
    absent_.emplace_back(want.names.front());
  };
  for (auto const& want : wanted) choose(want);
  if (metrics_.empty())
    throw Error(Exit::incomplete, fmt::format("chip {} has none of the metrics in one pass", chip_));
  host_.emplace(chip_, availability_);
  if (!host_->add(names())) throw Error(Exit::incomplete, fmt::format("chip {} takes no metrics", chip_));
  config_ = host_->config();
  passes_ = PmHost::passes(config_);
}

std::vector<double> PmPreset::evaluate(std::span<std::uint8_t const> image, std::size_t sample) const {
  auto metric_names = names();
  std::vector<double> values(metric_names.size());
  CUpti_Profiler_Host_EvaluateToGpuValues_Params p{};
  p.structSize = CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE;
  p.pHostObject = host_->object();
  p.pCounterDataImage = image.data();
  p.counterDataImageSize = image.size();
  p.rangeIndex = sample;
  p.ppMetricNames = metric_names.data();
  p.numMetrics = metric_names.size();
  p.pMetricValues = values.data();
  MARU_CHECK(CuptiApi, cuptiProfilerHostEvaluateToGpuValues(&p));
  return values;
}

#else

namespace {
[[noreturn]] void refuse() {
  throw Error(Exit::incomplete, "built with a CUDA toolkit before 12.6, whose CUPTI samples no counters");
}
} // namespace

PmHost::PmHost(std::string const&, std::span<std::uint8_t const>) { refuse(); }
PmHost::~PmHost() = default;
bool PmHost::add(std::span<char const* const>) { refuse(); }
std::vector<std::uint8_t> PmHost::config() const { refuse(); }
std::size_t PmHost::passes(std::vector<std::uint8_t>&) { refuse(); }
PmPreset::PmPreset(std::string, std::vector<std::uint8_t>) { refuse(); }
std::vector<double> PmPreset::evaluate(std::span<std::uint8_t const>, std::size_t) const { refuse(); }
std::size_t pm_passes(std::string const&, std::span<char const* const>, std::span<std::uint8_t const>) { refuse(); }

#endif

std::vector<char const*> PmPreset::names() const {
  std::vector<char const*> names;
  for (auto const& metric : metrics_) names.push_back(metric.name.c_str());
  return names;
}

} // namespace maru
