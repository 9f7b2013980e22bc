// SPDX-License-Identifier: Apache-2.0
#include "bench/devices.hpp"

#include "bench/usual.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace maru {
namespace {

using Lines = std::vector<std::string>;

/// Ranks that have a device, by host and then by device.
using Users = std::map<std::string, std::map<std::string, std::vector<RankFacts const*>>>;

Users users_of(std::vector<RankFacts> const& facts) {
  Users users;
  for (auto const& fact : facts)
    if (!fact.rank.device_uuid.empty()) users[fact.host.name][fact.rank.device_uuid].push_back(&fact);
  return users;
}

void check_everybody_has_one(Lines& faults, std::vector<RankFacts> const& facts) {
  auto const with = std::find_if(facts.begin(), facts.end(), [](RankFacts const& f) { return !f.device_kind.empty(); });
  if (with == facts.end()) return;
  for (auto const& fact : facts) {
    if (fact.device_kind == with->device_kind && fact.device_reason.empty()) continue;
    auto const reason = fact.device_reason.empty() ? "it looked for none" : fact.device_reason;
    faults.push_back(fmt::format("rank {} on {} computes with no {} device: {} (rank {} on {} does)", fact.rank.rank,
                                 fact.host.name, with->device_kind, reason, with->rank.rank, with->host.name));
    return; // one example says enough
  }
}

// A node that lost a device on the way would otherwise run with seven ranks, or not be missed at all.
void check_counts(Lines& faults, std::vector<RankFacts> const& facts) {
  std::map<std::string, std::int64_t> seen; // host → devices
  for (auto const& fact : facts) seen[fact.host.name] = std::max(seen[fact.host.name], fact.devices);
  std::map<std::int64_t, std::size_t> counts; // devices → hosts
  for (auto const& [host, devices] : seen) ++counts[devices];
  if (counts.size() < 2) return;
  auto const expected = usual(counts);
  for (auto const& [host, devices] : seen)
    if (devices != expected)
      faults.push_back(fmt::format("{} shows {} device(s) where {} are usual", host, devices, expected));
}

void check_sharing(Lines& faults, std::vector<RankFacts> const& facts) {
  for (auto const& [host, devices] : users_of(facts))
    for (auto const& [uuid, ranks] : devices)
      if (ranks.size() > 1)
        faults.push_back(fmt::format("{}: ranks {} and {} both use device {} (--rehearse lets them, to try the code)",
                                     host, ranks[0]->rank.rank, ranks[1]->rank.rank, uuid));
}

void check_libraries(Lines& faults, std::vector<RankFacts> const& facts) {
  for (auto const& fact : facts)
    if (fact.libraries != facts.front().libraries) {
      faults.push_back(fmt::format("rank {} on {} has {}, rank 0 on {} has {}", fact.rank.rank, fact.host.name,
                                   fact.libraries.empty() ? "no accelerator's libraries" : fact.libraries,
                                   facts.front().host.name,
                                   facts.front().libraries.empty() ? "none" : facts.front().libraries));
      return;
    }
}

} // namespace

std::int64_t local_rank(World& world, std::string const& host) {
  std::string all;
  for (auto const& name : world.gather_text(host)) all += name + '\n';
  all = world.broadcast_text(all);
  std::int64_t before = 0;
  std::size_t begin = 0;
  for (int rank = 0; rank < world.rank(); ++rank) {
    auto const end = all.find('\n', begin);
    before += all.compare(begin, end - begin, host) == 0 ? 1 : 0;
    begin = end + 1;
  }
  return before;
}

void claim_device(Equipment const& equipment, std::int64_t local_rank, bool rehearsal, RankFacts& facts) {
  auto const& list = equipment.devices.devices;
  facts.libraries = equipment.accelerators ? equipment.libraries : std::string();
  facts.device_reason = equipment.devices.reason;
  if (!equipment.accelerators) return;
  facts.device_kind = equipment.accelerators->kind;
  facts.devices = static_cast<std::int64_t>(list.size());
  // Slurm and others show each process its own device only.
  auto const place = list.size() == 1 || rehearsal ? local_rank % facts.devices : local_rank;
  if (place >= facts.devices) {
    facts.device_reason = fmt::format("its host shows {} device(s) to {} or more ranks", list.size(), local_rank + 1);
    return;
  }
  auto const& device = list[static_cast<std::size_t>(place)];
  try {
    equipment.accelerators->use(device.index);
  } catch (Error const& error) {
    facts.device_reason = error.what();
    return;
  }
  facts.device_reason.clear();
  facts.rank.device = device.model;
  facts.rank.device_uuid = device.uuid;
  facts.rank.device_bus = device.bus;
  facts.rank.driver = equipment.devices.version;
  facts.device_l2_bytes = device.l2_bytes;
  facts.device_memory_bytes = device.memory_bytes;
}

std::vector<std::string> check_devices(std::vector<RankFacts> const& facts, bool rehearsal) {
  Lines faults;
  check_everybody_has_one(faults, facts);
  check_counts(faults, facts);
  if (!rehearsal) check_sharing(faults, facts);
  check_libraries(faults, facts);
  return faults;
}

std::vector<std::string> note_devices(std::vector<RankFacts> const& facts) {
  Lines notes;
  for (auto const& [host, devices] : users_of(facts)) {
    auto const seen = devices.begin()->second.front()->devices;
    if (static_cast<std::int64_t>(devices.size()) < seen)
      notes.push_back(fmt::format("{}: {} of its {} devices are used", host, devices.size(), seen));
  }
  for (auto const& fact : facts)
    if (fact.rank.driver != facts.front().rank.driver) {
      notes.push_back(fmt::format("drivers differ: rank {} on {} has {}, rank 0 on {} has {}", fact.rank.rank,
                                  fact.host.name, fact.rank.driver, facts.front().host.name,
                                  facts.front().rank.driver));
      break;
    }
  return notes;
}

DeviceShare share_devices(std::vector<RankFacts> const& facts) {
  auto const users = users_of(facts);
  DeviceShare share;
  bool first = true;
  for (auto const& fact : facts) {
    if (fact.rank.device_uuid.empty()) return {};
    auto const sharers = static_cast<std::int64_t>(users.at(fact.host.name).at(fact.rank.device_uuid).size());
    auto const memory = fact.device_memory_bytes / sharers;
    share.visible = first ? fact.devices : std::min(share.visible, fact.devices);
    share.l2_bytes = first ? fact.device_l2_bytes : std::min(share.l2_bytes, fact.device_l2_bytes);
    share.memory_bytes = first ? memory : std::min(share.memory_bytes, memory);
    first = false;
  }
  return share;
}

} // namespace maru
