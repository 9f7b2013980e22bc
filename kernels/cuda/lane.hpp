// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/work.hpp"

#include <atomic>
#include <cstdint>
#include <cuda_runtime_api.h>

namespace maru {

/// A stream of the device in use. Its time is that between two events on the stream, from before the first call to
/// after the last; the host waits for the end before it returns. The stream is held back until the calls are queued (or
/// as many as surely fit its queue), so that the host's cost of a launch is not in the time.
///
/// With `graphs`, calls are captured once into a CUDA graph (`longest_graph` of them at most) and replayed. The work is
/// called once before it is captured. A work whose call cannot be captured must not ask for it, nor one whose calls
/// differ (a graph repeats the calls that it captured). A graph belongs to one work: a lane is owned by its work and
/// dies with it.
class StreamLane final : public Lane {
public:
  enum class Mode { launches, graphs };
  /// Of what is ready at the same time, that of a high one begins first.
  enum class Priority { ordinary, high };

  static constexpr std::uint64_t longest_graph = 256;

  explicit StreamLane(Mode mode = Mode::launches, Priority priority = Priority::ordinary);
  ~StreamLane() override;
  StreamLane(StreamLane const&) = delete;
  StreamLane& operator=(StreamLane const&) = delete;

  double time(Work& work, std::uint64_t calls) override;
  double shortest_sample() const override { return 1e-3; } // events are resolved to about 0.5 us
  double shortest_warmup() const override;
  cudaStream_t stream() const { return stream_; }
  /// Waits for the stream. Throws Error(incomplete) with the error of whatever failed on it.
  void wait();

private:
  void capture(Work& work, std::uint64_t calls);
  void hold_back();
  void run(Work& work, std::uint64_t calls);

  Mode mode_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  cudaGraphExec_t graph_ = nullptr;
  std::uint64_t graph_calls_ = 0;     ///< calls that graph_ holds
  std::atomic<bool> released_ = true; ///< read by the driver's thread that holds the stream back
};

} // namespace maru
