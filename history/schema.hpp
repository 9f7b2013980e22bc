// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "history/sqlite.hpp"

#include <span>
#include <string>
#include <vector>

namespace maru {

/// A step from one version of the schema to the next: SQL without parameters. Version n is what the first n made.
using Migration = char const*;

/// Those of this program. Only ever appended to: databases of every earlier version exist.
std::span<Migration const> migrations();

/// Throws Error(usage) for a database of a later version, and for one of another program; Damaged for one of ours that
/// has lost its version. An empty one is ours.
void require_ours(Database& database, std::span<Migration const> steps);

/// Brings a database of ours up to the latest version, in one transaction; several processes may do so at once.
void migrate(Database& database, std::span<Migration const> steps);

/// For those who only read: an earlier version is refused too, for its tables are not what the queries expect.
void require_current(Database& database, std::span<Migration const> steps);

/// What a database of the latest version lacks of these tables, their columns and their indices, a line each.
std::vector<std::string> missing_parts(Database& database, std::span<Migration const> steps);

} // namespace maru
