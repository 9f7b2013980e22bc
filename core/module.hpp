// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend.hpp"
#include "core/device.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// Raised whenever Backend, Work, Site, Operation, the rows for devices or this table change shape.
constexpr int module_abi = 3;

/// What a module (libmaru_NAME.so) exports through `extern "C" maru::ModuleTable const* maru_module()`.
struct ModuleTable {
  int abi = module_abi;
  char const* name = "";
  Backend const* const* backends = nullptr;
  std::size_t backend_count = 0;
  Collector const* const* collectors = nullptr;
  std::size_t collector_count = 0;
  Accelerators const* accelerators = nullptr;    ///< null when another module of the vendor has them
  std::unique_ptr<Tracer> (*tracer)() = nullptr; ///< null without one
  std::string (*version)() = nullptr;            ///< of the library it stands for: "NCCL 2.28.9"
  /// Called from another thread when the run is about to be ended: whoever waits for partners should give up.
  void (*abandon)() noexcept = nullptr;
  /// Called by all ranks together, between cases: groups of a round (Site::passing) are not asked again, and what was
  /// made for them can go.
  void (*forget)() noexcept = nullptr;
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

/// Which modules load_modules tries. A name with an underscore ("cuda_nccl") belongs to the module before it ("cuda"),
/// which has the accelerators.
enum class ModuleChoice {
  all,    ///< whatever is there
  useful, ///< leaves out what belongs to a module that finds no accelerator: a vendor's libraries are large
};

/// Tries every known module: `cuda` always, and each libmaru_*.so in MARU_MODULE_PATH, else beside the executable and
/// in ../lib/maru from there. Sorted by name.
std::vector<Module> load_modules(ModuleChoice choice);

/// What a run can use.
struct Equipment {
  std::vector<Backend const*> backends; ///< a vendor's libraries, then its own kernels, then the built-in ones
  std::vector<Collector const*> collectors;
  Accelerators const* accelerators = nullptr; ///< null without any
  DeviceList devices;                         ///< those of `accelerators`, or why there are none
  std::unique_ptr<Tracer> (*tracer)() = nullptr;
  std::vector<void (*)() noexcept> abandon, forget; ///< of the modules
  std::string libraries;                            ///< the modules' versions, in one line
};

/// The built-in backends, and those of the modules whose accelerators find a device. `device` is "auto", "cpu" or the
/// kind of the accelerators that are wanted; throws Error(usage) when there are none of that kind.
Equipment equip(std::span<Backend const* const> builtin, std::vector<Module> const& modules, std::string const& device);

} // namespace maru
