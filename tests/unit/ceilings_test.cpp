// SPDX-License-Identifier: Apache-2.0
#include "analysis/ceilings.hpp"
#include "analysis/peaks.hpp"

#include <gtest/gtest.h>
#include <set>

namespace maru {
namespace {

/// As the backends' own rows say.
char const* backend_device(std::string_view backend) {
  for (auto const host : {"naive", "openblas", "onednn", "stream", "mpi", "spin"})
    if (backend == host) return "cpu";
  return "cuda";
}

/// What a device's dense f16 rate follows from, by the vendor's architecture documents.
struct Silicon {
  char const* device;
  double multiprocessors, per_clock; ///< f16 operations per multiprocessor and clock
};
constexpr Silicon silicon[] = {
    {"NVIDIA A100-SXM4-80GB", 108, 2048}, {"NVIDIA H100 80GB HBM3", 132, 4096},
    {"NVIDIA H100 PCIe", 114, 4096},      {"NVIDIA H100 NVL", 132, 4096},
    {"NVIDIA H200", 132, 4096},           {"NVIDIA GH200 480GB", 132, 4096},
    {"NVIDIA L40S", 142, 1024},           {"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 188, 1024},
};

TEST(Peaks, RatesFollowFromTheSiliconAtTheirClock) {
  for (auto const& [device, multiprocessors, per_clock] : silicon) {
    auto const* peak = find_peak(device);
    ASSERT_NE(peak, nullptr) << device;
    auto const clock = peak_clock(*peak, Dtype::bf16);
    ASSERT_TRUE(clock) << device;
    EXPECT_NEAR(multiprocessors * per_clock * *clock / *peak_rate(*peak, Dtype::bf16), 1, 0.005) << device;
  }
}

// Every tensor core so far halves its rate with each doubling of the width; a slip of the pen does not.
TEST(Peaks, RatesOfOneDeviceHaveTheWidthsRatios) {
  for (auto const& peak : peaks()) {
    auto const bf16 = peak_rate(peak, Dtype::bf16);
    if (!bf16) continue;
    EXPECT_EQ(peak_rate(peak, Dtype::f16), bf16) << peak.device;
    EXPECT_NEAR(peak_rate(peak, Dtype::tf32).value_or(0) / *bf16, 0.5, 0.005) << peak.device;
    for (auto const dtype : {Dtype::f8e4m3, Dtype::f8e5m2, Dtype::mxf8, Dtype::s8})
      if (auto const rate = peak_rate(peak, dtype)) {
        EXPECT_NEAR(*rate / *bf16, 2, 0.005) << peak.device << " " << name(dtype);
      }
    if (auto const rate = peak_rate(peak, Dtype::nvf4)) {
      EXPECT_GE(*rate / *bf16, 3.99) << peak.device; // Blackwell Ultra has 6
      EXPECT_LE(*rate / *bf16, 6.01) << peak.device;
    }
  }
}

TEST(Peaks, EachDeviceIsThereOnceWithItsSource) {
  std::set<std::string_view> names;
  for (auto const& peak : peaks()) {
    EXPECT_TRUE(names.insert(peak.device).second) << peak.device;
    EXPECT_FALSE(peak.source.empty()) << peak.device;
    EXPECT_GT(peak.memory_bandwidth, 5e11) << peak.device;
    EXPECT_LT(peak.memory_bandwidth, 1e13) << peak.device;
    EXPECT_EQ(find_peak(peak.device), &peak);
  }
}

TEST(Peaks, AnotherDeviceIsNotInIt) {
  for (auto const* model : {"", "NVIDIA", "NVIDIA H100", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", "NVIDIA H200 ", "H200"})
    EXPECT_EQ(find_peak(model), nullptr) << model;
  EXPECT_NE(find_peak("NVIDIA H200"), find_peak("NVIDIA H200 NVL"));
  EXPECT_EQ(find_peak("NVIDIA B300"), find_peak("NVIDIA B300 SXM6 AC"));
}

TEST(Peaks, WhatADeviceCannotDoHasNoRate) {
  EXPECT_FALSE(peak_rate(*find_peak("NVIDIA A100-SXM4-80GB"), Dtype::f8e4m3));
  EXPECT_FALSE(peak_rate(*find_peak("NVIDIA H200"), Dtype::mxf8));
  EXPECT_FALSE(peak_rate(*find_peak("NVIDIA H200"), Dtype::nvf4));
  EXPECT_TRUE(peak_rate(*find_peak("NVIDIA B200"), Dtype::mxf8));
  EXPECT_FALSE(peak_rate(*find_peak("NVIDIA H200"), Dtype::s32));
  EXPECT_FALSE(peak_clock(*find_peak("NVIDIA B200"), Dtype::bf16));
  EXPECT_EQ(peak_clock(*find_peak("NVIDIA H200"), Dtype::f64), 1980e6);
}

constexpr double h200_bf16 = 989.4e12;

/// Two hosts with two devices each.
Report devices(char const* model = "NVIDIA H200") {
  Report report;
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    auto& info = report.ranks.emplace_back();
    info.rank = rank;
    info.host = rank < 2 ? "a" : "b";
    info.device = model;
  }
  return report;
}

Record& add(Report& report, Operation const& operation, std::string backend, std::vector<std::int64_t> ranks,
            double rate, std::optional<double> clock = {}) {
  auto& record = report.records.emplace_back();
  record.operation = name(operation);
  record.device = backend_device(backend);
  record.backend = std::move(backend);
  record.labels = labels(operation);
  record.cost = cost(operation);
  record.group = {.kind = "rank", .index = 0, .ranks = std::move(ranks)};
  auto const work = record.cost.flops > 0       ? record.cost.flops
                    : record.cost.bus_bytes > 0 ? record.cost.bus_bytes
                                                : record.cost.bytes;
  record.time.emplace().median = work / rate;
  if (clock) {
    record.conditions.emplace().devices = static_cast<std::int64_t>(record.group.ranks.size());
    record.conditions->sm_clock = clock;
  }
  return record;
}

Gemm const product{Dtype::bf16, Dtype::f32, 8192, 8192, 8192};
Collective const pair_reduce{.kind = CollectiveKind::all_reduce, .bytes = 1 << 30, .ranks = 2};

Ceiling only(Report& report, std::size_t index = 0) {
  add_ceilings(report);
  auto const& ceiling = report.records.at(index).ceiling;
  if (ceiling) return *ceiling;
  Ceiling none;
  none.device = "none";
  return none;
}

TEST(Ceilings, AGemmIsPartOfTheDatasheetsRate) {
  auto report = devices();
  add(report, product, "cublaslt", {3}, 0.75 * h200_bf16);
  auto const ceiling = only(report);
  EXPECT_EQ(ceiling.device, "NVIDIA H200");
  EXPECT_EQ(ceiling.source, "NVIDIA H200 Tensor Core GPU datasheet");
  EXPECT_DOUBLE_EQ(*ceiling.datasheet, h200_bf16);
  EXPECT_NEAR(*ceiling.of_datasheet, 0.75, 1e-12);
  EXPECT_FALSE(ceiling.issue || ceiling.clock_share || ceiling.issue_share || ceiling.memory_share);
}

TEST(Ceilings, ClockIssueAndMemoryTogetherAreTheWholeLoss) {
  auto report = devices();
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 900e12, 1.8e9);
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {1}, 1e12, 1.8e9); // another rank's
  add(report, TensorIssue{Dtype::f16}, "tensor_issue", {0}, 2e12, 1.8e9);  // another type's
  add(report, product, "cublaslt", {0}, 800e12, 1.71e9);
  auto const ceiling = only(report, 3);
  EXPECT_NEAR(*ceiling.issue, 900e12 * 1.71 / 1.8, 1e6); // at the gemm's clock
  EXPECT_NEAR(*ceiling.of_issue, 800 / (900 * 0.95), 1e-9);
  EXPECT_NEAR(*ceiling.clock_share, 1.71 / 1.83, 1e-12);
  EXPECT_NEAR(*ceiling.issue_share, 900e12 / 1.8 / (h200_bf16 / 1.83), 1e-9);
  EXPECT_NEAR(*ceiling.memory_share, *ceiling.of_issue, 1e-9);
  EXPECT_NEAR(*ceiling.clock_share * *ceiling.issue_share * *ceiling.memory_share, *ceiling.of_datasheet, 1e-12);

  auto const issue = *report.records[0].ceiling;
  EXPECT_NEAR(*issue.of_datasheet, 900e12 / h200_bf16, 1e-12);
  EXPECT_NEAR(*issue.clock_share * *issue.issue_share, *issue.of_datasheet, 1e-12);
  EXPECT_FALSE(issue.issue || issue.memory_share);
}

TEST(Ceilings, AnIssueRateOfUnknownClockStandsAsMeasured) {
  auto report = devices();
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 900e12);
  add(report, product, "cublaslt", {0}, 800e12, 1.71e9);
  EXPECT_NEAR(*only(report, 1).issue, 900e12, 1e6);
}

TEST(Ceilings, TheFastestIssueRateCountsAndNoneThatMeansNothing) {
  auto report = devices();
  for (double const rate : {850e12, 900e12, 870e12})
    add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, rate, 1.8e9);
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 990e12, 1.8e9).rehearsal = true;
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 990e12, 1.8e9).conditions->invalid = {"contended"};
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 990e12, 1.8e9).status = Status::wrong;
  add(report, product, "cublaslt", {0}, 800e12, 1.8e9);
  EXPECT_NEAR(*only(report, 6).issue, 900e12, 1e6);
}

TEST(Ceilings, OfTwoDevicesTheRatesAddUp) {
  auto report = devices();
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {0}, 900e12);
  add(report, TensorIssue{Dtype::bf16}, "tensor_issue", {1}, 850e12);
  add(report, product, "cublaslt", {0, 1}, 1500e12);
  auto const ceiling = only(report, 2);
  EXPECT_DOUBLE_EQ(*ceiling.datasheet, 2 * h200_bf16);
  EXPECT_NEAR(*ceiling.issue, 1750e12, 1e6);
}

TEST(Ceilings, MemoryIsPartOfItsOwnBandwidth) {
  auto report = devices();
  add(report, Memory{MemoryKind::copy, 1 << 30, MemorySpace::device}, "cuda_stream", {0}, 4.32e12);
  add(report, Memory{MemoryKind::copy, 1 << 20, MemorySpace::l2}, "cuda_stream", {0}, 9e12);
  add(report, Memory{MemoryKind::copy, 1 << 30, MemorySpace::host}, "stream", {0}, 1e11);
  EXPECT_NEAR(*only(report).of_datasheet, 0.9, 1e-12);
  EXPECT_FALSE(report.records[1].ceiling || report.records[2].ceiling);
}

TEST(Ceilings, CopiesArePartOfTheLinkInTheirDirections) {
  auto report = devices();
  add(report, Transfer{TransferKind::host_to_device, 1 << 30}, "cuda_transfer", {0}, 48e9);
  add(report, Transfer{TransferKind::both_ways, 1 << 30}, "cuda_transfer", {0}, 96e9);
  add(report, Transfer{TransferKind::peer, 1 << 30, 1}, "cuda_transfer", {0}, 360e9);
  EXPECT_NEAR(*only(report).of_datasheet, 0.75, 1e-12);
  EXPECT_NEAR(*report.records[1].ceiling->of_datasheet, 0.75, 1e-12);
  EXPECT_NEAR(*report.records[2].ceiling->of_datasheet, 0.8, 1e-12);
}

TEST(Ceilings, CollectivesOfOneHostArePartOfOneDevicesLinks) {
  auto report = devices();
  add(report, pair_reduce, "nccl", {0, 1}, 405e9);
  add(report, pair_reduce, "nccl", {0, 2}, 40e9);
  add(report, pair_reduce, "mpi", {0, 1}, 4e9);
  EXPECT_NEAR(*only(report).of_datasheet, 0.9, 1e-12);
  EXPECT_FALSE(report.records[1].ceiling) << "its ranks are on two hosts";
  EXPECT_FALSE(report.records[2].ceiling) << "hosts did it";
  report.records[0].conditions.emplace().devices = 2;
  report.records[0].conditions->nvlinks = 0;
  EXPECT_EQ(only(report).device, "none") << "no link is up";
}

TEST(Ceilings, NoneOnRehearsalsFailuresAndHosts) {
  auto report = devices();
  add(report, product, "cublaslt", {0}, 8e14).rehearsal = true;
  add(report, product, "cublaslt", {0}, 8e14).status = Status::failed;
  add(report, product, "cublaslt", {0}, 8e14).time.reset();
  add(report, product, "onednn", {0}, 8e12);
  add(report, product, "cublaslt", {7}, 8e14); // a rank that the report does not know
  report.ranks[1].device.clear();
  add(report, product, "cublaslt", {0, 1}, 8e14);
  add_ceilings(report);
  for (auto const& record : report.records) EXPECT_FALSE(record.ceiling) << record.backend;
}

TEST(Ceilings, AnUnknownModelHasNoDatasheet) {
  auto report = devices("Some NPU");
  add(report, product, "theirs", {0}, 8e14);
  EXPECT_EQ(only(report).device, "none");
  add(report, TensorIssue{Dtype::bf16}, "theirs", {0}, 9e14);
  auto const ceiling = only(report);
  EXPECT_EQ(ceiling.device, "");
  EXPECT_FALSE(ceiling.datasheet);
  EXPECT_NEAR(*ceiling.of_issue, 8.0 / 9, 1e-12);
}

TEST(Ceilings, AreFilledAnew) {
  auto report = devices();
  add(report, product, "cublaslt", {0}, 8e14);
  add_ceilings(report);
  report.records[0].rehearsal = true;
  add_ceilings(report);
  EXPECT_FALSE(report.records[0].ceiling);
}

} // namespace
} // namespace maru
