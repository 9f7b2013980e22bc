// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace maru {

/// What started this process, as its environment tells.
struct Launcher {
  std::string name = "none"; ///< "mpirun", "srun", "hydra" or "none"
  std::int64_t ranks = 0;    ///< processes that it says it started; 0 when it says nothing
  bool speaks_mpi = false;   ///< whether our MPI library can find the other ranks through it
};

Launcher read_launcher();

} // namespace maru
