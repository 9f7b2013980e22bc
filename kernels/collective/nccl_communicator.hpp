// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "kernels/collective/nccl_api.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// Seconds that a rank waits for the others to form a communicator: MARU_NCCL_TIMEOUT ("5m"), otherwise 60, which is
/// too short where NCCL has thousands of ranks to bring together. Throws Error(usage).
double nccl_patience();

/// A communicator of NCCL whose calls are made by the calling thread. While that thread waits for the device, another
/// one asks NCCL for errors that came later (a peer that died, a network that failed) and ends what can no longer end
/// by itself: a kernel of NCCL waits for its peers for ever.
class NcclCommunicator {
public:
  explicit NcclCommunicator(ncclComm_t handle) : handle_(handle) {}
  NcclCommunicator(NcclCommunicator const&) = delete;
  NcclCommunicator& operator=(NcclCommunicator const&) = delete;

  /// Makes calls with the handle. Throws Error(incomplete) once the communicator has failed. A call that throws is the
  /// last: what was begun before may wait on the device for what will not follow. The error that came first is told.
  template <class Call> void use(Call const& call) {
    check();
    std::scoped_lock const lock(calls_);
    try {
      call(handle_);
    } catch (Error const& error) {
      auto const earlier = late_error();
      give_up(earlier.empty() ? error.what() : earlier);
    }
    check();
  }
  /// Throws Error(incomplete) in NCCL's words if it has failed.
  void check() const;
  bool failed() const { return failed_; }

  /// Marks a stretch in which the calling thread waits for the device.
  class Wait {
  public:
    explicit Wait(NcclCommunicator& communicator) : communicator_(communicator) { communicator_.awaited_ = true; }
    ~Wait() { communicator_.awaited_ = false; }
    Wait(Wait const&) = delete;
    Wait& operator=(Wait const&) = delete;

  private:
    NcclCommunicator& communicator_;
  };

  /// From another thread: asks for late errors and aborts on one.
  void inspect() noexcept;
  /// Frees it, at the end of the process or, with `force`, whatever it is doing.
  void end(bool force) noexcept;

private:
  void fail(std::string reason) noexcept;
  std::string late_error() const;
  void give_up(std::string reason) noexcept;

  std::mutex calls_; ///< held while NCCL works with the handle
  ncclComm_t handle_;
  std::atomic<bool> awaited_{false}, failed_{false};
  mutable std::mutex reason_mutex_;
  std::string reason_;
};

/// The communicator of the site's members: made when they first ask for it and kept for the rest of the process, or, of
/// passing groups, until nccl_forget. All
/// members ask together. `groups` are all groups of the case with the site's among them, empty when unknown: where they
/// are of one size, so that all ranks are asked the same and ask here together, they are split from the communicator of
/// all their members, if there is one. Throws Error(incomplete), on all members alike. `most_ctas` is how many blocks a
/// kernel of NCCL may have at most, on every rank the same; 0 leaves it to NCCL.
NcclCommunicator& nccl_communicator(Site const& site, std::span<std::vector<std::int64_t> const> groups,
                                    int most_ctas = 0);

/// Frees what was made for passing groups, when nothing of theirs is left. All ranks call it together, or members would
/// not agree on what there is. Takes at most a few seconds.
void nccl_forget() noexcept;

/// Aborts all communicators, from any thread, so that what waits for the device goes on. Takes at most a few seconds.
/// For a watchdog that is about to end the process.
void nccl_abandon() noexcept;

} // namespace maru
