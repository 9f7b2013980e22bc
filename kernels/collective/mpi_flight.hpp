// SPDX-License-Identifier: Apache-2.0
// MPI for what communicates inside of something larger; without mpi.h, which stays in mpi*.cpp.
#pragma once

#include "core/backend.hpp"
#include "kernels/summation.hpp"

#include <memory>
#include <optional>
#include <span>

namespace maru {

/// Why MPI here has no such collective among so many ranks, or is not started; nothing when it has.
std::optional<Skipped> refuse_mpi_collective(Collective const& collective);
/// Likewise, for the collectives that can be begun and finished apart.
std::optional<Skipped> refuse_flight(Collective const& collective);

/// A collective that is begun, and then moved on by asking whether it is over: MPI does nothing while nobody calls it.
/// For the thread that started MPI only.
class CollectiveFlight {
public:
  virtual ~CollectiveFlight() = default;
  virtual void begin() = 0;
  virtual bool is_over() = 0;
  /// New random input, poisoned output.
  virtual void refresh() = 0;
  /// Judges every element of the output.
  virtual Verification check() = 0;
};
/// Collective over the site's group.
std::unique_ptr<CollectiveFlight> make_flight(Collective const& collective, Site const& site);

/// Over these world ranks, who all make it together; nothing to do for one rank alone.
Summation mpi_summation(std::span<std::int64_t const> members);
/// Why MPI is of no use here; nothing when it is started.
std::optional<Skipped> refuse_mpi();

} // namespace maru
