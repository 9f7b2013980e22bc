// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "kernels/collective/nccl_lane.hpp"
#include "kernels/collective/nccl_profiler.hpp"

#include <memory>
#include <optional>
#include <string>

namespace maru {

/// A collective with its buffers and a stream of its own, for works that are one and for works that are more.
class NcclExchange {
public:
  virtual ~NcclExchange() = default;
  /// One call, on the lane's stream. Throws Error(incomplete) once the communicator has failed.
  virtual void enqueue() = 0;
  virtual NcclLane& lane() = 0;
  /// New input, and poison where the result will be. Over when it returns.
  virtual void refresh() = 0;
  /// Judges every element that the call after refresh() has left, which must be over.
  virtual Verification check() = 0;
  /// "ncclAllReduce"
  virtual char const* function() const = 0;
};

/// `priority` is that of its stream. Local: what the ranks do together, they did for the communicator.
std::unique_ptr<NcclExchange> make_nccl_exchange(Collective const& collective, Site const& site,
                                                 NcclCommunicator& communicator,
                                                 StreamLane::Priority priority = StreamLane::Priority::ordinary);

/// Throws Error(incomplete) when the site is not one of so many ranks.
void check_members(Collective const& collective, Site const& site);

/// What the question itself forbids, wherever it is asked.
std::optional<Skipped> refuse_exchange(Collective const& collective);

/// "RING/SIMPLE 16 channels"; where NCCL names no algorithm, the function instead.
std::string answer_text(NcclExchange const& exchange, std::optional<NcclChoice> const& choice);

} // namespace maru
