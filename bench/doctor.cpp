// SPDX-License-Identifier: Apache-2.0
#include "bench/doctor.hpp"

#include "bench/doctor_checks.hpp"
#include "core/clock_sync.hpp"
#include "core/work.hpp"

#include <algorithm>
#include <ctime>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace maru {
namespace {

double realtime_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Two machines of one name stay two: their kernels differ.
Hosts view_hosts(std::vector<RankFacts> const& facts, std::vector<HostSetup> const& setups) {
  Hosts hosts;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (std::size_t rank = 0; rank < facts.size(); ++rank) {
    auto const [place, fresh] = places.try_emplace({facts[rank].host.name, facts[rank].clock_id}, hosts.size());
    if (fresh) {
      HostView host;
      host.name = facts[rank].host.name;
      host.facts = &facts[rank];
      host.setup = setups[rank];
      host.setup.devices.clear();
      hosts.push_back(std::move(host));
    }
    auto& host = hosts[place->second];
    ++host.ranks;
    for (auto const& device : setups[rank].devices)
      if (std::none_of(host.setup.devices.begin(), host.setup.devices.end(),
                       [&](DeviceSeen const& known) { return known.uuid == device.uuid; }))
        host.setup.devices.push_back(device);
    for (auto const& silence : setups[rank].silent)
      if (answers(host, silence.part)) host.setup.silent.push_back(silence);
    host.setup.clock_error = std::max(host.setup.clock_error, setups[rank].clock_error);
  }
  return hosts;
}

// Against the median, so that a wrong clock on the first host does not accuse all others. Of two, the first is right.
void fill_in_skew(Hosts& hosts) {
  std::vector<double> times;
  for (auto const& host : hosts) times.push_back(host.setup.realtime);
  auto const middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  double const median = times.size() == 2 ? hosts.front().setup.realtime : *middle;
  for (auto& host : hosts) host.skew = host.setup.realtime - median;
}

struct Group {
  Advice advice;
  std::set<std::string> whats;
  std::string worst;
  double weight = 0;
};

void join(Group& group, Symptom const& symptom) {
  auto& advice = group.advice;
  if (group.whats.empty() || symptom.weight > group.weight) {
    advice.what = symptom.what;
    advice.remedy = symptom.remedy;
    group.worst = symptom.host;
    group.weight = symptom.weight;
  }
  group.whats.insert(symptom.what);
  if (!symptom.host.empty() && std::find(advice.hosts.begin(), advice.hosts.end(), symptom.host) == advice.hosts.end())
    advice.hosts.push_back(symptom.host);
}

// One line for all hosts that have the same trouble: sixteen lines of one kind hide the seventeenth.
std::vector<Advice> merge(Symptoms const& symptoms) {
  std::vector<Group> groups;
  std::map<std::tuple<std::string, std::string, Severity>, std::size_t> places;
  for (auto const& symptom : symptoms) {
    auto const [place, fresh] = places.try_emplace({symptom.check, symptom.subject, symptom.severity}, groups.size());
    if (fresh) groups.push_back({{symptom.check, symptom.severity, {}, {}, {}}, {}, {}, 0});
    join(groups[place->second], symptom);
  }
  std::vector<Advice> advice;
  for (auto& group : groups) {
    if (group.whats.size() > 1) group.advice.what += fmt::format(" (that is {})", group.worst);
    advice.push_back(std::move(group.advice));
  }
  std::stable_sort(advice.begin(), advice.end(),
                   [](Advice const& a, Advice const& b) { return a.severity < b.severity; });
  return advice;
}

using Check = void (*)(Hosts const&, Symptoms&);

// Of those hosts alone of which something is known: what was not heard of is not zero.
void check_heard(Hosts const& hosts, std::string_view part, std::initializer_list<Check> checks, Symptoms& symptoms) {
  auto const heard = [&](HostView const& host) { return answers(host, part); };
  bool const all = std::all_of(hosts.begin(), hosts.end(), heard);
  Hosts some;
  if (!all) std::copy_if(hosts.begin(), hosts.end(), std::back_inserter(some), heard);
  if (!all && some.empty()) return;
  for (auto const check : checks) check(all ? hosts : some, symptoms);
}

Symptoms look_at(std::vector<RankFacts> const& facts, Hosts const& hosts) {
  Symptoms symptoms;
  check_launch(facts, hosts, symptoms);
  check_silent(hosts, symptoms);
  check_versions(hosts, symptoms);
  check_heard(hosts, part::processors, {check_processor_models}, symptoms);
  check_heard(hosts, part::gpus, {check_gpus}, symptoms);
  check_folders(hosts, symptoms);
  check_heard(hosts, part::kernel, {check_drivers, check_limits, check_processors}, symptoms);
  check_clocks(hosts, symptoms);
  check_heard(hosts, part::network, {check_told_interfaces, check_interfaces, check_fabric}, symptoms);
  check_pci(hosts, symptoms);
  check_heard(hosts, part::kernel, {check_kernel_settings}, symptoms);
  check_unread(hosts, symptoms);
  return symptoms;
}

} // namespace

void compare_clocks(World& world, std::string const& clock_id, HostSetup& setup) {
  auto const fit = measure_clock(world, clock_id);
  double const before = monotonic_seconds(), real = realtime_seconds(), after = monotonic_seconds();
  setup.realtime = real - fit.to_rank0((before + after) / 2);
  setup.clock_error = fit.error + (after - before) / 2;
  setup.same_clock = fit.same_clock;
}

Checkup examine(std::vector<RankFacts> const& facts, std::vector<HostSetup> const& setups) {
  auto hosts = view_hosts(facts, setups);
  fill_in_skew(hosts);
  Checkup checkup;
  checkup.launcher = facts.front().launcher;
  checkup.advice = merge(look_at(facts, hosts));
  checkup.good = std::none_of(checkup.advice.begin(), checkup.advice.end(),
                              [](Advice const& advice) { return advice.severity == Severity::failure; });
  for (auto& host : hosts) {
    HostCheckup entry;
    entry.name = host.name;
    entry.ranks = host.ranks;
    entry.cpu = host.facts->host.cpu;
    entry.kernel = host.facts->host.kernel;
    entry.maru_version = host.facts->maru_version;
    entry.libraries = host.facts->libraries;
    entry.clock_skew = host.skew;
    entry.setup = std::move(host.setup);
    checkup.hosts.push_back(std::move(entry));
  }
  return checkup;
}

std::string setting(HostSetup const& setup, std::string_view name) {
  for (auto const& entry : setup.environment)
    if (entry.name == name) return entry.value;
  return {};
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto const comma = std::min(text.find(','), text.size());
    std::string part;
    for (char const c : text.substr(0, comma))
      if (c != ' ' && c != '\t') part += c;
    if (!part.empty()) parts.push_back(std::move(part));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string binary_bytes(std::int64_t bytes) {
  constexpr double mebibyte = 1 << 20, gibibyte = 1 << 30;
  auto const value = static_cast<double>(bytes);
  if (value < gibibyte) return fmt::format("{:.3g} MiB", value / mebibyte);
  return value < 100 * gibibyte ? fmt::format("{:.1f} GiB", value / gibibyte)
                                : fmt::format("{:.0f} GiB", value / gibibyte);
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace maru
