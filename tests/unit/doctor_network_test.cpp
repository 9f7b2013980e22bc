// SPDX-License-Identifier: Apache-2.0
#include "exporters/checkup_table.hpp"
#include "tests/unit/doctor_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(DoctorNetwork, BridgesThatMisleadOpenMpi) {
  Job job(2);
  for (auto& setup : job.setups) {
    auto docker = interface("docker0", "172.17.0.1", "172.17.0.0/16", 10000);
    docker.physical = false;
    setup.interfaces.push_back(docker);
  }
  EXPECT_THAT(job.ailments(), ElementsAre(HasSubstr("warning network h1,h2: Open MPI may use docker0 (172.17.0.1)")));
  for (std::size_t i = 0; i < 2; ++i) job.tell(i, "OMPI_MCA_btl_tcp_if_include", "10.1.0.0/24");
  EXPECT_THAT(job.ailments(), ElementsAre());
}

TEST(DoctorNetwork, HostsThatShareOneNetworkReachOneAnotherOverLoopback) {
  Job job(2);
  for (auto& setup : job.setups) setup.interfaces[0] = interface("lo", "127.0.0.1", "127.0.0.0/8", 0);
  for (auto& setup : job.setups) setup.interfaces[0].loopback = true;
  for (std::size_t i = 0; i < 2; ++i) job.tell(i, "OMPI_MCA_btl_tcp_if_include", "lo");
  EXPECT_THAT(job.ailments(),
              ElementsAre(HasSubstr("failure network h1,h2: Open MPI is told to use lo, which reaches no other host")));
  job.facts[1].clock_id = job.facts[0].clock_id; // two names, one kernel, one network
  EXPECT_THAT(job.ailments(), ElementsAre());
}

TEST(DoctorNetwork, InterfacesThatAreNotThere) {
  Job job(2);
  for (std::size_t i = 0; i < 2; ++i) {
    job.tell(i, "OMPI_MCA_btl_tcp_if_include", "eth7");
    job.tell(i, "NCCL_SOCKET_IFNAME", "eth,ib");
    job.tell(i, "NCCL_IB_HCA", "=mlx5_0");
    job.tell(i, "UCX_NET_DEVICES", "all");
  }
  EXPECT_THAT(
      job.ailments(),
      ElementsAre("failure network h1,h2: OMPI_MCA_btl_tcp_if_include=eth7 names eth7, which is not there or not up",
                  "failure network h1,h2: NCCL_IB_HCA==mlx5_0 names mlx5_0, which is not there or not up",
                  StartsWith("failure network h1,h2: Open MPI is left without an interface"),
                  "warning network h1,h2: NCCL_SOCKET_IFNAME=eth,ib names ib, which is not there or not up"));
}

TEST(DoctorNetwork, OddNetworksInTheEnvironment) {
  for (auto const* value :
       {"10.1.0.0/33", "10.1.0.0/", "/24", "10.1/16", "1.2.3.4.5/8", "300.1.1.1/8", "::/0", "^eth0"}) {
    Job job(1);
    job.tell(0, "OMPI_MCA_btl_tcp_if_include", value);
    job.ailments(); // says something, and does not fall
  }
  Job job(1);
  job.tell(0, "OMPI_MCA_btl_tcp_if_include", "0.0.0.0/0");
  EXPECT_THAT(job.ailments(), ElementsAre());
}

TEST(DoctorNetwork, EnvironmentsThatDiffer) {
  Job job(3);
  job.tell(1, "UCX_TLS", "tcp");
  EXPECT_THAT(job.ailments(), ElementsAre("warning environment h2: UCX_TLS is tcp, and 2 hosts have none"));
}

TEST(DoctorNetwork, NetworksThatDiffer) {
  Job job(3);
  job.setups[1].interfaces[0].megabit = known<std::int64_t>(1000);
  job.setups[2].interfaces[0].mtu = known<std::int64_t>(9000);
  EXPECT_THAT(job.ailments(), ElementsAre("warning network h2: eth0 runs at 1000 Mb/s where 25000 are usual",
                                          HasSubstr("network h3: eth0 has an MTU of 9000 where 1500 is usual")));
  Job apart(2);
  apart.setups[1].interfaces[0] = interface("eth0", "10.2.0.2", "10.2.0.0/24", 25000);
  EXPECT_THAT(apart.ailments(), ElementsAre(HasSubstr("no subnet in which all hosts have an address")));
  EXPECT_THAT(checkup_table(apart.examine()), HasSubstr("worth mending: the job (network)"));
  Job twice(2);
  twice.setups[1].interfaces[0].addresses[0].address = "10.1.0.1";
  EXPECT_THAT(twice.ailments(), ElementsAre("failure network h2: eth0 has 10.1.0.1, and so has h1"));
}

TEST(DoctorNetwork, Fabric) {
  Job job(4);
  for (auto& setup : job.setups) setup.fabric.push_back(port("ACTIVE", 400));
  EXPECT_THAT(job.ailments(), ElementsAre());
  job.setups[0].fabric[0] = port("DOWN", 400);
  job.setups[1].fabric[0] = port("ACTIVE", 200);
  job.setups[2].fabric.clear();
  EXPECT_THAT(job.ailments(),
              ElementsAre("failure fabric h1: mlx5_0 port 1 (InfiniBand) is DOWN, and ACTIVE on other hosts",
                          "failure fabric h3: has no mlx5_0 port 1, and 3 other hosts do",
                          "warning fabric h2: mlx5_0 port 1 runs at 200 Gb/s where 400 are usual",
                          "warning fabric h1: none of its 1 RDMA port is ACTIVE"));
}

TEST(DoctorNetwork, IommuAndAcsOnlyWhereDevicesTalk) {
  Job job(1);
  auto& setup = job.setups[0];
  setup.iommu_words = known<std::string>("intel_iommu=on");
  setup.pci.bridges = 9;
  setup.pci.redirecting = 4;
  EXPECT_THAT(job.ailments(), ElementsAre());
  setup.fabric.push_back(port("ACTIVE", 400));
  EXPECT_THAT(job.ailments(), ElementsAre(StartsWith("warning IOMMU h1: "), HasSubstr("4 of 9 PCI bridges send")));
  setup.pci.redirecting = 0;
  setup.pci.unreadable = 9;
  setup.iommu_words = known<std::string>("intel_iommu=on iommu=pt");
  EXPECT_THAT(job.ailments(), ElementsAre());
  EXPECT_THAT(checkup_table(job.examine()), HasSubstr("ACS: could not be read of 9 PCI bridges"));
}

} // namespace
} // namespace maru
