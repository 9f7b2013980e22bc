// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace maru {
namespace {

std::string const folder = MARU_TEST_MODULES;

TEST(Module, LoadedModuleBringsItsBackends) {
  auto const module = load_module("test", folder + "/libmaru_test_module.so");
  ASSERT_TRUE(module.table) << module.reason;
  auto const backends = equip(builtin_backends(), {module}, "auto").backends;
  EXPECT_EQ(backends.size(), builtin_backends().size() + 1);
  EXPECT_STREQ(backends.front()->name, "test") << "a vendor's backends come first";
}

TEST(Module, AnotherInterfaceIsRefusedWithAReason) {
  auto const module = load_module("old", folder + "/libmaru_test_module_other_abi.so");
  EXPECT_FALSE(module.table);
  EXPECT_NE(module.reason.find("interface"), std::string::npos) << module.reason;
}

TEST(Module, MissingLibraryIsAReasonAndNoFailure) {
  auto const module = load_module("none", folder + "/libmaru_none.so");
  EXPECT_FALSE(module.table);
  EXPECT_FALSE(module.reason.empty());
}

TEST(Module, WhatBelongsToCudaIsListedWhereCudaIs) {
  auto const path = std::filesystem::temp_directory_path() / "maru_module_test";
  std::filesystem::create_directory(path);
  std::ofstream(path / "libmaru_cuda.so") << "no library";
  ::setenv("MARU_MODULE_PATH", path.c_str(), 1);
  auto const modules = load_modules(ModuleChoice::all);
  ::unsetenv("MARU_MODULE_PATH");
  std::filesystem::remove_all(path);
  std::vector<std::string> names;
  for (auto const& module : modules) {
    names.push_back(module.name);
    EXPECT_FALSE(module.reason.empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"cuda", "cuda_cublaslt", "cuda_cupti", "cuda_nccl"}));
  EXPECT_EQ(modules[3].reason, "libmaru_cuda_nccl.so is not installed");
}

TEST(Module, CudaIsAlwaysListed) {
  auto const modules = load_modules(ModuleChoice::all);
  EXPECT_TRUE(std::any_of(modules.begin(), modules.end(), [](Module const& m) { return m.name == "cuda"; }));
}

} // namespace
} // namespace maru
