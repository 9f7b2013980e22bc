// SPDX-License-Identifier: Apache-2.0
// Reads hosts that were made up: a folder with proc/, sys/ and dev/ in it.
#include "collectors/host_reader.hpp"
#include "collectors/launcher.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FakeRoot : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "maru-root-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    sources_.root = name;
    sources_.out = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(std::string const& path, std::string const& content) const {
    auto const file = fs::path(root_.string() + path);
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }
  HostSetup read() const { return read_host_setup(sources_); }

  fs::path root_;
  HostSources sources_;
};

/// A bridge's configuration of 4096 bytes: a capability of another kind, then ACS with this control word.
std::string bridge_config(unsigned control) {
  std::string config(4096, '\0');
  auto const word = [&](std::size_t at, unsigned value) {
    config[at] = static_cast<char>(value & 0xFFU);
    config[at + 1] = static_cast<char>(value >> 8U & 0xFFU);
  };
  word(0x100, 0x0001);
  word(0x102, 0x1401); // the next one stands at 0x140
  word(0x140, 0x000D);
  word(0x146, control);
  return config;
}

TEST_F(FakeRoot, AnOrdinaryHost) {
  put("/proc/loadavg", "0.42 0.30 0.20 1/234 5678\n");
  put("/proc/meminfo", "MemTotal:       1048576 kB\nSwapTotal: 2048 kB\nSwapFree:  1024 kB\n");
  put("/proc/sys/kernel/numa_balancing", "1\n");
  put("/proc/cmdline", "root=/dev/sda1 secret=x intel_iommu=on iommu=pt quiet\n");
  put("/proc/driver/nvidia/version",
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n");
  put("/proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units     \n"
                           "Max locked memory         65536                unlimited            bytes     \n"
                           "Max open files            1024                 4096                 files     \n");
  put("/proc/self/cgroup", "0::/a/b\n");
  put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put("/sys/devices/system/cpu/online", "0-3,8\n");
  put("/sys/devices/system/node/online", "0-1\n");
  put("/sys/devices/system/cpu/smt/active", "1\n");
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  fs::create_directories(root_ / "sys/kernel/iommu_groups/0");
  fs::create_directories(root_ / "dev/shm");
  auto const setup = read();
  EXPECT_EQ(setup.load.value, 0.42);
  EXPECT_EQ(setup.memory_bytes.value, 1 << 30);
  EXPECT_EQ(setup.swap_used_bytes.value, 1 << 20);
  EXPECT_EQ(setup.numa_balancing.value, 1);
  EXPECT_EQ(setup.iommu_words.value, "intel_iommu=on iommu=pt");
  EXPECT_EQ(setup.driver, "580.95.05");
  ASSERT_TRUE(setup.limits.value);
  ASSERT_EQ(setup.limits.value->size(), 2U);
  EXPECT_EQ(setup.limits.value->front().name, "Max locked memory");
  EXPECT_EQ(setup.limits.value->front().soft, 65536);
  EXPECT_EQ(setup.limits.value->front().hard, unlimited);
  EXPECT_EQ(setup.cpu_quota.value, 1.5);
  EXPECT_EQ(setup.cpus.value, 5);
  EXPECT_EQ(setup.numa_nodes.value, 2);
  EXPECT_EQ(setup.smt.value, 1);
  EXPECT_EQ(setup.governors.value, "performance, powersave");
  EXPECT_EQ(setup.huge_pages.value, "madvise");
  EXPECT_EQ(setup.iommu_groups.value, 1);
  EXPECT_EQ(setup.shared_memory.fault, "");
  EXPECT_EQ(setup.out.fault, "");
}

TEST_F(FakeRoot, NothingIsThereAndEachReasonNamesItsFile) {
  auto const setup = read();
  EXPECT_FALSE(setup.load.value);
  EXPECT_THAT(setup.load.reason.value_or(""), testing::StartsWith("/proc/loadavg: "));
  EXPECT_THAT(setup.limits.reason.value_or(""), HasSubstr("/proc/self/limits"));
  EXPECT_THAT(setup.governors.reason.value_or(""), HasSubstr("no choice"));
  EXPECT_NE(setup.shared_memory.fault, "");
  EXPECT_TRUE(setup.interfaces.empty());
}

TEST_F(FakeRoot, NetworkAndFabric) {
  put("/sys/class/net/eth0/operstate", "up\n");
  put("/sys/class/net/eth0/type", "1\n");
  put("/sys/class/net/eth0/speed", "25000\n");
  put("/sys/class/net/eth0/mtu", "9000\n");
  fs::create_directories(root_ / "sys/class/net/eth0/device");
  put("/sys/class/net/lo/operstate", "unknown\n");
  put("/sys/class/net/lo/type", "772\n");
  put("/sys/class/net/eth1/operstate", "down\n");
  put("/sys/class/net/eth1/speed", "-1\n");
  put("/sys/class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE\n");
  put("/sys/class/infiniband/mlx5_0/ports/1/rate", "400 Gb/sec (4X NDR)\n");
  put("/sys/class/infiniband/mlx5_0/ports/1/link_layer", "InfiniBand\n");
  put("/sys/class/infiniband/mlx5_1/ports/1/state", "1: DOWN\n");
  sources_.addresses = {{"eth0", "10.1.0.7", "10.1.0.0/24"}, {"lo", "127.0.0.1", "127.0.0.0/8"}};
  auto const setup = read();
  ASSERT_EQ(setup.interfaces.size(), 3U);
  auto const &eth0 = setup.interfaces[0], &eth1 = setup.interfaces[1], &lo = setup.interfaces[2];
  EXPECT_TRUE(eth0.up && eth0.physical && !eth0.loopback);
  EXPECT_EQ(eth0.megabit.value, 25000);
  EXPECT_EQ(eth0.mtu.value, 9000);
  ASSERT_EQ(eth0.addresses.size(), 1U);
  EXPECT_FALSE(eth1.up);
  EXPECT_THAT(eth1.megabit.reason.value_or(""), HasSubstr("does not say"));
  EXPECT_TRUE(lo.up && lo.loopback);
  ASSERT_EQ(setup.fabric.size(), 2U);
  EXPECT_EQ(setup.fabric[0].state, "ACTIVE");
  EXPECT_EQ(setup.fabric[0].gigabit.value, 400);
  EXPECT_EQ(setup.fabric[0].layer, "InfiniBand");
  EXPECT_EQ(setup.fabric[1].state, "DOWN");
  EXPECT_FALSE(setup.fabric[1].gigabit.value);
}

TEST_F(FakeRoot, AnotherNetworksSys) {
  put("/sys/class/net/eth0/operstate", "up\n");
  put("/proc/self/net/dev", "Inter-|   Receive\n face |bytes\n    lo: 1 2\n cable: 3 4\n ../x: 1\n: 1\nno colon\n");
  sources_.addresses = {{"cable", "10.77.0.1", "10.77.0.0/24"}};
  auto const setup = read();
  ASSERT_EQ(setup.interfaces.size(), 2U);
  EXPECT_EQ(setup.interfaces[0].name, "cable");
  EXPECT_TRUE(setup.interfaces[0].up);
  EXPECT_TRUE(setup.interfaces[1].loopback);
}

TEST_F(FakeRoot, GpusAndBridges) {
  auto const device = [&](std::string const& name, std::string const& kind, std::string const& config) {
    put("/sys/bus/pci/devices/" + name + "/class", kind + "\n");
    put("/sys/bus/pci/devices/" + name + "/vendor", "0x10de\n");
    put("/sys/bus/pci/devices/" + name + "/config", config);
  };
  device("0000:01:00.0", "0x030200", "");
  device("0000:02:00.0", "0x040300", "");                        // its sound
  device("0000:00:01.0", "0x060400", bridge_config(0x001D));     // redirects
  device("0000:00:02.0", "0x060400", bridge_config(0x0011));     // does not
  device("0000:00:03.0", "0x060400", std::string(64, '\0'));     // read without root
  device("0000:00:04.0", "0x060400", std::string(256, '\0'));    // conventional
  device("0000:00:05.0", "0x060400", std::string(4096, '\xFF')); // gone: reads as ones
  auto const pci = read().pci;
  EXPECT_EQ(pci.nvidia, 1);
  EXPECT_EQ(pci.bridges, 4);
  EXPECT_EQ(pci.redirecting, 1);
  EXPECT_EQ(pci.unreadable, 1);
}

TEST_F(FakeRoot, TheOldCgroups) {
  put("/proc/self/cgroup", "4:cpu:/x\n");
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().cpu_quota.value, 2);
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_FALSE(read().cpu_quota.value);
}

TEST_F(FakeRoot, WhateverFilesHoldNothingIsThrown) {
  std::vector<std::string> const paths{
      "/proc/loadavg",
      "/proc/meminfo",
      "/proc/cmdline",
      "/proc/self/limits",
      "/proc/self/cgroup",
      "/proc/self/net/dev",
      "/proc/driver/nvidia/version",
      "/proc/sys/kernel/numa_balancing",
      "/sys/fs/cgroup/cpu.max",
      "/sys/devices/system/cpu/online",
      "/sys/devices/system/node/online",
      "/sys/devices/system/cpu/smt/active",
      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
      "/sys/kernel/mm/transparent_hugepage/enabled",
      "/sys/class/net/eth0/operstate",
      "/sys/class/net/eth0/type",
      "/sys/class/net/eth0/speed",
      "/sys/class/infiniband/m/ports/1/state",
      "/sys/class/infiniband/m/ports/1/rate",
      "/sys/bus/pci/devices/0/class",
      "/sys/bus/pci/devices/0/config",
  };
  std::vector<std::string> contents{"",
                                    "\n",
                                    "0",
                                    "-1",
                                    "99999999999999999999999999",
                                    "1e400",
                                    "nan",
                                    "max max",
                                    "]x[",
                                    "0-1048575,0-1048575,0-1048575",
                                    "0::/../../../x\n",
                                    "Max Max Max\nMax a 1\nMax 1 1 1",
                                    "MemTotal: 9223372036854775807 kB\nSwapTotal: -5 kB\nSwapFree: 7 kB",
                                    "4:",
                                    ":",
                                    "0x",
                                    "0x060400",
                                    std::string(300, '\xFF'),
                                    std::string("a\0b\x1B[2J", 7),
                                    std::string(1 << 21, '1')};
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    std::string noise(random() % 300, ' ');
    for (auto& c : noise) c = static_cast<char>(random());
    contents.push_back(noise);
  }
  for (auto const& content : contents) {
    for (auto const& path : paths) put(path, content);
    auto const setup = read();
    auto const again = host_setup_from_cbor(to_cbor(setup));
    EXPECT_EQ(again.interfaces.size(), setup.interfaces.size());
  }
}

TEST_F(FakeRoot, FoldersAndPipesInPlaceOfFiles) {
  fs::create_directories(root_ / "proc/loadavg");
  put("/proc/x", "");
  ASSERT_EQ(::mkfifo((root_ / "proc/meminfo").c_str(), 0600), 0);
  auto const setup = read();
  EXPECT_FALSE(setup.load.value);
  EXPECT_FALSE(setup.memory_bytes.value);
}

TEST(HostReader, ThisMachine) {
  auto const setup = read_host_setup(sources_here("."));
  EXPECT_TRUE(setup.load.value);
  EXPECT_TRUE(setup.limits.value);
  EXPECT_GT(setup.cpus.value.value_or(0), 0);
}

/// Sources of which some parts never answer; a process that is asked cannot be told to stop by any signal but one.
HostSources hanging(HostSources sources, std::set<std::string_view> parts) {
  sources.patience = 0.1;
  sources.before = [parts = std::move(parts)](std::string_view part) {
    if (!parts.contains(part)) return;
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    for (;;) ::pause();
  };
  return sources;
}

TEST_F(FakeRoot, EveryPartHasAProcessOfItsOwn) {
  put("/proc/loadavg", "0.42 0.30 0.20 1/234 5678\n");
  put("/sys/class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE\n");
  fs::create_directories(root_ / "dev/shm");
  sources_.environment.push_back({"TMPDIR", root_.string()});
  auto const setup = HostReading(sources_).collect();
  auto same = read();
  EXPECT_EQ(setup.load.value, 0.42);
  EXPECT_EQ(setup.fabric.size(), 1U);
  EXPECT_EQ(setup.environment.size(), 1U);
  EXPECT_TRUE(setup.silent.empty());
  for (auto const place : {&HostSetup::shared_memory, &HostSetup::temporary, &HostSetup::out}) {
    EXPECT_EQ((setup.*place).path, (same.*place).path);
    EXPECT_EQ((setup.*place).fault, "");
    EXPECT_FALSE((setup.*place).silent);
    EXPECT_TRUE((setup.*place).free_bytes.value);
  }
}

TEST_F(FakeRoot, WhatDoesNotAnswerKeepsNobodyWaiting) {
  put("/proc/loadavg", "0.42 0.30 0.20 1/234 5678\n");
  put("/proc/self/mountinfo", "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                              "36 21 0:4 / /data rw,noatime shared:1 - nfs4 fs1:/export rw\n"
                              "37 21 0:5 / /database rw - nfs4 fs2:/export rw\nnonsense\n");
  sources_.out = "/data/runs/one";
  auto const begun = std::chrono::steady_clock::now();
  auto setup = HostReading(hanging(sources_, {"results", "network"})).collect();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
  EXPECT_TRUE(setup.out.silent);
  EXPECT_EQ(setup.out.path, "/data/runs/one");
  EXPECT_EQ(setup.out.fault, "does not answer in 0.5 s (nfs4 of fs1:/export)");
  EXPECT_FALSE(setup.temporary.silent);
  EXPECT_EQ(setup.load.value, 0.42);
  ASSERT_EQ(setup.silent.size(), 1U);
  EXPECT_EQ(setup.silent[0].part, part::network);
  EXPECT_EQ(setup.silent[0].fault, "does not answer in 1 s");
  setup = host_setup_from_cbor(to_cbor(setup)); // as it goes to rank 0
  EXPECT_TRUE(setup.out.silent);
  EXPECT_EQ(setup.silent.size(), 1U);
  EXPECT_EQ(HostReading(hanging(sources_, {part::kernel})).collect().silent.at(0).part, part::kernel);
}

TEST(Inquiry, BringsAnswersAndFaults) {
  Bytes const long_answer(1 << 20, std::byte{7});
  Inquiry good(60, [&] { return long_answer; });
  Inquiry bad(60, []() -> Bytes { throw std::runtime_error("no such thing"); });
  Inquiry dead(60, []() -> Bytes {
    ::raise(SIGKILL);
    return {};
  });
  Inquiry empty(60, [] { return Bytes(); });
  EXPECT_EQ(good.reply().bytes, long_answer);
  EXPECT_EQ(bad.reply().fault, "no such thing");
  EXPECT_THAT(dead.reply().fault, HasSubstr("ends whoever asks: Killed"));
  EXPECT_EQ(empty.reply().bytes, Bytes());
}

TEST(Inquiry, TakesWhatWasAnsweredWhileNobodyLooked) {
  Inquiry early(0.2, [] { return Bytes(1 << 20, std::byte{7}); }); // more than a pipe holds
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_TRUE(early.reply().bytes);
}

// A pipe's reader and a launcher wait until nobody has the other end any more.
TEST(Inquiry, HoldsNothingThatOthersWaitFor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0); // as standard output is: for every process that is made
  Inquiry hung(0.1, []() -> Bytes {
    for (;;) ::pause();
  });
  ::close(ends[1]);
  EXPECT_EQ(hung.reply().fault, "does not answer in 0.1 s");
  pollfd wanted{ends[0], POLLIN, 0};
  EXPECT_EQ(::poll(&wanted, 1, 20'000), 1);
  ::close(ends[0]);
}

class Ancestors : public FakeRoot {
protected:
  bool below(std::int64_t process) const { return below_launcher(SystemFiles(root_.string()), process); }
};

TEST_F(Ancestors, ALauncherIsFound) {
  put("/proc/1/stat", "1 (systemd) S 0 1 1\n");
  put("/proc/5/stat", "5 (slurmstepd) S 1 5 5\n");
  put("/proc/6/stat", "6 (a) b ( c) S 5 6 6\n");
  put("/proc/7/stat", "7 (maru) R 6 7 7\n");
  put("/proc/8/stat", "8 (bash) S 1 8 8\n");
  put("/proc/9/stat", "9 (maru) R 8 9 9\n");
  EXPECT_TRUE(below(7));
  EXPECT_FALSE(below(9));
  EXPECT_TRUE(below(10)) << "what cannot be seen may be there";
  put("/proc/11/stat", "11 (x) S 12 1 1\n");
  put("/proc/12/stat", "12 (x) S 11 1 1\n");
  EXPECT_FALSE(below(11));
}

TEST(Launcher, AServerThatIsGoneIsToldFromOneThatIsThere) {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr const*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto const uri = "7.0;tcp4://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_TRUE(server_is_gone(uri)) << "bound, but nobody listens";
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_FALSE(server_is_gone(uri));
  ::close(listener);
  for (char const* odd : {"", "tcp4://", "tcp4://127.0.0.1", "tcp4://127.0.0.1:0", "tcp4://here:1", "tcp6://[::1]:1"})
    EXPECT_FALSE(server_is_gone(odd)) << odd;
}

} // namespace
} // namespace maru
