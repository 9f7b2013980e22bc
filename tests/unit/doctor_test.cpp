// SPDX-License-Identifier: Apache-2.0
#include "exporters/checkup_table.hpp"
#include "tests/unit/doctor_job.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace maru {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Doctor, HealthyHosts) {
  Job const job(4);
  EXPECT_THAT(job.ailments(), ElementsAre());
  EXPECT_TRUE(job.examine().good);
  EXPECT_THAT(checkup_table(job.examine()), StartsWith("4 hosts: nothing to mend\nmaru 1.0 · 4 ranks on 4 hosts"));
}

TEST(Doctor, EachProcessAlone) {
  Job job(1);
  job.facts[0].launched = 8;
  EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("failure launcher h1: mpirun started 8 processes")));
  EXPECT_FALSE(job.examine().good);
}

TEST(Doctor, AnEnvironmentThatAJobLeftBehind) {
  Job job(1);
  job.facts[0].launched = 8;
  job.setups[0].orphan = true;
  EXPECT_THAT(job.ailments(),
              ElementsAre(HasSubstr("failure launcher h1: the environment is that of one of 8 processes "
                                    "of mpirun, and none is above this process")));
  EXPECT_THAT(job.examine().advice.at(0).remedy, StartsWith("unset $("));
}

TEST(Doctor, AFolderThatDoesNotAnswer) {
  Job job(3);
  for (auto* place : {&job.setups[0].out, &job.setups[1].temporary, &job.setups[2].shared_memory, &job.setups[2].out}) {
    place->silent = true;
    place->fault = "does not answer in 5 s (nfs4 of fs1:/export)";
    place->free_bytes = place->total_bytes = unknown_because<std::int64_t>(place->fault);
  }
  EXPECT_THAT(job.ailments(),
              ElementsAre("failure results h1: run does not answer in 5 s (nfs4 of fs1:/export)",
                          "failure temporary folder h2: /tmp does not answer in 5 s (nfs4 of fs1:/export)",
                          "failure shared memory h3: /dev/shm does not answer in 5 s (nfs4 of fs1:/export)"));
}

TEST(Doctor, WhatDoesNotAnswerIsNotTakenForNothing) {
  Job job(4);
  for (auto& setup : job.setups) {
    give_gpus(setup, 8);
    setup.pci.nvidia = 8;
    setup.fabric = {port("ACTIVE", 400)};
  }
  for (auto const* silent : {part::kernel, part::network, part::pci, part::gpus, part::processors})
    job.setups[1].silent.push_back({silent, "does not answer in 10 s"});
  auto& setup = job.setups[1];
  auto const silent = setup.silent;
  setup = {};
  setup.silent = silent;
  setup.mpi = job.setups[0].mpi;
  setup.realtime = job.setups[0].realtime;
  setup.shared_memory = setup.temporary = setup.out = roomy("/tmp");
  job.facts[1].rank.cpus = job.facts[1].usable_cpus = "";
  job.facts[1].host.cpu = "";
  std::vector<std::string> expected;
  for (auto const* name : {part::kernel, part::network, part::pci, part::gpus, part::processors})
    expected.push_back(fmt::format("failure no answer h2: {}: does not answer in 10 s", name));
  EXPECT_EQ(job.ailments(), expected);
}

TEST(Doctor, OneRankOfAHostIsEnoughToMissIt) {
  Job job(2);
  job.add(2);
  job.facts[2].rank.rank = 2;
  job.setups[2].silent.push_back({part::gpus, "does not answer in 30 s"});
  EXPECT_THAT(job.ailments(), testing::Contains("failure no answer h2: GPUs: does not answer in 30 s"));
}

TEST(Doctor, VersionsThatDiffer) {
  Job job(4);
  job.facts[2].maru_version = "0.9";
  job.setups[1].mpi = "Open MPI v5.0";
  job.setups[3].driver = "570.1";
  EXPECT_THAT(job.ailments(),
              ElementsAre("failure versions h3: maru 0.9, and 3 hosts have 1.0",
                          "failure versions h2: MPI library Open MPI v5.0, and 3 hosts have Open MPI v4.1.4",
                          "warning versions h4: NVIDIA driver 570.1, and 3 hosts have none"));
}

TEST(Doctor, AWrongClockOnTheFirstHostIsItsOwn) {
  Job job(3);
  job.setups[0].realtime -= 2.5;
  EXPECT_THAT(job.ailments(), ElementsAre("warning clock h1: its clock is 2.5 s behind the other hosts'"));
  job.setups[0].realtime -= 1000;
  EXPECT_THAT(job.ailments(), ElementsAre(StartsWith("failure clock h1: ")));
  job.setups[0].realtime = job.setups[1].realtime + 0.12;
  job.setups[0].clock_error = 0.05; // not beyond doubt
  EXPECT_THAT(job.ailments(), ElementsAre(StartsWith("warning clock h1: entry times are comparable to 50 ms only")));
}

TEST(Doctor, OfTwoClocksTheFirstCounts) {
  Job job(2);
  job.setups[1].realtime += 1;
  EXPECT_THAT(job.ailments(), ElementsAre("warning clock h2: its clock is 1 s ahead of the other hosts'"));
}

TEST(Doctor, SevenOfEight) {
  Job job(3);
  for (auto& setup : job.setups) give_gpus(setup, 8);
  EXPECT_THAT(job.ailments(), ElementsAre());
  give_gpus(job.setups[1], 7);
  job.setups[1].pci.nvidia = 8;
  EXPECT_THAT(job.ailments(), ElementsAre("failure GPUs h2: 7 GPUs where 8 are usual",
                                          "warning GPUs h2: 8 NVIDIA GPUs on the PCI bus, and the driver shows 7"));
}

TEST(Doctor, GpusThatNobodyCanUse) {
  Job job(1);
  job.setups[0].pci.nvidia = 8;
  job.setups[0].device_reason = "libcuda.so.1: not found";
  EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("none to be used: libcuda.so.1: not found")));
}

TEST(Doctor, RanksOfOneHostAreOneHost) {
  Job job(2);
  job.add(2);
  job.facts[2].rank.rank = 2;
  job.facts[2].pid = 77;
  give_gpus(job.setups[1], 1);
  give_gpus(job.setups[2], 2);
  auto const checkup = job.examine();
  ASSERT_EQ(checkup.hosts.size(), 2U);
  EXPECT_EQ(checkup.hosts[1].ranks, 2);
  EXPECT_EQ(checkup.hosts[1].setup.devices.size(), 2U);
}

TEST(Doctor, SharedMemory) {
  Job job(3);
  job.setups[0].shared_memory.free_bytes = known<std::int64_t>(8 << 20);
  job.setups[1].shared_memory.free_bytes = known<std::int64_t>(64 << 20);
  job.setups[2].shared_memory.fault = "No such file or directory";
  EXPECT_THAT(job.ailments(),
              ElementsAre(StartsWith("failure shared memory h1: /dev/shm has 8 MiB free"),
                          "failure shared memory h3: /dev/shm cannot be used: No such file or directory",
                          StartsWith("warning shared memory h2: /dev/shm has 64 MiB free")));
}

TEST(Doctor, TheSameOnManyHostsIsOneLineAndTheWorstSpeaks) {
  Job job(8);
  std::int64_t mebibytes = 56;
  for (auto& setup : job.setups) setup.shared_memory.free_bytes = known((mebibytes += 8) << 20);
  EXPECT_THAT(job.ailments(), ElementsAre(AllOf(StartsWith("warning shared memory h1,h2,h3,h4,h5,h6,h7,h8: "),
                                                HasSubstr("has 64 MiB free"), HasSubstr("(that is h1)"))));
  auto const text = checkup_table(job.examine());
  EXPECT_THAT(text, StartsWith("8 hosts: nothing prevents a run; worth mending: h1 (shared memory), h2"));
  EXPECT_THAT(text, HasSubstr("and 4 more\n"));
  EXPECT_THAT(text, HasSubstr("  warning  every host: shared memory: "));
}

TEST(Doctor, Limits) {
  Job job(1);
  job.setups[0].limits = known<std::vector<ResourceLimit>>(
      {limit("Max open files", 256), limit("Max locked memory", 65536), limit("Max stack size", 65536)});
  EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("256 open files are allowed, 1024 may be needed"),
                                          HasSubstr("65536 bytes of stack")));
  job.setups[0].fabric.push_back(port("ACTIVE", 400)); // now something locks memory
  EXPECT_THAT(job.ailments().front(), StartsWith("failure limits h1: 0.0625 MiB may be locked"));
}

TEST(Doctor, ResultsAreRank0s) {
  Job job(2);
  job.setups[1].out.fault = "Read-only file system";
  EXPECT_THAT(job.ailments(), ElementsAre());
  job.setups[0].out.free_bytes = known<std::int64_t>(100 << 20);
  EXPECT_THAT(job.ailments(), ElementsAre("warning results h1: 100 MiB are free for results in run"));
  job.setups[0].out.fault = "Read-only file system";
  EXPECT_THAT(job.ailments(),
              ElementsAre("failure results h1: results cannot be written to run: Read-only file system"));
}

TEST(Doctor, LongPathsOfSockets) {
  Job job(1);
  job.setups[0].temporary.path = std::string(71, 'x');
  EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("has 71 letters")));
}

TEST(Doctor, ProcessorsAndMemory) {
  Job job(2);
  auto& s = job.setups[1];
  s.load = known(14.0);
  s.cpu_quota = {1.5, std::nullopt};
  s.governors = known<std::string>("powersave");
  s.numa_balancing = known<std::int64_t>(1);
  s.smt = known<std::int64_t>(1);
  s.swap_used_bytes = known(2 * gibibyte);
  s.huge_pages = known<std::string>("always");
  EXPECT_THAT(job.ailments(),
              ElementsAre(StartsWith("failure CPU limit h2: a cgroup allows 1.5 CPUs of the 16"),
                          StartsWith("warning load h2: load 14.0 on 16 CPUs"), StartsWith("warning CPU clock h2: "),
                          StartsWith("warning NUMA h2: "), HasSubstr("two threads per core: o"),
                          StartsWith("warning memory h2: 2.0 GiB of memory are swapped out"),
                          HasSubstr("transparent huge pages: ")));
}

TEST(Doctor, OddThreads) {
  for (auto const* value : {"0", "-4", "four", "64", "4,99"}) {
    Job job(1);
    job.tell(0, "OMP_NUM_THREADS", value);
    EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("OMP_NUM_THREADS"))) << value;
  }
  for (auto const* value : {"16", "4,2", "", " 4 "}) {
    Job job(1);
    job.tell(0, "OMP_NUM_THREADS", value);
    EXPECT_THAT(job.ailments(), ElementsAre()) << value;
  }
}

TEST(Doctor, WhatWasNotReadIsSaid) {
  Job job(2);
  job.setups[1].load = {std::nullopt, "/proc/loadavg: Permission denied"};
  EXPECT_THAT(job.ailments(), ElementsAre());
  EXPECT_THAT(checkup_table(job.examine()), HasSubstr("h2: not read: load (/proc/loadavg: Permission"));
}

TEST(Doctor, EmptySetupsAreJudgedAndPrinted) {
  std::vector<RankFacts> const facts(3);
  std::vector<HostSetup> const setups(3);
  auto const checkup = examine(facts, setups);
  EXPECT_FALSE(checkup_table(checkup).empty());
  EXPECT_FALSE(checkup_table({}).empty());
}

TEST(Doctor, TextOfHostsIsHarmless) {
  Job job(1);
  job.facts[0].host.name = "h\x1B[2J\xFF";
  job.setups[0].governors = known<std::string>("\x1B]0;x\x07\n\xC3");
  auto const checkup = job.examine();
  auto const text = checkup_table(checkup);
  EXPECT_EQ(text.find('\x1B'), text.npos);
  EXPECT_EQ(text.find('\x07'), text.npos);
  EXPECT_TRUE(nlohmann::json::accept(to_json(checkup)));
}

TEST(Doctor, LinesFitATerminal) {
  Job job(8);
  for (auto& setup : job.setups) setup.temporary.path = std::string(200, 'x');
  std::istringstream text(checkup_table(job.examine()));
  for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 84U) << line; // an arrow is three bytes
}

TEST(Doctor, AsJson) {
  Job job(2);
  job.setups[1].shared_memory.fault = "No such file or directory";
  auto const tree = nlohmann::json::parse(to_json(job.examine()));
  EXPECT_EQ(tree["maru_doctor"], 1);
  EXPECT_EQ(tree["good"], false);
  EXPECT_EQ(tree["advice"][0]["severity"], "failure");
  EXPECT_EQ(tree["advice"][0]["hosts"], nlohmann::json::array({"h2"}));
  EXPECT_EQ(tree["hosts"].size(), 2U);
  EXPECT_EQ(tree["hosts"][0]["setup"]["load"]["value"], 0.1);
}

TEST(Doctor, SetupsTravel) {
  Job job(1);
  job.setups[0].fabric.push_back(port("ACTIVE", 400));
  auto const there = host_setup_from_cbor(to_cbor(job.setups[0]));
  EXPECT_EQ(there.interfaces.size(), 1U);
  EXPECT_EQ(there.interfaces[0].addresses[0].subnet, "10.1.0.0/24");
  EXPECT_EQ(there.limits.value->back().soft, unlimited);
  EXPECT_EQ(there.cpu_quota.reason, "no cgroup limits it");
  EXPECT_FALSE(there.cpu_quota.value);
}

TEST(Doctor, ClocksOfAWorld) {
  run_thread_world(3, [](World& world) {
    HostSetup setup;
    compare_clocks(world, "one kernel", setup);
    EXPECT_TRUE(setup.same_clock);
    EXPECT_GT(setup.realtime, 1e9);
    EXPECT_LT(setup.clock_error, 1);
  });
}

} // namespace
} // namespace maru
