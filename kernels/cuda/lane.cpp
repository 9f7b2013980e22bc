// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/lane.hpp"

#include "kernels/cuda/api.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace maru {
namespace {

/// Queued behind a closed gate. A stream takes about a thousand launches before the host has to wait for it, and a call
/// may be several.
constexpr std::uint64_t queued_calls = 128;

/// When a lane of this process last had work: an idle GPU lowers its clocks, and takes some tenths of a second to bring
/// them up again.
double last_used = 0;

/// Runs on a thread of the driver, as a node of the stream. It gives up after a while: a call that waits for the device
/// by itself (the first of a kernel may, to load it) would otherwise wait for ever.
void CUDART_CB wait_for_release(void* released) {
  using Clock = std::chrono::steady_clock;
  auto const deadline = Clock::now() + std::chrono::milliseconds(5);
  auto const& flag = *static_cast<std::atomic<bool> const*>(released);
  while (!flag.load(std::memory_order_acquire) && Clock::now() < deadline) std::this_thread::yield();
}

/// Opens the gate however the queueing ends.
struct Releaser {
  std::atomic<bool>& released;
  ~Releaser() { release(); }
  void release() { released.store(true, std::memory_order_release); }
};

/// A graph under construction on a stream. Whatever throws meanwhile, the stream leaves its capture.
class Capture {
public:
  // Relaxed: libraries that a call uses may do on other threads what a capture forbids, and calls allocate nothing.
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    MARU_CHECK(CudaApi, cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    capturing_ = true;
  }
  ~Capture() {
    if (capturing_) cudaStreamEndCapture(stream_, &graph_);
    if (graph_) cudaGraphDestroy(graph_);
  }
  Capture(Capture const&) = delete;
  Capture& operator=(Capture const&) = delete;

  cudaGraphExec_t finish() {
    capturing_ = false;
    MARU_CHECK(CudaApi, cudaStreamEndCapture(stream_, &graph_));
    cudaGraphExec_t result = nullptr;
    MARU_CHECK(CudaApi, cudaGraphInstantiate(&result, graph_, 0));
    return result;
  }

private:
  cudaStream_t stream_;
  cudaGraph_t graph_ = nullptr;
  bool capturing_ = false;
};

} // namespace

StreamLane::StreamLane(Mode mode, Priority priority) : mode_(mode) {
  int lowest = 0, highest = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  // Not synchronised with the legacy default stream, on which libraries may work.
  MARU_CHECK(CudaApi, cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking,
                                                   priority == Priority::high ? highest : lowest));
  auto status = cudaEventCreate(&begin_);
  if (status == cudaSuccess) status = cudaEventCreate(&end_);
  if (status == cudaSuccess) return;
  if (begin_) cudaEventDestroy(begin_);
  cudaStreamDestroy(stream_);
  MARU_CHECK(CudaApi, status);
}

StreamLane::~StreamLane() {
  released_.store(true, std::memory_order_release);
  cudaStreamSynchronize(stream_); // the driver's thread reads released_
  if (graph_) cudaGraphExecDestroy(graph_);
  cudaEventDestroy(end_);
  cudaEventDestroy(begin_);
  cudaStreamDestroy(stream_);
}

double StreamLane::time(Work& work, std::uint64_t calls) {
  if (calls == 0) return 0;
  // Graphs of equal length, so that hardly a call is left to be launched by itself.
  if (mode_ == Mode::graphs) capture(work, calls / ((calls + longest_graph - 1) / longest_graph));
  Releaser releaser{released_};
  hold_back();
  MARU_CHECK(CudaApi, cudaEventRecord(begin_, stream_));
  run(work, calls);
  MARU_CHECK(CudaApi, cudaEventRecord(end_, stream_));
  releaser.release();
  MARU_CHECK(CudaApi, cudaEventSynchronize(end_));
  MARU_CHECK(CudaApi, cudaGetLastError()); // a launch that failed does not show in the event
  float milliseconds = 0;
  MARU_CHECK(CudaApi, cudaEventElapsedTime(&milliseconds, begin_, end_));
  last_used = monotonic_seconds();
  return 1e-3 * static_cast<double>(milliseconds);
}

double StreamLane::shortest_warmup() const {
  constexpr double from_idle = 0.3, between = 0.02, cools = 0.5;
  return monotonic_seconds() - last_used > cools ? from_idle : between;
}

void StreamLane::wait() {
  MARU_CHECK(CudaApi, cudaGetLastError());
  MARU_CHECK(CudaApi, cudaStreamSynchronize(stream_));
}

/// Without it the time of a short sample would hold the host's way from the first event to the first launch.
void StreamLane::hold_back() {
  released_.store(false, std::memory_order_release);
  MARU_CHECK(CudaApi, cudaLaunchHostFunc(stream_, wait_for_release, &released_));
}

void StreamLane::run(Work& work, std::uint64_t calls) {
  std::uint64_t queued = 0;
  auto const queue = [&](auto const& launch, std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      launch();
      if (++queued == queued_calls) released_.store(true, std::memory_order_release);
    }
  };
  if (mode_ == Mode::graphs) {
    queue([&] { MARU_CHECK(CudaApi, cudaGraphLaunch(graph_, stream_)); }, calls / graph_calls_);
    calls %= graph_calls_;
  }
  queue([&] { work.call(); }, calls);
}

void StreamLane::capture(Work& work, std::uint64_t calls) {
  if (graph_ && graph_calls_ == calls) return;
  if (graph_) MARU_CHECK(CudaApi, cudaGraphExecDestroy(std::exchange(graph_, nullptr)));
  work.call(); // kernels are loaded at their first launch, which a capture may not survive
  wait();
  Capture captured(stream_);
  for (std::uint64_t i = 0; i < calls; ++i) work.call();
  graph_ = captured.finish();
  graph_calls_ = calls;
  MARU_CHECK(CudaApi, cudaGraphUpload(graph_, stream_));
  wait();
}

} // namespace maru
