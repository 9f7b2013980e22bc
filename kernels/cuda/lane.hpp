// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/work.hpp"

#include <cstdint>
#include <cuda_runtime_api.h>

namespace maru {

/// A stream of the device in use. Its time is that between two events on the stream, from before the first call to
/// after the last; the host waits for the end before it returns.
///
/// With `graphs`, `calls` calls are captured once into a CUDA graph and replayed, so that the host's cost of a launch
/// is paid once. A work whose call cannot be captured must not ask for it. A graph belongs to one work: a lane is owned
/// by its work and dies with it.
class StreamLane final : public Lane {
public:
  enum class Mode { launches, graphs };

  explicit StreamLane(Mode mode = Mode::launches);
  ~StreamLane() override;
  StreamLane(StreamLane const&) = delete;
  StreamLane& operator=(StreamLane const&) = delete;

  double time(Work& work, std::uint64_t calls) override;
  cudaStream_t stream() const { return stream_; }
  /// Waits for the stream. Throws Error(incomplete) with the error of whatever failed on it.
  void wait();

private:
  void capture(Work& work, std::uint64_t calls);

  Mode mode_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  cudaGraphExec_t graph_ = nullptr;
  std::uint64_t graph_calls_ = 0; ///< calls that graph_ holds
};

} // namespace maru
