// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// A probe's parameters as text, each a list; probes know their keys, defaults and how to read them.
using Parameters = std::map<std::string, std::vector<std::string>>;

struct ProbeRequest {
  std::string probe;
  Parameters parameters;
};

/// What to ask and how hard to try.
struct Plan {
  std::string name;
  std::vector<ProbeRequest> requests;
  double precision = 0.01;                     ///< of the median, as a part of it
  std::optional<double> budget;                ///< seconds for the whole run
  double case_budget = 10;                     ///< seconds for one case
  std::optional<std::uint64_t> max_iterations; ///< calls per case; otherwise the probe's own default
  std::optional<std::uint64_t> iterations;     ///< -n
  std::optional<std::uint64_t> warmup;         ///< -w
  bool check = true;                           ///< -c: verify before timing
  bool recheck = false;                        ///< ask suspects again, beside hosts that are under no suspicion
};

/// Names of the plans that come with the program: quick, standard, full.
std::vector<std::string> builtin_plans();
/// A built-in plan's TOML text. Throws Error(usage) for another name.
std::string_view builtin_plan_text(std::string_view name);

/// Reads a plan. Throws Error(usage) with origin, line and the fault for anything that is not one.
Plan parse_plan(std::string_view toml, std::string const& origin);
/// A built-in plan by name, otherwise a TOML file.
Plan load_plan(std::string const& name_or_file);

/// The plan as TOML that parse_plan reads back to the same digest; a journal carries it, so that a run can be resumed
/// from its folder alone.
std::string plan_to_toml(Plan const& plan);

/// Digest of what is asked and how: equal digests ask the same in their first looks. The budget is left out, so that a
/// run that was cut short can be resumed with more time.
std::string plan_digest(Plan const& plan);

/// Reads "1%" or "0.01". Throws Error(usage).
double parse_precision(std::string_view text, std::string_view what);

} // namespace maru
