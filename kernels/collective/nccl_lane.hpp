// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/collective/nccl_communicator.hpp"
#include "kernels/cuda/lane.hpp"

#include <optional>

namespace maru {

/// A stream whose waits end when the communicator fails.
class NcclLane final : public Lane {
public:
  explicit NcclLane(NcclCommunicator& communicator, StreamLane::Mode mode = StreamLane::Mode::launches,
                    StreamLane::Priority priority = StreamLane::Priority::ordinary)
      : communicator_(communicator), lane_(mode, priority) {}
  ~NcclLane() override { ending_.emplace(communicator_); }

  double time(Work& work, std::uint64_t calls) override {
    double seconds = 0;
    watched([&] { seconds = lane_.time(work, calls); });
    return seconds;
  }
  double shortest_sample() const override { return lane_.shortest_sample(); }
  double shortest_warmup() const override { return lane_.shortest_warmup(); }
  void wait() {
    watched([&] { lane_.wait(); });
  }
  cudaStream_t stream() const { return lane_.stream(); }

private:
  /// NCCL's own account goes before CUDA's of the same fault.
  template <class Action> void watched(Action const& action) {
    NcclCommunicator::Wait const wait(communicator_);
    try {
      action();
    } catch (Error const&) {
      communicator_.check();
      throw;
    }
    communicator_.check();
  }

  NcclCommunicator& communicator_;
  std::optional<NcclCommunicator::Wait> ending_; ///< around the end of the lane, which waits as well
  StreamLane lane_;
};

} // namespace maru
