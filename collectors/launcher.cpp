// SPDX-License-Identifier: Apache-2.0
#include "collectors/launcher.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>
#include <unistd.h>

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

Launcher without_rank() {
  // Open MPI's own launcher first: inside a Slurm job mpirun's ranks see Slurm's variables as well.
  if (auto const ranks = number("OMPI_COMM_WORLD_SIZE")) return {"mpirun", *ranks, true};
  // A step's own variable: SLURM_NTASKS is set in a batch script too, which is one process by right.
  if (auto const ranks = number("SLURM_STEP_NUM_TASKS");
      ranks && std::getenv("SLURM_PROCID") && std::getenv("SLURM_STEP_ID"))
    return {"srun", *ranks, std::getenv("PMIX_RANK") != nullptr};
  if (auto const ranks = number("PMI_SIZE")) return {"hydra", *ranks, false};
  return {"none", 0, std::getenv("PMIX_RANK") != nullptr};
}

} // namespace

Launcher read_launcher() {
  auto launcher = without_rank();
  for (char const* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (std::getenv(variable)) {
      launcher.rank = number(variable).value_or(0);
      break;
    }
  return launcher;
}

bool is_one_too_many(Launcher const& launcher, std::string_view parent) {
  constexpr std::array<std::string_view, 9> starters{"mpirun", "mpiexec", "orterun",    "orted",          "prterun",
                                                     "prte",   "prted",   "slurmstepd", "hydra_pmi_proxy"};
  return launcher.ranks > 1 && launcher.rank > 0 &&
         std::find(starters.begin(), starters.end(), parent) != starters.end();
}

std::string parent_name() {
  std::ifstream file("/proc/" + std::to_string(::getppid()) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

} // namespace maru
