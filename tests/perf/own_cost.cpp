// SPDX-License-Identifier: Apache-2.0
// What the program itself costs: one round of the measuring loop, merging ranks, writing and reading a report.
#include "bench/measure.hpp"
#include "core/report_io.hpp"
#include "exporters/exporter.hpp"

#include <benchmark/benchmark.h>

namespace maru {
namespace {

class NoWork final : public Work {
public:
  void call() override { benchmark::ClobberMemory(); }
  Verification verify() override { return {}; }
};

void timing_one_call(benchmark::State& state) {
  NoWork work;
  for (auto _ : state) benchmark::DoNotOptimize(host_lane().time(work, 1));
}
BENCHMARK(timing_one_call);

void a_whole_case_of_1000_calls(benchmark::State& state) {
  NoWork work;
  auto const world = solo_world();
  Effort const effort{.iterations = 1000, .warmup = 10};
  for (auto _ : state)
    benchmark::DoNotOptimize(measure(
        {*world, *world, 0, false}, &work, effort, [] {}, [] { return false; }));
}
BENCHMARK(a_whole_case_of_1000_calls);

void summarizing(benchmark::State& state) {
  std::vector<double> samples;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    samples.push_back(1e-3 + 1e-9 * static_cast<double>(i * 7919 % 1000));
  for (auto _ : state) benchmark::DoNotOptimize(summarize(samples, 1));
}
BENCHMARK(summarizing)->Arg(100)->Arg(1000);

void merging_ranks(benchmark::State& state) {
  for (auto _ : state) {
    RankSpread all;
    for (std::int64_t rank = 0; rank < state.range(0); ++rank)
      all = merge(all, spread_of({rank, "host", 1e-3 + 1e-9 * static_cast<double>(rank * 7919 % 1000)}));
    benchmark::DoNotOptimize(all);
  }
}
BENCHMARK(merging_ranks)->Arg(8)->Arg(1024)->Arg(8192);

Report report_of(std::int64_t records) {
  Report report;
  Record record;
  record.probe = "gemm";
  record.operation = "gemm";
  record.backend = "openblas";
  record.labels = labels(Gemm{.m = 1024, .n = 1024, .k = 1024});
  record.cost = cost(Gemm{.m = 1024, .n = 1024, .k = 1024});
  record.time = summarize(std::vector<double>(64, 1e-3), 1);
  record.samples = {std::vector<double>(64, 1.5), std::vector<double>(64, 1e-3)};
  for (std::int64_t i = 0; i < records; ++i) {
    record.group.ranks = {i};
    report.records.push_back(record);
  }
  return report;
}

void writing_json(benchmark::State& state) {
  auto const report = report_of(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) bytes += to_json(report).size();
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(writing_json)->Arg(100)->Arg(8192);

void reading_json(benchmark::State& state) {
  auto const text = to_json(report_of(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(report_from_json(text, "report"));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(reading_json)->Arg(100)->Arg(8192);

void exporting(benchmark::State& state) {
  auto const* exporter = exporters()[static_cast<std::size_t>(state.range(0))];
  auto const report = report_of(1000);
  for (auto _ : state) benchmark::DoNotOptimize(exporter->render(report));
  state.SetLabel(exporter->name);
}
BENCHMARK(exporting)->DenseRange(0, static_cast<int>(exporters().size()) - 1);

} // namespace
} // namespace maru
