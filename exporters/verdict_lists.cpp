// SPDX-License-Identifier: Apache-2.0
// What schedulers and launchers read. A host that is unknown is in none of these: nothing is proved against it, so it
// is not drained, and nothing speaks for it, so no job is sent there. Nothing here is ever executed by this program.
#include "exporters/verdict_format.hpp"
#include "exporters/verdict_text.hpp"

namespace maru {
namespace {

std::string refused(std::string_view name) {
  return fmt::format("# left out, no plain host name: {}\n", harmless(name));
}

// A slow link is no host's fault until shown; an unknown host may be either.
std::string left_out(Verdict const& verdict, std::string_view how) {
  std::string text;
  if (auto const count = count_of(verdict.hosts, State::unknown))
    text += fmt::format("# {}: {}\n", counted(count, "unknown host"), how);
  return text;
}

std::string slurm(Verdict const& verdict) {
  std::string text = fmt::format("# maru validate: {}. Read it, then run it with sh.\n",
                                 counted(count_of(verdict.hosts, State::fail), "host") + " to drain");
  text += left_out(verdict, "not drained, for nothing is proved");
  if (auto const count = count_of(verdict.links, State::fail))
    text += fmt::format("# {}: no host is drained for these\n", counted(count, "failing link"));
  for (auto const& host : verdict.hosts) {
    if (host.state != State::fail) continue;
    text += is_plain_host(host.host) ? fmt::format("scontrol update nodename={} state=drain reason=\"maru: {}\"\n",
                                                   host.host, harmless(host.reason))
                                     : refused(host.host);
  }
  return text;
}

std::string hostfile(Verdict const& verdict) {
  auto text = left_out(verdict, "left out, for nothing speaks for them");
  for (auto const& host : verdict.hosts) {
    if (host.state != State::pass && host.state != State::warn) continue;
    text += is_plain_host(host.host) ? host.host + "\n" : refused(host.host);
  }
  return text;
}

std::string drain(Verdict const& verdict) {
  std::string text;
  for (auto const& host : verdict.hosts) {
    if (host.state != State::fail) continue;
    text += is_plain_host(host.host) ? fmt::format("{}  {}\n", host.host, harmless(host.reason)) : refused(host.host);
  }
  return text;
}

} // namespace

extern VerdictFormat const slurm_verdict, hostfile_verdict, drain_verdict;
VerdictFormat const slurm_verdict{"slurm", "scontrol lines that drain the failing hosts; never run by maru", slurm};
VerdictFormat const hostfile_verdict{"hostfile", "the hosts that pass, for mpirun --hostfile", hostfile};
VerdictFormat const drain_verdict{"drain", "the failing hosts, each with its reason", drain};

} // namespace maru
