// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"
#include "core/work.hpp"
#include "core/world.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// "Cannot here": a value, not an exception and not a missing row.
struct Skipped {
  std::string reason;
};

/// Where an operation is prepared.
struct Site {
  int threads = 1;        ///< that it may compute with
  std::uint64_t seed = 1; ///< of its random data
  std::span<std::int64_t const> members =
      {};                 ///< world ranks of the group, ascending; empty for operations without partners
  int index = 0;          ///< this rank's place among the members
  World* group = nullptr; ///< the members as a world; null for operations without partners
  /// All groups that ask the same question at the same time, this one among them; equal on every rank.
  std::span<std::vector<std::int64_t> const> groups = {};
  bool passing = false;   ///< the groups are those of a round among many: ModuleTable::forget is called after it
  bool rehearsal = false; ///< several ranks share a device, to try the code and not to measure
};

/// One implementation of some operations. A row of a table: kernels/CMakeLists.txt registers it, modules export theirs.
struct Backend {
  char const* name;   ///< "openblas", "onednn", "mpi", "naive" …
  char const* device; ///< "cpu", "cuda" …
  char const* help;   ///< one line for `maru list`
  bool reference;     ///< true for what others are checked against; run only when asked for by name
  /// Nothing when it can do this here, otherwise why not. Gives the same answer on every rank of one kind of machine.
  std::optional<Skipped> (*supports)(Operation const&);
  /// Allocates and fills. Collective over the group where there is one. Throws Error(incomplete).
  std::unique_ptr<Work> (*prepare)(Operation const&, Site const&);
  char const* family = ""; ///< family() of the operations it is for
};

/// Those that are linked in, in the order of registration (written by maru_register).
std::span<Backend const* const> builtin_backends();

} // namespace maru
