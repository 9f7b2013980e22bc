// SPDX-License-Identifier: Apache-2.0
#include "bench/devices.hpp"
#include "core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// `hosts` machines of `per_host` devices, a rank on each.
std::vector<RankFacts> cluster(int hosts, int per_host) {
  std::vector<RankFacts> facts;
  for (int host = 0; host < hosts; ++host)
    for (int local = 0; local < per_host; ++local) {
      RankFacts f;
      f.rank.rank = static_cast<std::int64_t>(facts.size());
      f.rank.device = "Test 1";
      f.rank.device_uuid = "GPU-" + std::to_string(facts.size());
      f.rank.driver = "driver 1";
      f.host.name = "h" + std::to_string(host);
      f.device_kind = "test";
      f.devices = per_host;
      f.device_l2_bytes = 50 << 20;
      f.device_memory_bytes = std::int64_t{80} << 30;
      f.libraries = "NCCL 2.28";
      facts.push_back(f);
    }
  return facts;
}

int used = -1;
void use(std::int64_t index) {
  if (index == 3) throw Error(Exit::incomplete, "device 3 is broken");
  used = static_cast<int>(index);
}

Equipment equipment(int devices) {
  static Accelerators const accelerators{.kind = "test", .list = nullptr, .use = use};
  Equipment result;
  result.accelerators = &accelerators;
  result.libraries = "NCCL 2.28";
  for (int i = 0; i < devices; ++i) {
    DeviceInfo device;
    device.index = i;
    device.model = "Test 1";
    device.uuid = "GPU-" + std::to_string(i);
    result.devices.devices.push_back(device);
  }
  return result;
}

std::string claimed(int devices, std::int64_t local, bool rehearsal) {
  RankFacts facts;
  claim_device(equipment(devices), local, rehearsal, facts);
  return facts.device_reason.empty() ? facts.rank.device_uuid : facts.device_reason;
}

TEST(Devices, OfEachPlaceOnAHost) {
  EXPECT_EQ(claimed(8, 5, false), "GPU-5");
  EXPECT_EQ(used, 5);
  EXPECT_EQ(claimed(1, 5, false), "GPU-0") << "a launcher that shows each rank its own device only";
  EXPECT_EQ(claimed(2, 5, true), "GPU-1") << "a rehearsal goes round";
}

TEST(Devices, ReasonsInsteadOfADevice) {
  EXPECT_EQ(claimed(7, 7, false), "its host shows 7 device(s) to 8 or more ranks");
  EXPECT_EQ(claimed(8, 3, false), "device 3 is broken");
  Equipment none;
  none.devices.reason = "no driver";
  RankFacts facts;
  claim_device(none, 0, false, facts);
  EXPECT_EQ(facts.device_reason, "no driver");
  EXPECT_TRUE(facts.device_kind.empty());
}

TEST(Devices, AnOrderlyClusterIsInOrder) {
  EXPECT_THAT(check_devices(cluster(3, 8), false), IsEmpty());
  EXPECT_THAT(note_devices(cluster(3, 8)), IsEmpty());
}

TEST(Devices, HostsWithoutAnyAreInOrderToo) {
  auto facts = cluster(2, 2);
  for (auto& fact : facts) {
    auto const host = fact.host;
    fact = {};
    fact.host = host;
    fact.device_reason = "no driver";
  }
  EXPECT_THAT(check_devices(facts, false), IsEmpty());
  EXPECT_EQ(share_devices(facts).visible, 0);
}

TEST(Devices, SevenOfEight) {
  auto facts = cluster(3, 8);
  for (auto& fact : facts)
    if (fact.host.name == "h1") fact.devices = 7;
  facts[15].rank.device_uuid.clear();
  facts[15].device_reason = "its host shows 7 device(s) to 8 or more ranks";
  EXPECT_THAT(check_devices(facts, false),
              ElementsAre(HasSubstr("rank 15 on h1 computes with no test device: its host shows 7"),
                          "h1 shows 7 device(s) where 8 are usual"));
}

TEST(Devices, OneHostWithoutADriver) {
  auto facts = cluster(2, 1);
  facts[1].device_kind.clear();
  facts[1].device_reason = "no driver";
  facts[1].devices = 0;
  facts[1].rank.device_uuid.clear();
  EXPECT_THAT(check_devices(facts, false).front(), HasSubstr("rank 1 on h1 computes with no test device: no driver"));
}

TEST(Devices, SharedOnlyInARehearsal) {
  auto facts = cluster(1, 2);
  facts[1].rank.device_uuid = facts[0].rank.device_uuid;
  EXPECT_THAT(check_devices(facts, false), ElementsAre(HasSubstr("ranks 0 and 1 both use device GPU-0 (--rehearse")));
  EXPECT_THAT(check_devices(facts, true), IsEmpty());
  EXPECT_EQ(share_devices(facts).memory_bytes, std::int64_t{40} << 30) << "two ranks share its memory";
}

TEST(Devices, LibrariesMustBeEqualAndDriversNeedNot) {
  auto facts = cluster(2, 1);
  facts[1].libraries = "NCCL 2.27";
  facts[1].rank.driver = "driver 2";
  EXPECT_THAT(check_devices(facts, false), ElementsAre("rank 1 on h1 has NCCL 2.27, rank 0 on h0 has NCCL 2.28"));
  EXPECT_THAT(note_devices(facts), ElementsAre(HasSubstr("drivers differ: rank 1 on h1 has driver 2")));
}

TEST(Devices, IdleOnesAreNoted) {
  auto facts = cluster(1, 8);
  facts.resize(4);
  EXPECT_THAT(note_devices(facts), ElementsAre("h0: 4 of its 8 devices are used"));
}

TEST(Devices, LocalRankCountsTheRanksBefore) {
  run_thread_world(5, [](World& world) {
    auto const host = world.rank() % 2 == 0 ? "even" : "odd";
    EXPECT_EQ(local_rank(world, host), world.rank() / 2);
  });
}

} // namespace
} // namespace maru
