// SPDX-License-Identifier: Apache-2.0
// CUPTI's collectors on a device.
#include "collectors/cupti_activity.hpp"
#include "collectors/cupti_api.hpp"
#include "core/backend.hpp"
#include "core/device.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#if CUDART_VERSION >= 12080 // from where on the runtime loads a kernel from text
namespace maru {
extern Collector const pm_sampling_collector;

namespace {

struct RuntimeApi {
  static bool ok(cudaError_t status) { return status == cudaSuccess; }
  static std::string text(cudaError_t status) { return cudaGetErrorString(status); }
};

/// maru::test::spin(unsigned long long): one thread that waits for as many nanoseconds.
constexpr char const* spin_name = "_ZN4maru4test4spinEy";
constexpr char const* spin_text = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry _ZN4maru4test4spinEy(.param .u64 nanoseconds) {
  .reg .pred %more;
  .reg .u64 %length, %begin, %now;
  ld.param.u64 %length, [nanoseconds];
  mov.u64 %begin, %globaltimer;
wait:
  mov.u64 %now, %globaltimer;
  sub.u64 %now, %now, %begin;
  setp.lt.u64 %more, %now, %length;
  @%more bra wait;
  ret;
}
)";

class CuptiOnGpu : public testing::Test {
protected:
  void SetUp() override {
    if (auto const reason = why_no_cuda_device(); !reason.empty()) GTEST_SKIP() << reason;
    MARU_CHECK(RuntimeApi, cudaSetDevice(0));
    MARU_CHECK(RuntimeApi, cudaStreamCreate(&stream_));
    MARU_CHECK(RuntimeApi, cudaEventCreate(&begin_));
    MARU_CHECK(RuntimeApi, cudaEventCreate(&end_));
    MARU_CHECK(RuntimeApi, cudaLibraryLoadData(&library_, spin_text, nullptr, nullptr, 0, nullptr, nullptr, 0));
    MARU_CHECK(RuntimeApi, cudaLibraryGetKernel(&kernel_, library_, spin_name));
    MARU_CHECK(RuntimeApi, cudaMalloc(&memory_, bytes_));
    MARU_CHECK(RuntimeApi, cudaMallocHost(&pinned_, bytes_));
    spin(1000);
    MARU_CHECK(RuntimeApi, cudaStreamSynchronize(stream_));
  }
  void TearDown() override {
    if (!stream_) return;
    cudaFreeHost(pinned_);
    cudaFree(memory_);
    cudaLibraryUnload(library_);
    cudaEventDestroy(end_);
    cudaEventDestroy(begin_);
    cudaStreamDestroy(stream_);
  }

  void spin(unsigned long long nanoseconds) {
    std::array<void*, 1> arguments{&nanoseconds};
    MARU_CHECK(RuntimeApi, cudaLaunchKernel(kernel_, dim3(1), dim3(1), arguments.data(), 0, stream_));
  }

  /// Seconds between the events around what `work` queues.
  template <class F> double timed(F const& work) {
    MARU_CHECK(RuntimeApi, cudaEventRecord(begin_, stream_));
    work();
    MARU_CHECK(RuntimeApi, cudaEventRecord(end_, stream_));
    MARU_CHECK(RuntimeApi, cudaStreamSynchronize(stream_));
    float milliseconds = 0;
    MARU_CHECK(RuntimeApi, cudaEventElapsedTime(&milliseconds, begin_, end_));
    return static_cast<double>(milliseconds) * 1e-3;
  }

  /// A tracer that cannot start here (another profiler …) skips the test; a GPU alone does not make one possible.
  static bool start(Tracer& tracer, std::string& reason) {
    try {
      tracer.start();
      return true;
    } catch (Error const& error) {
      reason = error.what();
      return false;
    }
  }

  static std::vector<Span> of_kind(SpanLog const& log, SpanKind kind) {
    std::vector<Span> spans;
    std::copy_if(log.spans.begin(), log.spans.end(), std::back_inserter(spans),
                 [&](Span const& span) { return span.kind == kind; });
    return spans;
  }

  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  cudaLibrary_t library_ = nullptr;
  cudaKernel_t kernel_ = nullptr;
  std::size_t const bytes_ = 1 << 20;
  void *memory_ = nullptr, *pinned_ = nullptr;
};

double seconds(Span const& span) { return static_cast<double>(span.end - span.start) * 1e-9; }

std::uint64_t unix_now() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

TEST_F(CuptiOnGpu, GivesOneSpanForEachLaunchAndCopyAgainAndAgain) {
  constexpr std::size_t launches = 200;
  constexpr unsigned long long length = 20'000;
  auto const tracer = cupti_tracer();
  std::string reason;
  for (int round = 0; round < 3; ++round) {
    spin(length); // untraced
    MARU_CHECK(RuntimeApi, cudaStreamSynchronize(stream_));
    auto const earliest = unix_now();
    if (!start(*tracer, reason)) GTEST_SKIP() << reason;
    auto const elapsed = timed([&] {
      for (std::size_t i = 0; i < launches; ++i) {
        spin(length);
        MARU_CHECK(RuntimeApi, cudaMemcpyAsync(memory_, pinned_, bytes_, cudaMemcpyHostToDevice, stream_));
      }
    });
    auto const log = tracer->stop();
    auto const latest = unix_now();
    EXPECT_EQ(log.dropped + log.untimed + log.malformed, 0U);
    auto const kernels = of_kind(log, SpanKind::kernel), copies = of_kind(log, SpanKind::memcpy);
    ASSERT_EQ(kernels.size(), launches) << round;
    ASSERT_EQ(copies.size(), launches) << round;
    EXPECT_EQ(of_kind(log, SpanKind::memset).size(), 0U);
    double sum = 0;
    for (auto const& kernel : kernels) {
      EXPECT_EQ(kernel.name, "maru::test::spin(unsigned long long)");
      EXPECT_EQ(kernel.device, 0);
      EXPECT_EQ(kernel.stream, kernels.front().stream);
      EXPECT_EQ(kernel.graph_node, 0U);
      EXPECT_GE(seconds(kernel), 0.9 * length * 1e-9);
      sum += seconds(kernel);
    }
    for (auto const& copy : copies) {
      EXPECT_EQ(copy.name, "HtoD");
      EXPECT_EQ(copy.bytes, bytes_);
      sum += seconds(copy);
    }
    auto const first = kernels.front().start, last = copies.back().end;
    EXPECT_LT(kernels.back().start, last);
    // One stream: spans follow one another between the events. Both clocks are the device's, read a little apart.
    EXPECT_LE(sum, static_cast<double>(last - first) * 1e-9 * 1.001 + 1e-6);
    EXPECT_LE(static_cast<double>(last - first) * 1e-9, elapsed * 1.02 + 20e-6);
    // CUPTI fits the device's clock to the host's.
    constexpr std::uint64_t slack = 20'000'000;
    EXPECT_GE(first + slack, earliest);
    EXPECT_LE(last, latest + slack);
  }
}

TEST_F(CuptiOnGpu, SeesTheKernelsOfGraphsMadeBeforeItStarted) {
  constexpr std::size_t calls = 50, replays = 4;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  MARU_CHECK(RuntimeApi, cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  for (std::size_t i = 0; i < calls; ++i) spin(5'000);
  MARU_CHECK(RuntimeApi, cudaStreamEndCapture(stream_, &graph));
  MARU_CHECK(RuntimeApi, cudaGraphInstantiate(&exec, graph, 0));
  auto const replay = [&] {
    for (std::size_t i = 0; i < replays; ++i) MARU_CHECK(RuntimeApi, cudaGraphLaunch(exec, stream_));
  };
  timed(replay);
  auto const tracer = cupti_tracer();
  std::string reason;
  bool const started = start(*tracer, reason);
  if (started) {
    timed(replay);
    auto const log = tracer->stop();
    auto const kernels = of_kind(log, SpanKind::kernel);
    EXPECT_EQ(kernels.size(), calls * replays);
    EXPECT_EQ(log.dropped + log.untimed + log.malformed, 0U);
    EXPECT_TRUE(std::all_of(kernels.begin(), kernels.end(), [](auto const& k) { return k.graph_node != 0; }));
  }
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  if (!started) GTEST_SKIP() << reason;
}

TEST_F(CuptiOnGpu, CountsWhatATinyPoolLoses) {
  constexpr std::size_t launches = 2000;
  auto const tiny = cupti_tracer_with_pool(1, 16384);
  std::string reason;
  if (!start(*tiny, reason)) GTEST_SKIP() << reason;
  timed([&] {
    for (std::size_t i = 0; i < launches; ++i) spin(1000);
  });
  auto const log = tiny->stop();
  auto const kernels = of_kind(log, SpanKind::kernel).size();
  EXPECT_LT(kernels, launches);
  EXPECT_GT(kernels, 0U);
  EXPECT_GE(kernels + log.dropped, launches) << "overhead may be among the dropped";
  EXPECT_LE(kernels + log.dropped, launches + launches / 10);

  auto const whole = cupti_tracer();
  if (!start(*whole, reason)) FAIL() << reason;
  timed([&] {
    for (std::size_t i = 0; i < launches; ++i) spin(1000);
  });
  auto const again = whole->stop();
  EXPECT_EQ(of_kind(again, SpanKind::kernel).size(), launches);
  EXPECT_EQ(again.dropped, 0U);
}

TEST_F(CuptiOnGpu, SamplesCountersWhereItMayAndTracesAfterwards) {
  if (auto const skipped = pm_sampling_collector.supports()) GTEST_SKIP() << skipped->reason;
  for (int round = 0; round < 2; ++round) {
    auto const watch = pm_sampling_collector.watch();
    timed([&] {
      for (int i = 0; i < 300; ++i) spin(1'000'000);
    });
    Conditions conditions;
    watch->finish(conditions);
    ASSERT_TRUE(conditions.utilisation);
    auto const& seen = *conditions.utilisation;
    ASSERT_EQ(seen.source, "pm_sampling") << seen.reason;
    EXPECT_GT(seen.coverage, 0.9);
    ASSERT_TRUE(seen.sm_active);
    EXPECT_GT(*seen.sm_active, 0.0); // one SM of all
    EXPECT_LT(*seen.sm_active, 0.1);
    EXPECT_LT(seen.tensor_active.value_or(0), 0.01);
  }
  // Others have seen sampling silence the tracer while it lasts.
  auto const tracer = cupti_tracer();
  std::string reason;
  if (!start(*tracer, reason)) GTEST_SKIP() << reason;
  timed([&] { spin(1000); });
  EXPECT_EQ(of_kind(tracer->stop(), SpanKind::kernel).size(), 1U);
}

TEST_F(CuptiOnGpu, SaysWhatTracingCosts) {
  constexpr std::size_t launches = 2000, pairs = 9;
  auto const tracer = cupti_tracer();
  std::vector<double> ratios;
  auto const batch = [&] {
    return timed([&] {
      for (std::size_t i = 0; i < launches; ++i) spin(20'000);
    });
  };
  batch();
  std::string reason;
  for (std::size_t i = 0; i < pairs; ++i) {
    auto const plain = batch();
    if (!start(*tracer, reason)) GTEST_SKIP() << reason;
    auto const traced = batch();
    EXPECT_EQ(of_kind(tracer->stop(), SpanKind::kernel).size(), launches);
    ratios.push_back(traced / plain);
  }
  std::nth_element(ratios.begin(), ratios.begin() + pairs / 2, ratios.end());
  RecordProperty("tracing_cost_of_20_us_kernels", std::to_string(ratios[pairs / 2] - 1));
  EXPECT_LT(ratios[pairs / 2], 1.2); // the aim of 1 % is for real kernels, and measured there
}

} // namespace
} // namespace maru
#endif
