// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectors/nvml.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>

/// The NVML of tests/fakes/nvml.cpp, for the tests of what uses NVML.
namespace maru::fake_nvml {

inline std::string const library = MARU_FAKE_NVML_LIBRARY;
inline std::string const old_library = MARU_FAKE_NVML_OLD_LIBRARY;

/// A script for the fake, in force until the next; its clock starts with the first call.
class Script {
public:
  explicit Script(std::string const& lines) {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("maru_nvml_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::ofstream(path_) << lines;
    ::setenv("MARU_FAKE_NVML", path_.c_str(), 1);
  }
  ~Script() {
    std::filesystem::remove(path_);
    ::unsetenv("MARU_FAKE_NVML");
  }
  Script(Script const&) = delete;
  Script& operator=(Script const&) = delete;

private:
  std::filesystem::path path_;
};

/// Keeps the fake in memory and asks it how often a function was called.
class Calls {
public:
  Calls() : handle_(::dlopen(library.c_str(), RTLD_NOW)) {}
  ~Calls() { ::dlclose(handle_); }
  Calls(Calls const&) = delete;
  Calls& operator=(Calls const&) = delete;
  int of(char const* function) const {
    return reinterpret_cast<int (*)(char const*)>(::dlsym(handle_, "maru_fake_nvml_calls"))(function);
  }

private:
  void* handle_;
};

inline NvmlDevice device(std::string const& from = library) { return Nvml(from).device(cuda_device_in_use()); }
inline void wait(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

} // namespace maru::fake_nvml
