// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"

#include <memory>
#include <string>
#include <vector>

namespace maru {

/// Raised whenever Backend, Work, Site or this table changes shape.
constexpr int module_abi = 1;

/// What a module (libmaru_NAME.so) exports through `extern "C" maru::ModuleTable const* maru_module()`.
struct ModuleTable {
  int abi = module_abi;
  char const* name = "";
  Backend const* const* backends = nullptr;
  std::size_t backend_count = 0;
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
