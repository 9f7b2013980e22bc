// SPDX-License-Identifier: Apache-2.0
// The link map: every pair of hosts, and of ranks within each host, in rounds in which nobody shares a link with
// anybody else. Nothing else tells a slow host from a slow link.
#include "bench/pairing.hpp"
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::uint64_t latency_calls = 200, bandwidth_calls = 24;
constexpr double seconds_per_case = 0.4; // seen on hosts with TCP between them; clocks, checks and arrivals included

struct Round {
  std::string group_kind;
  GroupList groups;
};

/// Pairs of hosts: the first rank of each speaks for its host.
std::vector<Round> host_rounds(std::vector<HostRanks> const& hosts, std::size_t full) {
  std::vector<Round> rounds;
  for (auto const round : choose_rounds(hosts.size(), full))
    rounds.push_back(
        {fmt::format("hosts:{}", rounds.size()), first_ranks(pairs_of_round(hosts.size(), round), hosts)});
  return rounds;
}

/// Pairs of ranks within a host, on all hosts at once.
std::vector<Round> local_rounds(std::vector<HostRanks> const& hosts) {
  std::size_t most = 0;
  for (auto const& host : hosts) most = std::max(most, rounds_for(host.ranks.size()));
  std::vector<Round> rounds;
  for (std::size_t round = 0; round < most; ++round) {
    GroupList groups;
    for (auto const& host : hosts) {
      if (round >= rounds_for(host.ranks.size())) continue;
      for (auto const& [a, b] : pairs_of_round(host.ranks.size(), round))
        groups.push_back({host.ranks[a], host.ranks[b]});
    }
    rounds.push_back({fmt::format("local:{}", round), std::move(groups)});
  }
  return rounds;
}

std::vector<Round> rounds_of(Parameters const& parameters, ProbeContext const& context) {
  auto const hosts = ranks_by_host(context.hosts);
  auto const full = static_cast<std::size_t>(parse_integer(single(parameters, "full"), "links: full", 1, 1 << 20));
  std::vector<Round> rounds;
  for (auto const& scope : parameters.at("scopes")) {
    if (scope != "hosts" && scope != "local") throw Error(Exit::usage, unknown("scope", scope, {"hosts", "local"}));
    for (auto& round : scope == "hosts" ? host_rounds(hosts, full) : local_rounds(hosts))
      rounds.push_back(std::move(round));
  }
  return rounds;
}

std::uint64_t bandwidth_bytes(Parameters const& parameters, ProbeContext const& context) {
  auto const& text = single(parameters, "size");
  if (text == "auto") return (context.has_device() ? 32U : 4U) << 20;
  auto const bytes = parse_bytes(text, "links: size");
  if (bytes < sizeof(float)) throw Error(Exit::usage, "links: size: smaller than one element");
  return bytes;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const bytes = bandwidth_bytes(parameters, context);
  constexpr std::uint64_t short_message = 8;
  std::vector<Case> result;
  auto const add = [&](Round const& round, Collective const& asked, std::uint64_t calls) {
    Case item;
    item.operation = asked;
    item.group_kind = round.group_kind;
    item.groups = round.groups;
    item.max_iterations = calls;
    choose_backend(item, single(parameters, "backend"), context);
    result.push_back(std::move(item));
  };
  auto rounds = rounds_of(parameters, context);
  if (rounds.empty()) rounds.push_back({"world", {}}); // one rank: the backend says why it cannot
  for (auto const& round : rounds) {
    add(round, {.kind = CollectiveKind::ping_pong, .bytes = short_message}, latency_calls);
    for (int const sender : {0, 1})
      add(round, {.kind = CollectiveKind::send, .bytes = bytes, .root = sender}, bandwidth_calls);
  }
  return result;
}

std::string outlook(Parameters const& parameters, ProbeContext const& context) {
  auto const hosts = ranks_by_host(context.hosts).size();
  auto const rounds = rounds_of(parameters, context);
  auto const between = static_cast<std::size_t>(std::count_if(
      rounds.begin(), rounds.end(), [](Round const& round) { return round.group_kind.starts_with("hosts:"); }));
  if (rounds.empty()) return {};
  auto text = between == 0 ? fmt::format("links: {} rounds within {}", rounds.size(), hosts == 1 ? "the host" : "the hosts")
                           : fmt::format("links: {} hosts in {} of {} rounds{}", hosts, between, rounds_for(hosts),
                                         rounds.size() > between
                                             ? fmt::format(", and {} rounds within hosts", rounds.size() - between)
                                             : "");
  return text + fmt::format("; about {:.0f} s", std::max(1.0, 3 * seconds_per_case * static_cast<double>(rounds.size())));
}

constexpr std::array parameters{
    ProbeParameter{"scopes", "hosts,local", "pairs of hosts, pairs of ranks within each host"},
    ProbeParameter{"size", "auto", "bytes of the bandwidth's messages; auto: 4M, with GPUs 32M"},
    ProbeParameter{"full", "64", "--links-full: hosts up to which every pair is measured"},
    ProbeParameter{"backend", "auto", "nccl, mpi …"},
};

} // namespace

extern Probe const links_probe;
Probe const links_probe{.name = "links",
                        .help = "latency and bandwidth of each pair, in each direction",
                        .parameters = parameters,
                        .cases = cases,
                        .outlook = outlook};

} // namespace maru
