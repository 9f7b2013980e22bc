// SPDX-License-Identifier: Apache-2.0
// Symbols of the program come before those of its libraries, so these stand in front of the real ones.
#include "tests/unit/cuda_cupti_fake.hpp"

#if CUPTI_API_VERSION >= 130000
#include <algorithm>
#include <cstring>
#include <cuda_runtime_api.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>
#include <dlfcn.h>
#include <utility>

namespace maru {
namespace {
FakeCupti* fake = nullptr;

template <class F> F* real(F*, char const* name) { return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name)); }
} // namespace

FakeCupti::FakeCupti() { fake = this; }
FakeCupti::~FakeCupti() { fake = nullptr; }
FakeCupti* FakeCupti::current() { return fake; }

void FakeCupti::launch(std::uint64_t start, std::uint64_t end) {
  if (!enabled.contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)) return;
  CUpti_ActivityKernel10 kernel{};
  kernel.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
  kernel.start = start;
  kernel.end = end;
  kernel.name = "kernel";
  if (buffer_ && used_ + sizeof(kernel) > size_) complete_buffer();
  if (!buffer_) {
    std::size_t records = 1;
    request(&buffer_, &size_, &records);
    used_ = 0;
    if (buffer_) buffers.insert(buffer_);
    if (buffer_) dirty += std::any_of(buffer_, buffer_ + size_, [](auto byte) { return byte != 0; }) || records != 0;
    if (!buffer_) {
      ++refused;
      ++dropped;
      return;
    }
  }
  std::memcpy(buffer_ + used_, &kernel, sizeof(kernel));
  used_ += sizeof(kernel);
}

void FakeCupti::complete_buffer() {
  if (!buffer_) return;
  auto* const full = buffer_;
  buffer_ = nullptr;
  complete(nullptr, 0, full, size_, used_);
}

CUptiResult FakeCupti::answer(std::string const& call) {
  calls.push_back(call);
  auto const planted = plant.find(call);
  if (planted == plant.end()) return CUPTI_SUCCESS;
  auto const result = planted->second;
  plant.erase(planted);
  return result;
}

} // namespace maru

using maru::fake;

#define PASS_ON(function, ...)                                                                                         \
  if (!fake) return maru::real(function, #function)(__VA_ARGS__)
#define ANSWER(call)                                                                                                   \
  if (auto const status = fake->answer(call); status != CUPTI_SUCCESS) return status

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  PASS_ON(cudaGetDeviceCount, count);
  if (fake->devices < 0) return cudaErrorInsufficientDriver;
  *count = fake->devices;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  PASS_ON(cudaGetLastError);
  fake->answer("last error");
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  PASS_ON(cudaGetDevice, device);
  *device = fake->device;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  PASS_ON(cudaDeviceSynchronize);
  fake->answer("synchronize");
  return cudaSuccess;
}

CUptiResult cuptiGetVersion(std::uint32_t* version) {
  PASS_ON(cuptiGetVersion, version);
  *version = fake->api;
  return CUPTI_SUCCESS;
}
CUptiResult cuptiGetTimestamp(std::uint64_t* now) {
  PASS_ON(cuptiGetTimestamp, now);
  *now = fake->now;
  fake->now += 1000;
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivitySetAttribute(CUpti_ActivityAttribute attribute, std::size_t* size, void* value) {
  PASS_ON(cuptiActivitySetAttribute, attribute, size, value);
  ANSWER("attribute");
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc request,
                                           CUpti_BuffersCallbackCompleteFunc complete) {
  PASS_ON(cuptiActivityRegisterCallbacks, request, complete);
  ANSWER("register");
  fake->request = request;
  fake->complete = complete;
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind) {
  PASS_ON(cuptiActivityEnable, kind);
  ANSWER("enable " + std::to_string(kind));
  fake->enabled.insert(kind);
  fake->ever_enabled.insert(kind);
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityDisable(CUpti_ActivityKind kind) {
  PASS_ON(cuptiActivityDisable, kind);
  ANSWER("disable");
  fake->enabled.erase(kind);
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityFlushAll(std::uint32_t flag) {
  PASS_ON(cuptiActivityFlushAll, flag);
  fake->flush_flag = flag;
  if (flag == CUPTI_ACTIVITY_FLAG_FLUSH_FORCED) fake->complete_buffer();
  ANSWER("flush");
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityGetNumDroppedRecords(CUcontext context, std::uint32_t stream, std::size_t* dropped) {
  PASS_ON(cuptiActivityGetNumDroppedRecords, context, stream, dropped);
  *dropped = std::exchange(fake->dropped, 0);
  ANSWER("dropped");
  return CUPTI_SUCCESS;
}

CUptiResult cuptiProfilerInitialize(CUpti_Profiler_Initialize_Params* p) {
  PASS_ON(cuptiProfilerInitialize, p);
  return fake->answer("initialize");
}
CUptiResult cuptiDeviceGetChipName(CUpti_Device_GetChipName_Params* p) {
  PASS_ON(cuptiDeviceGetChipName, p);
  p->pChipName = fake->chip.c_str();
  return fake->answer("chip " + std::to_string(p->deviceIndex));
}
/// An empty image: CUPTI then chooses among all that it knows of the chip.
CUptiResult cuptiPmSamplingGetCounterAvailability(CUpti_PmSampling_GetCounterAvailability_Params* p) {
  PASS_ON(cuptiPmSamplingGetCounterAvailability, p);
  p->counterAvailabilityImageSize = 0;
  return fake->answer("availability");
}
CUptiResult cuptiPmSamplingEnable(CUpti_PmSampling_Enable_Params* p) {
  PASS_ON(cuptiPmSamplingEnable, p);
  ANSWER("pm enable");
  if (fake->sampling) return CUPTI_ERROR_INVALID_OPERATION;
  fake->sampling = true;
  p->pPmSamplingObject = reinterpret_cast<CUpti_PmSampling_Object*>(fake);
  return CUPTI_SUCCESS;
}
CUptiResult cuptiPmSamplingDisable(CUpti_PmSampling_Disable_Params* p) {
  PASS_ON(cuptiPmSamplingDisable, p);
  ANSWER("pm disable");
  if (!fake->sampling || fake->started) return CUPTI_ERROR_INVALID_OPERATION;
  fake->sampling = false;
  return CUPTI_SUCCESS;
}
CUptiResult cuptiPmSamplingSetConfig(CUpti_PmSampling_SetConfig_Params* p) {
  PASS_ON(cuptiPmSamplingSetConfig, p);
  fake->config = *p;
  return fake->answer("config");
}
CUptiResult cuptiPmSamplingGetCounterDataSize(CUpti_PmSampling_GetCounterDataSize_Params* p) {
  PASS_ON(cuptiPmSamplingGetCounterDataSize, p);
  fake->metrics.assign(p->pMetricNames, p->pMetricNames + p->numMetrics);
  p->counterDataSize = 64;
  return fake->answer("size");
}
CUptiResult cuptiPmSamplingCounterDataImageInitialize(CUpti_PmSampling_CounterDataImage_Initialize_Params* p) {
  PASS_ON(cuptiPmSamplingCounterDataImageInitialize, p);
  return fake->answer("image");
}
CUptiResult cuptiPmSamplingStart(CUpti_PmSampling_Start_Params* p) {
  PASS_ON(cuptiPmSamplingStart, p);
  ANSWER("start");
  fake->started = true;
  return CUPTI_SUCCESS;
}
CUptiResult cuptiPmSamplingStop(CUpti_PmSampling_Stop_Params* p) {
  PASS_ON(cuptiPmSamplingStop, p);
  fake->started = false;
  ANSWER("stop");
  return CUPTI_SUCCESS;
}
CUptiResult cuptiPmSamplingDecodeData(CUpti_PmSampling_DecodeData_Params* p) {
  PASS_ON(cuptiPmSamplingDecodeData, p);
  p->decodeStopReason = fake->stop_reason;
  p->overflow = 0;
  return fake->answer("decode");
}
CUptiResult cuptiPmSamplingGetCounterDataInfo(CUpti_PmSampling_GetCounterDataInfo_Params* p) {
  PASS_ON(cuptiPmSamplingGetCounterDataInfo, p);
  p->numTotalSamples = 4096;
  p->numPopulatedSamples = fake->samples.size() + 1; // one is still being written
  p->numCompletedSamples = fake->samples.size();
  return fake->answer("info");
}
CUptiResult cuptiPmSamplingCounterDataGetSampleInfo(CUpti_PmSampling_CounterData_GetSampleInfo_Params* p) {
  PASS_ON(cuptiPmSamplingCounterDataGetSampleInfo, p);
  p->startTimestamp = fake->samples.at(p->sampleIndex).start;
  p->endTimestamp = fake->samples.at(p->sampleIndex).end;
  return fake->answer("sample");
}
CUptiResult cuptiProfilerHostEvaluateToGpuValues(CUpti_Profiler_Host_EvaluateToGpuValues_Params* p) {
  PASS_ON(cuptiProfilerHostEvaluateToGpuValues, p);
  auto const& values = fake->samples.at(p->rangeIndex).values;
  std::copy_n(values.begin(), p->numMetrics, p->pMetricValues);
  return fake->answer("evaluate");
}
}
#endif
