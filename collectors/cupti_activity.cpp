// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_activity.hpp"

#include "collectors/cupti_api.hpp"
#include "collectors/cupti_pool.hpp"
#include "collectors/cupti_records.hpp"

#include <array>
#include <atomic>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <utility>

namespace maru {
namespace {

constexpr std::size_t pool_buffers = 16, pool_bytes = std::size_t{4} << 20; // 300,000 kernels

/// Never KIND_KERNEL, which lets kernels run one after another only. MEMCPY2 is copies between devices, which are not
/// among MEMCPY.
constexpr std::array kinds{CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                           CUPTI_ACTIVITY_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_MEMSET, CUPTI_ACTIVITY_KIND_OVERHEAD};

/// CUPTI's callbacks are told nothing of who registered them, and it may hold buffers until the process ends.
BufferPool& pool() {
  static auto* const one =
      new BufferPool([](std::uint8_t* data, std::size_t valid) { return discard_records(data, valid); });
  return *one;
}
std::atomic<bool> tracing = false;

void CUPTIAPI buffer_requested(std::uint8_t** buffer, std::size_t* size, std::size_t* records) {
  auto const given = pool().request();
  *buffer = given.empty() ? nullptr : given.data();
  *size = given.size();
  *records = 0; // as many as fit
}

void CUPTIAPI buffer_completed(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
  pool().complete(buffer, valid);
}

/// Since the last time. No lock of ours may be held here nor around a flush: CUPTI calls back under locks of its own.
std::uint64_t dropped_by_cupti() {
  std::size_t dropped = 0;
  MARU_CHECK(CuptiApi, cuptiActivityGetNumDroppedRecords(nullptr, 0, &dropped));
  return dropped;
}

class CuptiTracer final : public Tracer {
public:
  CuptiTracer(std::size_t buffers, std::size_t bytes) : buffers_(buffers), bytes_(bytes) {}
  CuptiTracer(CuptiTracer const&) = delete;
  CuptiTracer& operator=(CuptiTracer const&) = delete;
  ~CuptiTracer() override {
    if (!started_) return;
    disable(kinds.size());
    cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    tracing = false;
  }

  void start() override {
    if (auto const reason = why_no_cuda_device(); !reason.empty()) throw Error(Exit::incomplete, reason);
    auto const api = cupti_api_version();
    if (auto const reason = why_not_trace(api); !reason.empty()) throw Error(Exit::incomplete, reason);
    if (tracing.exchange(true)) throw Error(Exit::incomplete, "CUPTI is tracing already, and can only once at a time");
    try {
      pool().open(buffers_, bytes_, api >= cupti_api_12_9);
      prepare();
      enable();
    } catch (...) {
      tracing = false;
      throw;
    }
    started_ = true;
  }

  SpanLog stop() override {
    if (!std::exchange(started_, false)) return {};
    // A record that is forced out while its kernel runs has no end and never comes again. Failures of what ran are for
    // those to report who wait for it.
    cudaDeviceSynchronize();
    auto const disabled = disable(kinds.size());
    // What is not forced stays in buffers that are not full, and so would all of a short trace.
    auto const flushed = cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    auto log = collect();
    tracing = false;
    check_call<CuptiApi>(disabled, "cuptiActivityDisable", __FILE__, __LINE__);
    check_call<CuptiApi>(flushed, "cuptiActivityFlushAll", __FILE__, __LINE__);
    log.dropped += dropped_by_cupti();
    return log;
  }

private:
  /// Anew each time: another user of CUPTI in the process may have put its own callbacks there meanwhile.
  static void prepare() {
    std::uint8_t zeroed = 1; // else CUPTI clears each buffer on the thread that launches
    std::size_t size = sizeof(zeroed);
    MARU_CHECK(CuptiApi, cuptiActivitySetAttribute(CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER, &size, &zeroed));
    MARU_CHECK(CuptiApi, cuptiActivityRegisterCallbacks(buffer_requested, buffer_completed));
    dropped_by_cupti(); // of whatever was before
  }

  static void enable() {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      auto const status = cuptiActivityEnable(kinds[i]);
      if (CuptiApi::ok(status)) continue;
      disable(i);
      auto const call = fmt::format("cuptiActivityEnable of kind {}", static_cast<int>(kinds[i]));
      check_call<CuptiApi>(status, call.c_str(), __FILE__, __LINE__);
    }
  }

  /// The first `count` kinds. All are tried; returns the first failure.
  static CUptiResult disable(std::size_t count) noexcept {
    auto result = CUPTI_SUCCESS;
    for (std::size_t i = 0; i < count; ++i)
      if (auto const status = cuptiActivityDisable(kinds[i]); result == CUPTI_SUCCESS) result = status;
    return result;
  }

  static SpanLog collect() {
    ActivityDecoder decoder;
    for (auto const& buffer : pool().take()) {
      decoder.buffer(buffer.data, buffer.valid);
      pool().give_back(buffer.data);
    }
    auto log = decoder.take();
    log.dropped += pool().lost();
    return log;
  }

  std::size_t buffers_, bytes_;
  bool started_ = false;
};

} // namespace

std::string why_not_trace(unsigned api) {
  if (api != cupti_api_13_0_ga) return {};
  return "CUPTI of CUDA 13.0 (API 130000) may deadlock when tracing ends and crash when it flushes; 13.0 Update 1 is "
         "mended";
}

std::unique_ptr<Tracer> cupti_tracer() { return cupti_tracer_with_pool(pool_buffers, pool_bytes); }

std::unique_ptr<Tracer> cupti_tracer_with_pool(std::size_t buffers, std::size_t bytes) {
  return std::make_unique<CuptiTracer>(buffers, bytes);
}

std::string cupti_version() {
  try {
    return cupti_version_text(cupti_api_version());
  } catch (Error const& error) {
    return error.what();
  }
}

} // namespace maru
