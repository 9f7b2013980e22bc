// SPDX-License-Identifier: Apache-2.0
// An earlier run as the past of a later one: only what answers the same question is.
#include "analysis/judge.hpp"
#include "core/past.hpp"
#include "tests/unit/fleet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Report run_of(std::size_t hosts, std::size_t ranks, std::int64_t threads, bool devices = false) {
  Fleet fleet;
  fleet.hosts = hosts;
  fleet.ranks_per_host = ranks;
  fleet.devices = devices;
  fleet.links = false;
  auto report = make_report(fleet);
  for (auto& rank : report.ranks) rank.threads = threads;
  return report;
}

Verdict judged(Report const& report, Report const& earlier) {
  JudgeOptions options;
  auto run = past_of_report(report, earlier);
  options.past = std::move(run.past);
  options.not_comparable = std::move(run.differences);
  options.baseline = "yesterday";
  return judge(report, options);
}

TEST(PastOfReport, IsWhatWasLaidOutAlike) {
  auto const report = run_of(2, 2, 4);
  auto const [past, differences] = past_of_report(report, run_of(3, 2, 4));
  EXPECT_THAT(past, SizeIs(2 * (2 * 3 + 1))) << "two sizes of gemm and a copy of each rank, an all_reduce of each host";
  EXPECT_THAT(differences, IsEmpty());
  auto const verdict = judged(report, report);
  EXPECT_EQ(verdict.hosts[0].historical, State::pass);
}

TEST(PastOfReport, OfOtherRanksOrThreadsIsNone) {
  auto const report = run_of(2, 2, 4);
  for (auto const& [earlier, what] :
       {std::pair(run_of(2, 4, 2), "h00000, h00001: 2 ranks × 4 threads now, 4 ranks × 2 threads then"),
        std::pair(run_of(2, 2, 1), "h00000, h00001: 2 ranks × 4 threads now, 2 ranks × 1 thread then"),
        std::pair(run_of(2, 1, 8), "h00000, h00001: 2 ranks × 4 threads now, 1 rank × 8 threads then")}) {
    auto const run = past_of_report(report, earlier);
    EXPECT_THAT(run.past, IsEmpty());
    EXPECT_THAT(run.differences, ElementsAre(what));
  }
  // Devices do not wait for threads.
  EXPECT_THAT(past_of_report(run_of(2, 2, 4, true), run_of(2, 2, 1, true)).differences, IsEmpty());
  EXPECT_THAT(past_of_report(run_of(2, 2, 4, true), run_of(2, 4, 4, true)).past, IsEmpty());
}

TEST(PastOfReport, OfAnotherModelOrDeviceIsNone) {
  auto const report = run_of(2, 1, 1), devices = run_of(2, 2, 1, true);
  auto older = report;
  older.hosts[1].cpu = "AMD EPYC 7742";
  auto const run = past_of_report(report, older);
  EXPECT_THAT(run.past, SizeIs(3));
  EXPECT_THAT(run.differences, ElementsAre("h00001: AMD EPYC 9654 now, AMD EPYC 7742 then"));
  auto replaced = devices;
  replaced.ranks[3].device_uuid = "GPU-old";
  EXPECT_THAT(past_of_report(devices, replaced).differences, ElementsAre("h00001 in part: another NVIDIA H200 then"));
  replaced.ranks[3].device = "NVIDIA A100-SXM4-80GB";
  EXPECT_THAT(past_of_report(devices, replaced).differences,
              ElementsAre("h00001 in part: NVIDIA H200 now, NVIDIA A100-SXM4-80GB then"));
}

TEST(PastOfReport, FollowsADeviceToAnotherHost) {
  auto const report = run_of(2, 2, 1, true);
  auto moved = report;
  std::swap(moved.ranks[0].device_uuid, moved.ranks[3].device_uuid);
  auto const run = past_of_report(report, moved);
  EXPECT_THAT(run.differences, IsEmpty());
  EXPECT_THAT(run.past, Contains(testing::Field(&Past::device_uuid, "GPU-00000003")));
}

TEST(PastOfReport, OfAnotherLayoutIsUnknownAndNoFailure) {
  auto const report = run_of(1, 2, 4); // without enough peers
  auto faster = run_of(1, 1, 8);
  for (auto& record : faster.records) record.time->median /= 10;
  auto const verdict = judged(report, faster);
  for (auto const& host : verdict.hosts) {
    EXPECT_EQ(host.historical, State::unknown);
    EXPECT_EQ(host.state, State::unknown);
    EXPECT_THAT(host.reason, HasSubstr("nothing to judge it by"));
  }
  EXPECT_THAT(verdict.notes,
              Contains("not held against the baseline: h00000: 2 ranks × 4 threads now, 1 rank × 8 threads then"));
}

TEST(PastOfReport, OfAnotherFleetIsNoneWithoutAWord) {
  auto other = run_of(2, 2, 4);
  for (auto& host : other.hosts) host.name = "x" + host.name;
  for (auto& rank : other.ranks) rank.host = "x" + rank.host;
  auto const run = past_of_report(run_of(2, 2, 4), other);
  EXPECT_THAT(run.past, IsEmpty());
  EXPECT_THAT(run.differences, IsEmpty());
}

} // namespace
} // namespace maru
