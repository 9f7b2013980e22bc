// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"

#include "core/error.hpp"
#include "core/suggest.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

Probe const& find_probe(std::string_view name) {
  std::vector<std::string> names;
  for (auto const* probe : probes()) {
    if (name == probe->name) return *probe;
    names.emplace_back(probe->name);
  }
  throw Error(Exit::usage, unknown("probe", name, names));
}

} // namespace

std::string key(Case const& item) {
  return fmt::format("{} {} {} {} {}{}", item.probe, name(item.operation), item.backend ? item.backend->name : "none",
                     labels(item.operation).line(), item.group_kind, item.second_look ? " again" : "");
}

std::string_view base_kind(std::string_view group_kind) {
  for (std::string_view const numbered : {"hosts:", "local:"})
    if (group_kind.starts_with(numbered)) return numbered;
  return group_kind;
}

void check_request(ProbeRequest const& request) {
  auto const& probe = find_probe(request.probe);
  std::vector<std::string> known;
  for (auto const& parameter : probe.parameters) known.emplace_back(parameter.key);
  for (auto const& [key, values] : request.parameters)
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(Exit::usage, unknown(fmt::format("parameter of {}", request.probe), key, known));
}

Probe const& probe_of(ProbeRequest const& request) { return find_probe(request.probe); }

Parameters complete(ProbeRequest const& request) {
  auto parameters = request.parameters;
  for (auto const& parameter : probe_of(request).parameters)
    parameters.try_emplace(parameter.key, split_list(parameter.fallback));
  return parameters;
}

std::vector<Case> list_cases(ProbeRequest const& request, ProbeContext const& context) {
  check_request(request);
  auto const& probe = probe_of(request);
  auto cases = probe.cases(complete(request), context);
  for (auto& item : cases) item.probe = probe.name;
  return cases;
}

ProbeRequest request_by_name(std::string const& name) {
  std::vector<std::string> names;
  for (auto const* probe : probes()) {
    if (name == probe->name) return {.probe = name, .parameters = {}};
    names.emplace_back(probe->name);
    for (auto const& parameter : probe->parameters) {
      if (std::string_view(parameter.key) != "operations") continue;
      auto const operations = split_list(parameter.fallback);
      if (std::find(operations.begin(), operations.end(), name) != operations.end())
        return {.probe = probe->name, .parameters = {{"operations", {name}}}};
      names.insert(names.end(), operations.begin(), operations.end());
    }
  }
  throw Error(Exit::usage, unknown("probe", name, names));
}

std::optional<Skipped> ask(Backend const& backend, Operation const& operation) {
  try {
    return backend.supports(operation);
  } catch (Error const& error) {
    return Skipped{error.what()};
  }
}

namespace {

// Where an accelerator could have answered, a host's number in its place would be taken for the accelerator's.
bool is_for_devices(std::string_view family, ProbeContext const& context) {
  return context.has_device() && std::any_of(context.backends.begin(), context.backends.end(), [&](Backend const* b) {
           return family == b->family && std::string_view(b->device) != "cpu";
         });
}

} // namespace

void choose_backend(Case& item, std::string const& wanted, ProbeContext const& context) {
  std::vector<std::string> names;
  bool const devices_only = wanted == "auto" && is_for_devices(family(item.operation), context);
  for (auto const* backend : context.backends) {
    if (family(item.operation) != backend->family) continue;
    names.emplace_back(backend->name);
    if (devices_only && std::string_view(backend->device) == "cpu") continue;
    if (wanted == "auto" ? backend->reference : wanted != backend->name) continue;
    // Whether a collective can be done depends on its group, which is known only where it is run.
    auto const skipped = item.coupled() ? std::nullopt : ask(*backend, item.operation);
    if (!skipped) {
      item.backend = backend;
      return;
    }
    item.skip_reason += fmt::format("{}{}: {}", item.skip_reason.empty() ? "" : "; ", backend->name, skipped->reason);
  }
  if (wanted != "auto" && std::find(names.begin(), names.end(), wanted) == names.end())
    throw Error(Exit::usage, unknown("backend", wanted, names));
  if (item.skip_reason.empty()) item.skip_reason = "no backend for it";
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    auto const comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string const& single(Parameters const& parameters, std::string const& key) {
  auto const& values = parameters.at(key);
  if (values.size() != 1) throw Error(Exit::usage, fmt::format("{}: expected one value", key));
  return values.front();
}

} // namespace maru
