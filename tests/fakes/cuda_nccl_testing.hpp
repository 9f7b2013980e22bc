// SPDX-License-Identifier: Apache-2.0
// What tests of the NCCL module over its fakes have in common.
#pragma once

#include "core/error.hpp"
#include "core/module.hpp"
#include "tests/mpi/main.hpp"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace maru {

using Members = std::vector<std::int64_t>;

inline ModuleTable const& nccl_module() {
  static auto const module = load_module("cuda_nccl", MARU_NCCL_MODULE);
  if (!module.table) throw Error(Exit::incomplete, module.reason);
  return *module.table;
}

inline Backend const& backend(std::string_view name) {
  auto const& table = nccl_module();
  for (std::size_t i = 0; i < table.backend_count; ++i)
    if (table.backends[i]->name == name) return *table.backends[i];
  throw Error(Exit::incomplete, "no backend " + std::string(name));
}

inline Members everybody() {
  Members members;
  for (int rank = 0; rank < world->size(); ++rank) members.push_back(rank);
  return members;
}

/// Sets a variable of the environment for a while.
class Setting {
public:
  Setting(char const* name, std::string const& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Setting() { ::unsetenv(name_); }
  Setting(Setting const&) = delete;
  Setting& operator=(Setting const&) = delete;

private:
  char const* name_;
};

/// What the fake writes down while it lives, of this rank.
class Log {
public:
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::ifstream in(path_);
    auto const mine = "rank " + std::to_string(world->rank()) + " ";
    for (std::string line; std::getline(in, line);) lines.push_back(line.substr(mine.size()));
    return lines;
  }
  ~Log() { ::unlink(path_.c_str()); }

private:
  std::string path_ = "/tmp/maru-nccl-log." + std::to_string(::getpid());
  Setting setting_{"MARU_FAKE_NCCL_LOG", path_};
};

/// A group of the world and this rank's place in it. All ranks of the world make it, with a group for each.
struct Party {
  Members members;
  std::vector<Members> groups;
  std::unique_ptr<World> own;
  bool passing = false;

  explicit Party(std::vector<Members> all) : groups(std::move(all)) {
    for (std::size_t i = 0; i < groups.size(); ++i)
      for (auto const rank : groups[i])
        if (rank == world->rank()) {
          members = groups[i];
          own = world->split(static_cast<int>(i));
        }
  }

  Site site() const {
    // All ranks use the first device.
    return {.members = members,
            .index = own->rank(),
            .group = own.get(),
            .groups = groups,
            .passing = passing,
            .rehearsal = true};
  }
  Collective ask(Collective question) const {
    question.ranks = static_cast<int>(members.size());
    return question;
  }
};

/// The reason, when it throws.
template <class Action> std::string refusal(Action&& action) {
  try {
    action();
  } catch (Error const& error) {
    return error.what();
  }
  return {};
}

class OnFourRanks : public testing::Test {
protected:
  void SetUp() override {
    if (world->size() != 4) GTEST_SKIP() << "made for four ranks";
  }
};

} // namespace maru
