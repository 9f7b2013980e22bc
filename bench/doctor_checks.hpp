// SPDX-License-Identifier: Apache-2.0
// What the files bench/doctor*.cpp share; nobody else includes it.
#pragma once

#include "bench/usual.hpp"
#include "core/checkup.hpp"
#include "core/rank_facts.hpp"

#include <fmt/format.h>
#include <map>
#include <string>
#include <vector>

namespace maru {

/// One host, seen through its first rank.
struct HostView {
  std::string name;
  std::int64_t ranks = 0;
  RankFacts const* facts = nullptr; ///< never null
  HostSetup setup;
  double skew = 0; ///< of CLOCK_REALTIME against the hosts' median
};
using Hosts = std::vector<HostView>;

/// What ails one host, or the whole job. Symptoms of several hosts become one advice where check, subject and severity
/// are equal; the host of the largest weight then speaks for all.
struct Symptom {
  std::string check;
  Severity severity = Severity::note;
  std::string host; ///< empty: the job's
  std::string what;
  std::string remedy;
  std::string subject{};
  double weight = 0;
};
using Symptoms = std::vector<Symptom>;

/// Whether a part of a host answered.
bool answers(HostView const& host, std::string_view part);
/// Whether a folder did; says so where not, as `check`.
bool answers(HostView const& host, FolderSpace const& space, char const* check, Symptoms& symptoms);

void check_launch(std::vector<RankFacts> const& facts, Hosts const& hosts, Symptoms& symptoms);
void check_silent(Hosts const& hosts, Symptoms& symptoms);
void check_versions(Hosts const& hosts, Symptoms& symptoms);
void check_drivers(Hosts const& hosts, Symptoms& symptoms);
void check_processor_models(Hosts const& hosts, Symptoms& symptoms);
void check_clocks(Hosts const& hosts, Symptoms& symptoms);
void check_gpus(Hosts const& hosts, Symptoms& symptoms);
void check_folders(Hosts const& hosts, Symptoms& symptoms);
void check_limits(Hosts const& hosts, Symptoms& symptoms);
void check_processors(Hosts const& hosts, Symptoms& symptoms);
void check_kernel_settings(Hosts const& hosts, Symptoms& symptoms);
void check_unread(Hosts const& hosts, Symptoms& symptoms);
void check_interfaces(Hosts const& hosts, Symptoms& symptoms);
void check_told_interfaces(Hosts const& hosts, Symptoms& symptoms);
void check_fabric(Hosts const& hosts, Symptoms& symptoms);
void check_pci(Hosts const& hosts, Symptoms& symptoms);

/// The value of an environment variable; empty when it is not set.
std::string setting(HostSetup const& setup, std::string_view name);
/// The parts between commas, without blanks and empty ones.
std::vector<std::string> comma_list(std::string_view text);
/// "64 MiB", "2.5 GiB".
std::string binary_bytes(std::int64_t bytes);
/// "1 GPU", "8 GPUs".
std::string counted(std::int64_t count, std::string_view noun);

/// Names the hosts whose value is not the usual one. `value` of a host is text; `like` says the rest of the symptom.
template <class Value> void compare_hosts(Hosts const& hosts, Symptom const& like, Value value, Symptoms& symptoms) {
  std::map<std::string, std::size_t> counts;
  for (auto const& host : hosts) ++counts[value(host)];
  if (counts.size() < 2) return;
  auto const common = usual(counts);
  auto const shown = [](std::string const& text) { return text.empty() ? std::string("none") : text; };
  std::string others;
  for (auto const& host : hosts)
    if (others.empty() && value(host) == common) others = fmt::format("{} has", host.name);
  if (counts[common] > 1) others = fmt::format("{} hosts have", counts[common]);
  for (auto const& host : hosts) {
    if (value(host) == common) continue;
    auto symptom = like;
    symptom.host = host.name;
    symptom.what = fmt::format("{} {}, and {} {}", like.what, shown(value(host)), others, shown(common));
    symptoms.push_back(std::move(symptom));
  }
}

} // namespace maru
