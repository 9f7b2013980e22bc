// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/groups.hpp"
#include "bench/plan.hpp"
#include "core/backend.hpp"
#include "core/operation.hpp"
#include "core/rank_facts.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

struct ProbeParameter {
  char const* key;
  char const* fallback; ///< comma-separated, as on the command line
  char const* help;
};

/// One question, before it is known who answers.
struct Case {
  std::string probe;
  Operation operation;
  std::string group_kind = "rank";  ///< see make_groups
  GroupList groups = {};            ///< instead of what the kind stands for: ranks in none of them stand aside
  Backend const* backend = nullptr; ///< null when none can
  std::string skip_reason;          ///< why not, then
  std::uint64_t max_iterations = 200;
  bool second_look = false; ///< of suspects, beside hosts that are known to be good
  bool coupled() const { return group_kind != "rank"; }
};
/// Unique among the cases of a plan.
std::string key(Case const& item);
/// The kind of group without the number of a round: what cases of one pace have in common.
std::string_view base_kind(std::string_view group_kind);

/// What a probe may know when it lists its cases; equal on every rank.
struct ProbeContext {
  std::vector<Backend const*> const& backends;
  std::int64_t stream_bytes;            ///< bytes of each array that defeats the caches
  DeviceShare device = {};              ///< zero when the ranks compute with their hosts
  std::vector<std::string> hosts = {};  ///< of each rank
  std::vector<std::string> models = {}; ///< of each rank's device, else of its processor; empty where all are alike
  bool has_device() const { return device.visible > 0; }
};

/// A row of a table: bench/CMakeLists.txt registers it.
struct Probe {
  char const* name;
  char const* help;
  std::span<ProbeParameter const> parameters;
  /// Every case, in order, from complete parameters. Throws Error(usage) for values that mean nothing.
  std::vector<Case> (*cases)(Parameters const&, ProbeContext const&);
  /// Of a search: the cases that follow from the rates known so far (mean over the groups, 0 where none could be
  /// measured), by the cases' keys; none when it is at its end. Null for probes that are no search.
  std::vector<Case> (*further)(Parameters const&, ProbeContext const&,
                               std::map<std::string, double> const& rates) = nullptr;
  bool for_devices = false; ///< left out of a plan with other probes where there is no device
  /// What is to be said of it before it begins, in one line: how much there is to do. Null or empty: nothing.
  std::string (*outlook)(Parameters const&, ProbeContext const&) = nullptr;
};

std::span<Probe const* const> probes();

/// Throws Error(usage) for an unknown probe or parameter, with the nearest one.
void check_request(ProbeRequest const& request);
/// The probe of a request, which is known to be in order.
Probe const& probe_of(ProbeRequest const& request);
/// The request's parameters, defaults filled in.
Parameters complete(ProbeRequest const& request);
/// The request's cases. Throws Error(usage).
std::vector<Case> list_cases(ProbeRequest const& request, ProbeContext const& context);
/// A probe's name, or an operation's ("all_reduce"), as a request. Throws Error(usage) with the nearest name.
ProbeRequest request_by_name(std::string const& name);

/// What the backend says, or the failure by which it came to say nothing: a library that does not work here must not
/// keep the other probes from running.
std::optional<Skipped> ask(Backend const& backend, Operation const& operation);

/// Picks the backend: by name, or with "auto" the first that is no reference and supports the operation; where the
/// ranks have devices, and some backend of theirs is for such operations, only those.
void choose_backend(Case& item, std::string const& wanted, ProbeContext const& context);

/// Splits at commas; "a,b" → {"a","b"}.
std::vector<std::string> split_list(std::string_view text);
/// The one value of a parameter. Throws Error(usage) when there are several.
std::string const& single(Parameters const& parameters, std::string const& key);

} // namespace maru
