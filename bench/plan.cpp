// SPDX-License-Identifier: Apache-2.0
#include "bench/plan.hpp"

#include "bench/builtin_plans.hpp"
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/fingerprint.hpp"
#include "core/suggest.hpp"
#include "core/toml_tree.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

ProbeRequest read_request(toml::node const& node, std::string const& origin) {
  auto const where = place(origin, node);
  auto const* table = node.as_table();
  if (!table) throw Error(Exit::usage, fmt::format("{}: expected a [[probe]] table", where));
  auto const* name = table->get("name");
  if (!name || !name->is_string()) throw Error(Exit::usage, fmt::format("{}: [[probe]] without a name", where));
  ProbeRequest request{.probe = *name->value<std::string>(), .parameters = {}};
  for (auto const& [key, value] : *table) {
    if (key == "name") continue;
    request.parameters[std::string(key.str())] =
        list_text(value, fmt::format("{}: {}", place(origin, value), key.str()));
  }
  try {
    check_request(request);
  } catch (Error const& error) {
    throw Error(Exit::usage, fmt::format("{}: {}", where, error.what()));
  }
  return request;
}

void read_setting(Plan& plan, std::string_view key, toml::node const& node, std::string const& origin) {
  auto const where = fmt::format("{}: {}", place(origin, node), key);
  auto const text = [&] { return scalar_text(node, where); };
  constexpr std::int64_t most = std::int64_t{1} << 40;
  if (key == "name")
    plan.name = text();
  else if (key == "budget")
    plan.budget = parse_duration(text(), where);
  else if (key == "case_budget")
    plan.case_budget = parse_duration(text(), where);
  else if (key == "precision")
    plan.precision = parse_precision(text(), where);
  else if (key == "max_iterations")
    plan.max_iterations = static_cast<std::uint64_t>(parse_integer(text(), where, 1, most));
  else if (key == "iterations")
    plan.iterations = static_cast<std::uint64_t>(parse_integer(text(), where, 1, most));
  else if (key == "warmup")
    plan.warmup = static_cast<std::uint64_t>(parse_integer(text(), where, 0, most));
  else if (key == "check" && node.is_boolean())
    plan.check = *node.value<bool>();
  else if (key == "recheck" && node.is_boolean())
    plan.recheck = *node.value<bool>();
  else if (key == "check" || key == "recheck")
    throw Error(Exit::usage, fmt::format("{}: expected true or false", where));
  else
    throw Error(Exit::usage, fmt::format("{}: {}", place(origin, node),
                                         unknown("key", key,
                                                 {"name", "budget", "case_budget", "precision", "max_iterations",
                                                  "iterations", "warmup", "check", "recheck", "probe"})));
}

} // namespace

std::vector<std::string> builtin_plans() {
  std::vector<std::string> names;
  for (auto const& plan : builtin_plan_table) names.emplace_back(plan.name);
  return names;
}

std::string_view builtin_plan_text(std::string_view name) {
  for (auto const& plan : builtin_plan_table)
    if (plan.name == name) return plan.text;
  throw Error(Exit::usage, unknown("plan", name, builtin_plans()));
}

Plan parse_plan(std::string_view text, std::string const& origin) {
  auto const root = parse_toml(text, origin);
  Plan plan;
  plan.name = origin;
  for (auto const& [key, node] : root) {
    if (key != "probe") {
      read_setting(plan, key.str(), node, origin);
      continue;
    }
    auto const* probes = node.as_array();
    if (!probes) throw Error(Exit::usage, fmt::format("{}: write [[probe]], one for each probe", place(origin, node)));
    for (auto const& entry : *probes) plan.requests.push_back(read_request(entry, origin));
  }
  if (plan.requests.empty()) throw Error(Exit::usage, fmt::format("{}: asks for no probe", origin));
  return plan;
}

Plan load_plan(std::string const& name_or_file) {
  auto const names = builtin_plans();
  if (std::find(names.begin(), names.end(), name_or_file) != names.end())
    return parse_plan(builtin_plan_text(name_or_file), name_or_file);
  if (name_or_file.find('/') == std::string::npos && !name_or_file.ends_with(".toml") && !is_file(name_or_file))
    throw Error(Exit::usage, unknown("plan", name_or_file, names));
  return parse_plan(read_file(name_or_file, largest_toml), name_or_file);
}

std::string plan_to_toml(Plan const& plan) {
  auto const quoted = [](std::string_view text) { // a TOML basic string
    std::string result = "\"";
    for (char const c : text) {
      auto const code = static_cast<unsigned char>(c);
      if (code < 0x20 || code == 0x7f)
        result += fmt::format("\\u{:04X}", code);
      else if (c == '"' || c == '\\')
        result += {'\\', c};
      else
        result += c;
    }
    return result + "\"";
  };
  std::string text = fmt::format("name = {}\nprecision = \"{}\"\ncase_budget = \"{}s\"\ncheck = {}\n",
                                 quoted(plan.name), plan.precision, plan.case_budget, plan.check);
  if (plan.recheck) text += "recheck = true\n";
  if (plan.budget) text += fmt::format("budget = \"{}s\"\n", *plan.budget);
  if (plan.max_iterations) text += fmt::format("max_iterations = {}\n", *plan.max_iterations);
  if (plan.iterations) text += fmt::format("iterations = {}\n", *plan.iterations);
  if (plan.warmup) text += fmt::format("warmup = {}\n", *plan.warmup);
  for (auto const& request : plan.requests) {
    text += fmt::format("\n[[probe]]\nname = {}\n", quoted(request.probe));
    for (auto const& [key, values] : request.parameters) {
      std::vector<std::string> parts;
      for (auto const& value : values) parts.push_back(quoted(value));
      text += fmt::format("{} = [{}]\n", key, fmt::join(parts, ", "));
    }
  }
  return text;
}

std::string plan_digest(Plan const& plan) {
  std::string text =
      fmt::format("precision={} max={} n={} w={} check={}\n", plan.precision, plan.max_iterations.value_or(0),
                  plan.iterations.value_or(0), plan.warmup ? fmt::format("{}", *plan.warmup) : "auto", plan.check);
  for (auto const& request : plan.requests) {
    text += request.probe + "\n";
    for (auto const& [key, values] : request.parameters) text += fmt::format(" {}={}\n", key, fmt::join(values, ","));
  }
  return fmt::format("{:016x}", fingerprint(text));
}

double parse_precision(std::string_view text, std::string_view what) {
  bool const percent = text.ends_with('%');
  double const value = parse_number(percent ? text.substr(0, text.size() - 1) : text, what) / (percent ? 100 : 1);
  if (!(value > 0 && value < 1))
    throw Error(Exit::usage, fmt::format("{}: '{}' is not between 0 and 100 %", what, text));
  return value;
}

} // namespace maru
