// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/system_files.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

/// What started this process, as its environment tells.
struct Launcher {
  std::string name = "none"; ///< "mpirun", "srun", "hydra" or "none"
  std::int64_t ranks = 0;    ///< processes that it says it started; 0 when it says nothing
  bool speaks_mpi = false;   ///< whether our MPI library can find the other ranks through it
};

Launcher read_launcher();

/// This process's number among those of its job with the same command line, from 0; 0 where there is no launcher.
std::int64_t number_in_program();

/// Whether a command of one process need not be done here: a launcher started several alike, and this is not the first.
/// `parent` is the name of the process that started this one. What a script started that a launcher runs many times is
/// for the script to say: it may have a file for each, and a batch script is in a job's environment but is no rank.
bool is_one_too_many(std::string_view parent);

/// The name of the process that started this one; empty where the system does not tell.
std::string parent_name();

/// Whether a launcher is among the processes above one, as far as they can be seen; true where they cannot. What a job
/// left in an environment is inherited by whoever comes later, its launcher is not. A container may hide a launcher.
bool below_launcher(SystemFiles const& files, std::int64_t process);

/// Whether nobody listens any more where PMIx's variable says that its server does ("123.0;tcp4://127.0.0.1:4711"). MPI
/// ends a process that cannot reach it.
bool server_is_gone(std::string_view uri);
/// The same by the variables of this process.
bool server_is_gone();

/// Whether this process is the first of its job, or of a part of its job with a command line of its own, as the
/// launcher numbers them; also where there is no launcher any more.
bool is_first_of_job();

} // namespace maru
