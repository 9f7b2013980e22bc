// SPDX-License-Identifier: Apache-2.0
// history FILE [RUNS]: makes a history of many runs and says how long it takes to ask it. 200 hosts in turn, 8 GPUs
// with 4 metrics each, and one figure of two hosts together that every run has. Then a fleet of 25,000 hosts and its
// past.
#include "core/past.hpp"
#include "history/past.hpp"
#include "history/store.hpp"
#include "history/trend.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <random>

namespace maru {
namespace {

constexpr int hosts = 200, gpus = 8, metrics = 4;

template <class Act> double seconds(Act act) {
  auto const begin = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Medians of 21. Where others use the machine too, the processor's time is what belongs to us.
template <class Act> void tell(char const* what, Act act) {
  std::vector<double> wall, own;
  for (int i = 0; i < 21; ++i) {
    auto const begin = processor_seconds();
    wall.push_back(seconds(act));
    own.push_back(processor_seconds() - begin);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(own.begin(), own.end());
  fmt::print("{:<50} {:7.1f} ms, shortest {:.1f}, processor {:.1f}\n", what, 1e3 * wall[10], 1e3 * wall[0],
             1e3 * own[10]);
  std::fflush(stdout);
}

Record record_of(std::vector<std::int64_t> ranks, std::int64_t size, double rate, char const* device) {
  Record record;
  record.probe = record.operation = "gemm";
  record.backend = "cublaslt";
  record.device = device;
  record.labels = {{"dtype", std::string("bf16")}, {"m", size}, {"n", size}, {"k", size}};
  record.group.kind = ranks.size() == 1 ? "rank" : "world";
  record.group.ranks = std::move(ranks);
  record.cost.flops = 1;
  record.time.emplace().median = 1 / rate;
  record.time->median_ci = Interval{0.99 / rate, 1.01 / rate};
  return record;
}

void add_host(Report& report, int host, std::string const& driver) {
  auto& info = report.hosts.emplace_back();
  info.name = fmt::format("node-{:05}", host);
  info.cpu = "AMD EPYC 9654";
  info.kernel = "Linux 6.1.0-26-amd64";
  for (int gpu = 0; gpu < gpus; ++gpu) {
    auto& rank = report.ranks.emplace_back();
    rank.rank = static_cast<std::int64_t>(report.ranks.size()) - 1;
    rank.host = info.name;
    rank.local_rank = gpu;
    rank.device = "NVIDIA H200";
    rank.device_uuid = fmt::format("GPU-{:08x}-0000-0000-0000-{:012x}", host, gpu);
    rank.driver = driver;
  }
}

Report begin_report(int number) {
  Report report;
  report.run.id = fmt::format("20260101T000000Z-{:08x}", number);
  report.run.started = 1'767'225'600 + 300.0 * number;
  report.run.plan = "quick";
  report.run.plan_digest = "48548a786a6e1476";
  report.run.mpi = "Open MPI v4.1.4";
  report.run.maru_version = "0.1.0";
  report.run.complete = true;
  return report;
}

/// Two of the hosts; the driver changes in the middle, and one host in ten gets slower with it.
Report report_of(int number, int runs, std::mt19937& random) {
  std::normal_distribution<> noise(1, 0.005);
  auto report = begin_report(number);
  bool const later = number > runs / 2;
  int const host = number % hosts;
  add_host(report, host, later ? "560.35.03" : "550.54.14");
  auto& second = report.ranks.emplace_back();
  second.rank = gpus;
  second.host = "node-99999";
  for (int gpu = 0; gpu < gpus; ++gpu)
    for (int metric = 0; metric < metrics; ++metric)
      report.records.push_back(
          record_of({gpu}, 1024 << metric, 6e14 * noise(random) * (later && host % 10 == 0 ? 0.95 : 1), "cuda"));
  report.records.push_back(record_of({0, gpus}, 64, 3e9 * noise(random), "cpu"));
  return report;
}

void make(std::string const& path, int runs) {
  std::mt19937 random(1);
  History history(path, History::Access::write);
  auto const took = seconds([&] {
    for (int i = 0; i < runs; ++i) history.add(report_of(i, runs, random), "default");
  });
  fmt::print("{} runs of {} values: made in {:.1f} s, {:.2f} ms each\n", runs, gpus * metrics + 1, took,
             1e3 * took / runs);
}

void ask(std::string const& path) {
  auto const trend_for = [&](char const* host, char const* metric) {
    History const history(path, History::Access::read);
    SeriesFilter filter;
    filter.host = host;
    if (*metric) filter.metric = {metric};
    std::size_t shifted = 0;
    for (auto const& series : history.series(filter)) {
      std::vector<double> values;
      std::vector<std::int64_t> software;
      for (auto const& point : history.points(series)) {
        values.push_back(point.value);
        software.push_back(point.software);
      }
      for (auto const& change : trend(values, software).changes) shifted += change.shifted;
    }
    return shifted;
  };
  fmt::print("shifts found on node-00010: {}\n", trend_for("node-00010", ""));
  tell("trend of one host and metric (8 series of 500)", [&] { trend_for("node-00010", "m=4096"); });
  tell("trend of one host, all metrics (32 series of 500)", [&] { trend_for("node-00010", ""); });
  tell("trend of the figure that every run has (1 series)", [&] { trend_for("*", ""); });
  tell("list, the latest 20", [&] {
    History(path, History::Access::read).runs({.cluster = "", .limit = 20});
    History(path, History::Access::read).count_runs();
  });
  fmt::print("check: {:.1f} s\n", seconds([&] { History(path, History::Access::read).check(); }));
}

void ask_for_a_fleet(std::string const& path) {
  constexpr int fleet = 25'000, nights = 5;
  History history(path, History::Access::write);
  std::mt19937 random(2);
  std::normal_distribution<> noise(1, 0.005);
  for (int night = 0; night <= nights; ++night) {
    auto report = begin_report(1'000'000 + night);
    for (int host = 0; host < fleet; ++host) add_host(report, host, "560.35.03");
    for (int rank = 0; rank < fleet * gpus; ++rank)
      report.records.push_back(record_of({rank}, 8192, 6e14 * noise(random), "cuda"));
    if (night < nights) {
      fmt::print("adding a report of {} hosts and {} values: {:.1f} s\n", fleet, report.records.size(),
                 seconds([&] { history.add(report, "fleet"); }));
      continue;
    }
    std::size_t found = 0;
    auto const took = seconds([&] { found = past(history, "fleet", report).size(); });
    fmt::print("its past, {} series: {:.1f} s\n", found, took);
  }
}

} // namespace
} // namespace maru

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print(stderr, "usage: history FILE [RUNS]\n"), 2;
  std::string const path = argv[1];
  int const runs = argc > 2 ? std::atoi(argv[2]) : 100'000;
  if (!std::filesystem::exists(path)) maru::make(path, runs);
  fmt::print("the file has {:.0f} MB\n", static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  maru::ask(path);
  auto const fleet = path + ".fleet";
  std::filesystem::remove(fleet);
  maru::ask_for_a_fleet(fleet);
  std::filesystem::remove(fleet);
}
