// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <map>

namespace maru {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders() {
  // secure_getenv: a set-uid copy must not load libraries that its caller chose.
  if (char const* path = ::secure_getenv("MARU_MODULE_PATH")) return {path};
  std::error_code error;
  auto const here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  return {here, here.parent_path() / "lib" / "maru"};
}

Module unloaded(std::string const& name, std::string const& path, std::string const& reason) {
  return {.name = name, .path = path, .reason = reason, .table = nullptr, .handle = nullptr};
}

/// Those of this project: one that is missing is worth a line. What belongs to "cuda" only where that is there.
constexpr std::array known_modules{"cuda", "cuda_cublaslt", "cuda_cupti", "cuda_nccl"};

/// "cuda" of "cuda_nccl" and of "cuda".
std::string_view family_of(std::string_view name) { return name.substr(0, name.find('_')); }

/// Why a module that belongs to another has nothing to do here; empty when it has.
std::string why_useless(std::string const& name, std::vector<Module> const& loaded) {
  for (auto const& module : loaded) {
    if (module.name == name || module.name != family_of(name)) continue;
    if (!module.table) return fmt::format("needs module {}", module.name);
    auto const* accelerators = module.table->accelerators;
    if (accelerators && accelerators->list().devices.empty())
      return fmt::format("module {} has no device", module.name);
  }
  return {};
}

/// Whether a module has no accelerators, and belongs to none that has.
bool stands_alone(Module const& module, std::vector<Module> const& modules) {
  return std::none_of(modules.begin(), modules.end(), [&](Module const& other) {
    return other.table && other.table->accelerators && family_of(other.name) == family_of(module.name);
  });
}

void add(Equipment& equipment, ModuleTable const& table) {
  equipment.backends.insert(equipment.backends.end(), table.backends, table.backends + table.backend_count);
  equipment.collectors.insert(equipment.collectors.end(), table.collectors, table.collectors + table.collector_count);
  if (table.tracer) equipment.tracer = table.tracer;
  if (table.abandon) equipment.abandon.push_back(table.abandon);
  if (table.forget) equipment.forget.push_back(table.forget);
  if (table.version) equipment.libraries += (equipment.libraries.empty() ? "" : "; ") + table.version();
}

} // namespace

Module load_module(std::string const& name, std::string const& path) {
  Module module{.name = name, .path = path, .reason = {}, .table = nullptr, .handle = nullptr};
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    module.reason = ::dlerror();
    return module;
  }
  module.handle = std::shared_ptr<void>(handle, [](void* h) { ::dlclose(h); });
  using Entry = ModuleTable const* (*)();
  auto const entry = reinterpret_cast<Entry>(::dlsym(handle, "maru_module"));
  auto const* table = entry ? entry() : nullptr;
  if (!table)
    module.reason = "exports no maru_module()";
  else if (table->abi != module_abi)
    module.reason = fmt::format("built for module interface {}, this program has {}", table->abi, module_abi);
  else
    module.table = table;
  return module;
}

std::vector<Module> load_modules(ModuleChoice choice) {
  std::map<std::string, fs::path> found;
  for (auto const& folder : folders()) {
    std::error_code error;
    for (auto const& entry : fs::directory_iterator(folder, error)) {
      auto const file = entry.path().filename().string();
      constexpr std::string_view prefix = "libmaru_", suffix = ".so";
      if (file.starts_with(prefix) && file.ends_with(suffix))
        found.try_emplace(file.substr(prefix.size(), file.size() - prefix.size() - suffix.size()), entry.path());
    }
  }
  std::vector<Module> modules; // by name, so that a module comes before what belongs to it
  for (auto const* name : known_modules)
    if (!found.contains(name) && (family_of(name) == name || found.contains(std::string(family_of(name)))))
      modules.push_back(unloaded(name, "", fmt::format("libmaru_{}.so is not installed", name)));
  for (auto const& [name, path] : found) {
    auto const reason = choice == ModuleChoice::useful ? why_useless(name, modules) : std::string();
    modules.push_back(reason.empty() ? load_module(name, path.string()) : unloaded(name, path.string(), reason));
  }
  std::sort(modules.begin(), modules.end(), [](Module const& a, Module const& b) { return a.name < b.name; });
  return modules;
}

Equipment equip(std::span<Backend const* const> builtin, std::vector<Module> const& modules,
                std::string const& device) {
  Equipment equipment;
  std::string reasons;
  for (auto const& module : modules) {
    if (!module.table) {
      if (module.name == device) reasons = module.reason;
      continue;
    }
    auto const* accelerators = module.table->accelerators;
    if (device == "cpu" || equipment.accelerators || !accelerators) continue;
    if (device != "auto" && device != accelerators->kind) continue;
    equipment.devices = accelerators->list();
    if (equipment.devices.devices.empty())
      reasons = equipment.devices.reason;
    else
      equipment.accelerators = accelerators;
  }
  if (device != "auto" && device != "cpu" && !equipment.accelerators)
    throw Error(Exit::usage, fmt::format("--device {}: {}", device, reasons.empty() ? "no such module" : reasons));
  if (!equipment.accelerators) equipment.devices.reason = reasons;
  // The other modules of the vendor first: libraries are faster than our own kernels, which serve to check them.
  auto const kind = equipment.accelerators ? std::string(equipment.accelerators->kind) : std::string();
  for (bool const base : {false, true})
    for (auto const& module : modules)
      if (module.table && equipment.accelerators && base == (module.name == kind) && family_of(module.name) == kind)
        add(equipment, *module.table);
  // Without accelerators of its own a module is for every machine.
  for (auto const& module : modules)
    if (module.table && stands_alone(module, modules)) add(equipment, *module.table);
  equipment.backends.insert(equipment.backends.end(), builtin.begin(), builtin.end());
  return equipment;
}

} // namespace maru
