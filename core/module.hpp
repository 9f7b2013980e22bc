// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "core/device.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// Raised whenever Backend, Work, Site, the rows for devices or this table change shape.
constexpr int module_abi = 2;

/// What a module (libmaru_NAME.so) exports through `extern "C" maru::ModuleTable const* maru_module()`.
struct ModuleTable {
  int abi = module_abi;
  char const* name = "";
  Backend const* const* backends = nullptr;
  std::size_t backend_count = 0;
  Collector const* const* collectors = nullptr;
  std::size_t collector_count = 0;
  Accelerators const* accelerators = nullptr;  ///< null when another module of the vendor has them
  std::unique_ptr<Tracer> (*tracer)() = nullptr; ///< null without one
  std::string (*version)() = nullptr;          ///< of the library it stands for: "NCCL 2.28.9"
};

/// A module that was looked for: loaded, or the one line that says why not.
struct Module {
  std::string name;
  std::string path;
  std::string reason; ///< empty when loaded
  ModuleTable const* table = nullptr;
  std::shared_ptr<void> handle; ///< keeps the library in memory
};

/// Loads one module. Never throws for a module that cannot be used: the reason is in the result.
Module load_module(std::string const& name, std::string const& path);

/// Tries every known module: `cuda` always, and each libmaru_*.so in MARU_MODULE_PATH, else beside the executable and
/// in ../lib/maru from there. Sorted by name.
std::vector<Module> load_modules();

/// The built-in backends, then those of the loaded modules.
std::vector<Backend const*> all_backends(std::span<Backend const* const> builtin, std::vector<Module> const& modules);

} // namespace maru
