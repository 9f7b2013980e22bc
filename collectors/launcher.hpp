// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

/// What started this process, as its environment tells.
struct Launcher {
  std::string name = "none"; ///< "mpirun", "srun", "hydra" or "none"
  std::int64_t ranks = 0;    ///< processes that it says it started; 0 when it says nothing
  bool speaks_mpi = false;   ///< whether our MPI library can find the other ranks through it
  std::int64_t rank = 0;     ///< this process's number among them; 0 when it says nothing
};

Launcher read_launcher();

/// Whether a command of one process need not be done here: a launcher started several alike, and this is not the first.
/// `parent` is the name of the process that started this one. What a script started that a launcher runs many times is
/// for the script to say: it may have a file for each, and a batch script is in a job's environment but is no rank.
bool is_one_too_many(Launcher const& launcher, std::string_view parent);

/// The name of the process that started this one; empty where the system does not tell.
std::string parent_name();

} // namespace maru
