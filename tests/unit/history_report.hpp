// SPDX-License-Identifier: Apache-2.0
// Reports of a small fleet, and a folder for databases that is gone after the test.
#pragma once

#include "core/report.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

namespace maru {

class HistoryFolder {
public:
  HistoryFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "maru-history-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~HistoryFolder() { std::filesystem::remove_all(path_); }
  HistoryFolder(HistoryFolder const&) = delete;
  HistoryFolder& operator=(HistoryFolder const&) = delete;
  std::string file(std::string const& name = "h.db") const { return path_ + "/" + name; }

private:
  std::string path_;
};

inline Record history_record(std::int64_t rank, double seconds, char const* device = "cpu") {
  Record record;
  record.probe = record.operation = "gemm";
  record.backend = "b";
  record.device = device;
  record.labels = {{"m", std::int64_t{8}}};
  record.group.ranks = {rank};
  record.cost.flops = 1;
  record.time.emplace().median = seconds;
  record.time->median_ci = Interval{seconds * 0.9, seconds * 1.1};
  return record;
}

/// Run `number` of hosts a, b, … with one rank and one GPU each; every rank answers once with its GPU, at `rate`.
inline Report history_report(int number, double rate = 2, int hosts = 1, std::string const& driver = "550") {
  Report report;
  report.run.id = fmt::format("run-{}", number);
  report.run.started = 1'700'000'000 + number;
  report.run.plan = "quick";
  report.run.plan_digest = "d1";
  report.run.mpi = "Open MPI v4.1.4";
  report.run.maru_version = "0.1.0";
  report.run.complete = true;
  for (int i = 0; i < hosts; ++i) {
    auto& host = report.hosts.emplace_back();
    host.name = std::string(1, static_cast<char>('a' + i));
    host.kernel = "Linux 6.1";
    auto& rank = report.ranks.emplace_back();
    rank.rank = i;
    rank.host = host.name;
    rank.device = "H200";
    rank.device_uuid = fmt::format("GPU-{}", i);
    rank.driver = driver;
    report.records.push_back(history_record(i, 1 / rate, "cuda"));
  }
  return report;
}

} // namespace maru
