// SPDX-License-Identifier: Apache-2.0
#include "collectors/launcher.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <string>

namespace maru {
namespace {

/// Nothing but these variables of any launcher, until the end of the test.
class Environment {
public:
  explicit Environment(std::map<std::string, std::string> const& set) {
    for (auto const* name :
         {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_APP_CTX_NUM_PROCS", "PMIX_RANK", "PMI_SIZE", "PMI_RANK",
          "SLURM_PROCID", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}) {
      if (char const* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
      names_.emplace_back(name);
    }
    for (auto const& [name, value] : set) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (auto const& name : names_) ::unsetenv(name.c_str());
    for (auto const& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;

private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

TEST(Launcher, NumbersItsProcesses) {
  Environment const by_mpirun({{"OMPI_COMM_WORLD_SIZE", "4"},
                               {"OMPI_COMM_WORLD_RANK", "3"},
                               {"PMIX_RANK", "3"},
                               {"SLURM_PROCID", "0"},
                               {"SLURM_STEP_NUM_TASKS", "2"},
                               {"SLURM_STEP_ID", "0"}});
  EXPECT_EQ(read_launcher().name, "mpirun");
  EXPECT_EQ(number_in_program(), 3) << "Slurm started mpirun's daemon, and not this";
}

TEST(Launcher, NumbersTheProcessesOfEachProgram) {
  for (auto const& [rank, number] : {std::pair("0", 0), std::pair("1", 1), std::pair("2", 0), std::pair("4", 2)}) {
    Environment const environment({{"OMPI_COMM_WORLD_RANK", rank}, {"OMPI_APP_CTX_NUM_PROCS", "2 3"}});
    EXPECT_EQ(number_in_program(), number) << rank;
  }
}

TEST(Launcher, OneOfSeveralAlikeIsTooMany) {
  auto const too_many = [](std::map<std::string, std::string> const& set, std::string_view parent) {
    Environment const environment(set);
    return is_one_too_many(parent);
  };
  auto const of_mpirun = [](char const* rank) {
    return std::map<std::string, std::string>{{"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_RANK", rank}};
  };
  auto const of_srun = [](char const* rank, char const* tasks) {
    return std::map<std::string, std::string>{
        {"SLURM_PROCID", rank}, {"SLURM_STEP_NUM_TASKS", tasks}, {"SLURM_STEP_ID", "0"}};
  };
  EXPECT_FALSE(too_many({}, "bash"));
  EXPECT_FALSE(too_many(of_mpirun("0"), "mpirun"));
  EXPECT_TRUE(too_many(of_mpirun("1"), "mpirun"));
  EXPECT_TRUE(too_many(of_mpirun("1"), "orted"));
  EXPECT_TRUE(too_many(of_srun("1", "2"), "slurmstepd"));
  EXPECT_FALSE(too_many(of_srun("1", "2"), "bash")) << "a script that each rank runs may ask for a file of its own";
  EXPECT_FALSE(too_many({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "64"}}, "slurmstepd")) << "a batch script";
  EXPECT_FALSE(too_many({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "64"}}, "bash"));
  EXPECT_FALSE(too_many(of_mpirun("x"), "mpirun"));
}

TEST(Launcher, KnowsWhoStartedIt) { EXPECT_NE(parent_name(), ""); }

} // namespace
} // namespace maru
