// SPDX-License-Identifier: Apache-2.0
#include "collectors/launcher.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace maru {
namespace {

std::optional<std::int64_t> number(char const* variable) {
  char const* text = std::getenv(variable);
  if (!text) return std::nullopt;
  std::string_view const view = text;
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc{} || end != view.data() + view.size() || value < 0) return std::nullopt;
  return value;
}

} // namespace

Launcher read_launcher() {
  // Open MPI's own launcher first: inside a Slurm job mpirun's ranks see Slurm's variables as well.
  if (auto const ranks = number("OMPI_COMM_WORLD_SIZE")) return {"mpirun", *ranks, true};
  // A step's own variable: SLURM_NTASKS is set in a batch script too, which is one process by right.
  if (auto const ranks = number("SLURM_STEP_NUM_TASKS");
      ranks && std::getenv("SLURM_PROCID") && std::getenv("SLURM_STEP_ID"))
    return {"srun", *ranks, std::getenv("PMIX_RANK") != nullptr};
  if (auto const ranks = number("PMI_SIZE")) return {"hydra", *ranks, false};
  return {"none", 0, std::getenv("PMIX_RANK") != nullptr};
}

} // namespace maru
