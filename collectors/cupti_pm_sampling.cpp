// SPDX-License-Identifier: Apache-2.0
// Never while the timed samples are taken: the driver holds the clocks at fixed values while counters are sampled
// (reported by others, pytorch/pytorch#188844; the units that count are apart from those that compute and cost them
// nothing), and on an H100 with CUDA 12.8 no activity records arrived meanwhile. Its clocks are thus not those of the
// record, and its ratios are those of the same work at the sampler's clocks.
#include "collectors/cupti_api.hpp"
#include "collectors/cupti_pm_samples.hpp"
#include "collectors/cupti_presets.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"

#include <cuda_runtime_api.h>
#include <cupti.h>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#if __has_include(<cupti_pmsampling.h>)
#include <cupti_pmsampling.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>
#define MARU_HAS_PM_SAMPLING 1
#else
#define MARU_HAS_PM_SAMPLING 0
#endif

namespace maru {
namespace {

std::string read_text(char const* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

#if MARU_HAS_PM_SAMPLING

struct RuntimeApi {
  static bool ok(cudaError_t status) { return status == cudaSuccess; }
  static std::string text(cudaError_t status) {
    return fmt::format("{}: {}", cudaGetErrorName(status), cudaGetErrorString(status));
  }
};

constexpr std::uint64_t interval = 1'000'000; // nanoseconds
/// GA100 counts the interval in cycles of a clock that varies about this.
constexpr std::uint64_t interval_cycles = 1'400'000;
/// A full image loses what follows, so it holds all of a watch: 4 s. An entry was seen to take 16 kB with 4 metrics.
constexpr std::uint32_t most_samples = 4096;
/// Seen to take 7 kB a sample with 4 metrics.
constexpr std::size_t hardware_buffer = std::size_t{64} << 20;

std::size_t device_in_use() {
  int device = 0;
  MARU_CHECK(RuntimeApi, cudaGetDevice(&device));
  return static_cast<std::size_t>(device);
}

std::uint64_t cupti_now() {
  std::uint64_t now = 0;
  MARU_CHECK(CuptiApi, cuptiGetTimestamp(&now));
  return now;
}

std::string chip_of(std::size_t device) {
  // Never undone: the calls are not counted, and undoing it under another user's feet crashes.
  CUpti_Profiler_Initialize_Params init{};
  init.structSize = CUpti_Profiler_Initialize_Params_STRUCT_SIZE;
  MARU_CHECK(CuptiApi, cuptiProfilerInitialize(&init));
  CUpti_Device_GetChipName_Params p{};
  p.structSize = CUpti_Device_GetChipName_Params_STRUCT_SIZE;
  p.deviceIndex = device;
  MARU_CHECK(CuptiApi, cuptiDeviceGetChipName(&p));
  return p.pChipName;
}

/// What may be counted on the device; fails while another session has it.
std::vector<std::uint8_t> availability_of(std::size_t device) {
  CUpti_PmSampling_GetCounterAvailability_Params p{};
  p.structSize = CUpti_PmSampling_GetCounterAvailability_Params_STRUCT_SIZE;
  p.deviceIndex = device;
  MARU_CHECK(CuptiApi, cuptiPmSamplingGetCounterAvailability(&p));
  std::vector<std::uint8_t> image(p.counterAvailabilityImageSize);
  p.pCounterAvailabilityImage = image.data();
  MARU_CHECK(CuptiApi, cuptiPmSamplingGetCounterAvailability(&p));
  return image;
}

/// Found once for each device, and never freed: CUPTI keeps pointers into it, and at the end of the process its library
/// may be gone first. Only from the thread that measures.
PmPreset const& preset_of(std::size_t device) {
  static auto& presets = *new std::map<std::size_t, std::unique_ptr<PmPreset>>;
  auto& preset = presets[device];
  if (!preset) preset = std::make_unique<PmPreset>(chip_of(device), availability_of(device));
  return *preset;
}

/// Sampling of a device, from construction on.
class Session {
public:
  Session(std::size_t device, PmPreset const& preset) : preset_(preset) {
    CUpti_PmSampling_Enable_Params p{};
    p.structSize = CUpti_PmSampling_Enable_Params_STRUCT_SIZE;
    p.deviceIndex = device;
    MARU_CHECK(CuptiApi, cuptiPmSamplingEnable(&p));
    object_ = p.pPmSamplingObject;
    try {
      configure();
      allocate_image();
      CUpti_PmSampling_Start_Params start{};
      start.structSize = CUpti_PmSampling_Start_Params_STRUCT_SIZE;
      start.pPmSamplingObject = object_;
      MARU_CHECK(CuptiApi, cuptiPmSamplingStart(&start));
      running_ = true;
    } catch (...) {
      end();
      throw;
    }
  }
  ~Session() { end(); }
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  void stop() {
    running_ = false;
    MARU_CHECK(CuptiApi, stop_call());
  }

  /// After stop(). Whether samples were lost to a full buffer is in `lost`.
  std::vector<PmSample> samples(bool& lost) {
    CUpti_PmSampling_DecodeData_Params p{};
    p.structSize = CUpti_PmSampling_DecodeData_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    p.pCounterDataImage = image_.data();
    p.counterDataImageSize = image_.size();
    MARU_CHECK(CuptiApi, cuptiPmSamplingDecodeData(&p));
    // The third reason, "other", was seen with all samples there (pytorch/kineto#1532).
    lost = p.overflow != 0 || p.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL;
    CUpti_PmSampling_GetCounterDataInfo_Params info{};
    info.structSize = CUpti_PmSampling_GetCounterDataInfo_Params_STRUCT_SIZE;
    info.pCounterDataImage = image_.data();
    info.counterDataImageSize = image_.size();
    MARU_CHECK(CuptiApi, cuptiPmSamplingGetCounterDataInfo(&info));
    std::vector<PmSample> samples;
    for (std::size_t i = 0; i < info.numCompletedSamples; ++i) samples.push_back(sample(i));
    return samples;
  }

private:
  void configure() {
    bool const cycles = preset_.chip() == "GA100" || preset_.chip().starts_with("TU");
    CUpti_PmSampling_SetConfig_Params p{};
    p.structSize = CUpti_PmSampling_SetConfig_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    p.configSize = preset_.config().size();
    p.pConfig = preset_.config().data();
    p.hardwareBufferSize = hardware_buffer;
    p.samplingInterval = cycles ? interval_cycles : interval;
    p.triggerMode =
        cycles ? CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_SYSCLK_INTERVAL : CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
    // A full buffer that keeps the oldest gives nothing at all any more. Turing has no other mode.
    p.hwBufferAppendMode = preset_.chip().starts_with("TU") ? CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_OLDEST
                                                            : CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_LATEST;
    MARU_CHECK(CuptiApi, cuptiPmSamplingSetConfig(&p));
  }

  void allocate_image() {
    auto names = preset_.names();
    CUpti_PmSampling_GetCounterDataSize_Params size{};
    size.structSize = CUpti_PmSampling_GetCounterDataSize_Params_STRUCT_SIZE;
    size.pPmSamplingObject = object_;
    size.pMetricNames = names.data();
    size.numMetrics = names.size();
    size.maxSamples = most_samples;
    MARU_CHECK(CuptiApi, cuptiPmSamplingGetCounterDataSize(&size));
    image_.resize(size.counterDataSize);
    CUpti_PmSampling_CounterDataImage_Initialize_Params p{};
    p.structSize = CUpti_PmSampling_CounterDataImage_Initialize_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    p.counterDataSize = image_.size();
    p.pCounterData = image_.data();
    MARU_CHECK(CuptiApi, cuptiPmSamplingCounterDataImageInitialize(&p));
  }

  PmSample sample(std::size_t index) const {
    CUpti_PmSampling_CounterData_GetSampleInfo_Params p{};
    p.structSize = CUpti_PmSampling_CounterData_GetSampleInfo_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    p.pCounterDataImage = image_.data();
    p.counterDataImageSize = image_.size();
    p.sampleIndex = index;
    MARU_CHECK(CuptiApi, cuptiPmSamplingCounterDataGetSampleInfo(&p));
    return {p.startTimestamp, p.endTimestamp, preset_.evaluate(image_, index)};
  }

  CUptiResult stop_call() noexcept {
    CUpti_PmSampling_Stop_Params p{};
    p.structSize = CUpti_PmSampling_Stop_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    return cuptiPmSamplingStop(&p);
  }

  void end() noexcept {
    if (running_) stop_call();
    running_ = false;
    CUpti_PmSampling_Disable_Params p{};
    p.structSize = CUpti_PmSampling_Disable_Params_STRUCT_SIZE;
    p.pPmSamplingObject = object_;
    cuptiPmSamplingDisable(&p);
  }

  PmPreset const& preset_;
  CUpti_PmSampling_Object* object_ = nullptr;
  std::vector<std::uint8_t> image_;
  bool running_ = false;
};

class PmWatch final : public Watch {
public:
  explicit PmWatch(std::size_t device)
      : preset_(preset_of(device)), session_(std::make_unique<Session>(device, preset_)), begin_(cupti_now()) {}

  void finish(Conditions& conditions) override {
    if (!session_) return;
    Utilisation seen;
    try {
      seen = measure();
    } catch (std::exception const& error) {
      seen = {};
      seen.reason = fmt::format("pm_sampling: {}", error.what());
    }
    session_.reset();
    offer_utilisation(conditions, std::move(seen));
  }

private:
  Utilisation measure() {
    auto const end = cupti_now();
    session_->stop();
    bool lost = false;
    auto const samples = session_->samples(lost);
    auto seen = summarize_samples(preset_.metrics(), samples, begin_, end);
    if (lost) seen.reason += fmt::format("{}samples were lost to a full buffer", seen.reason.empty() ? "" : "; ");
    return seen;
  }

  PmPreset const& preset_;
  std::unique_ptr<Session> session_;
  std::uint64_t begin_;
};

std::optional<Skipped> refusal() {
  preset_of(device_in_use());
  return std::nullopt;
}
std::unique_ptr<Watch> watch() {
  if (auto const reason = why_no_cuda_device(); !reason.empty()) throw Error(Exit::incomplete, reason);
  return std::make_unique<PmWatch>(device_in_use());
}

#else

std::optional<Skipped> refusal() {
  return Skipped{"built with a CUDA toolkit before 12.6, whose CUPTI samples no counters"};
}
std::unique_ptr<Watch> watch() { throw Error(Exit::incomplete, refusal()->reason); }

#endif

std::optional<Skipped> supports() {
  if (auto const reason = why_no_cuda_device(); !reason.empty()) return Skipped{reason};
  auto const forbidden = counters_forbidden(read_text("/proc/driver/nvidia/params"), read_text("/proc/self/status"));
  if (!forbidden.empty()) return Skipped{forbidden};
  try {
    return refusal();
  } catch (std::exception const& error) {
    return Skipped{error.what()};
  }
}

} // namespace

extern Collector const pm_sampling_collector;
Collector const pm_sampling_collector{
    "pm_sampling", "SM, tensor core, DRAM, NVLink and PCIe activity each millisecond, by CUPTI", supports, watch};

} // namespace maru
