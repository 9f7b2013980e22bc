// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

#include <algorithm>
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

std::vector<Module> load_modules() {
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
  std::vector<Module> modules;
  for (auto const& [name, path] : found) modules.push_back(load_module(name, path.string()));
  if (!found.contains("cuda")) {
    modules.push_back({.name = "cuda",
                       .path = {},
                       .reason = "libmaru_cuda.so is not installed",
                       .table = nullptr,
                       .handle = nullptr});
    std::sort(modules.begin(), modules.end(), [](Module const& a, Module const& b) { return a.name < b.name; });
  }
  return modules;
}

std::vector<Backend const*> all_backends(std::span<Backend const* const> builtin, std::vector<Module> const& modules) {
  std::vector<Backend const*> all(builtin.begin(), builtin.end());
  for (auto const& module : modules)
    if (module.table)
      all.insert(all.end(), module.table->backends, module.table->backends + module.table->backend_count);
  return all;
}

} // namespace maru
