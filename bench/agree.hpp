// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/world.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace maru {

/// Runs an action on every rank and lets all know whether it went well everywhere. If not, every rank gets the same
/// error: the one of the lowest rank that failed, introduced by `introduce(its rank in this world)`.
std::optional<AgreedError> attempt_together(World& world, std::function<void()> const& action,
                                            std::function<std::string(std::size_t)> const& introduce);

/// The same, thrown; a failure on rank 0 stands without an introduction, others name their rank.
void all_or_none(World& world, std::function<void()> const& action);

/// For what only rank 0 can do, and all have to know of when it fails.
void on_rank0(World& world, std::function<void()> const& action);

} // namespace maru
