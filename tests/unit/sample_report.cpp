// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sample_report.hpp"

#include "analysis/ceilings.hpp"
#include "core/operation.hpp"
#include "tests/unit/sample_overlap.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

/// As the backends' own rows say.
char const* backend_device(std::string_view backend) {
  for (auto const host : {"naive", "openblas", "onednn", "stream", "mpi", "overlap_mpi", "step_mpi", "spin"})
    if (backend == host) return "cpu";
  return "cuda";
}

constexpr double started = 1795320132.25; // 2026-11-22 04:02:12 UTC
char const* const hosts[] = {"node-a", "node-a", "node-b", "node-b"};

// What `samples` samples around a median look like; multiples of simple fractions, so that the text stays readable.
Timing timing(double median, std::uint64_t samples) {
  Timing time;
  time.samples = samples;
  time.calls_per_sample = median < 1e-5 ? 20 : 1;
  time.median = median;
  time.median_ci = Interval{median * 0.9921875, median * 1.015625};
  time.mean = median * 1.03125;
  time.min = median * 0.96875;
  time.max = median * 2.5;
  time.p90 = median * 1.125;
  if (samples >= 100)
    time.p99 = median * 1.75;
  else
    time.p99_withheld = fmt::format("{} samples, 100 needed", samples);
  return time;
}

RankSpread spread(Group const& group, double median) {
  RankSpread result;
  for (auto const rank : group.ranks)
    result = merge(result, spread_of({rank, hosts[rank], median * (1 - 0.0625 * static_cast<double>(rank))}));
  return result;
}

struct Builder {
  Report report;
  double now = 0.5;

  Record& add(std::string probe, Operation const& operation, std::string backend, Group group) {
    auto& record = report.records.emplace_back();
    record.probe = std::move(probe);
    record.operation = name(operation);
    record.device = backend_device(backend);
    record.backend = std::move(backend);
    record.labels = labels(operation);
    record.group = std::move(group);
    record.cost = cost(operation);
    return record;
  }

  void time(Record& record, double median, std::uint64_t samples) {
    record.time = timing(median, samples);
    record.stop = Stop::converged;
    record.spread = spread(record.group, median);
    record.samples = {{now, now + 0.125}, {median, median * 1.0625}};
    record.verification = {
        .checked = true, .elements = 4096 * record.group.ranks.size(), .method = "exact", .detail = {}};
    now += 0.25;
  }
};

// As it is left when it ends before it is timed.
void untime(Record& record, Status status, std::string reason) {
  record.time.reset();
  record.stop.reset();
  record.spread.reset();
  record.verification = {};
  record.samples = {};
  record.status = status;
  record.reason = std::move(reason);
}

Group ranks(std::string kind, std::int64_t index, std::vector<std::int64_t> members) {
  return {std::move(kind), index, std::move(members)};
}

std::string uuid(std::int64_t rank) { return fmt::format("GPU-5a6b7c8d-0000-4000-8000-00000000000{}", rank); }

void add_run(Report& report) {
  report.run = {.id = "20261122-040212-7f3a",
                .maru_version = "0.1.0",
                .plan = "quick",
                .plan_digest = "5d41402abc4b2a76",
                .launcher = "mpirun",
                .mpi = "Open MPI 4.1.4",
                .cluster = "aurum \"east\"",
                .started = started,
                .finished = started + 23.5,
                .complete = false,
                .incomplete_reason = "2 of 31 cases cut: the budget of 20 s was used up"};
  report.clock = {.method = "ping-pong", .error = 1.5e-6, .drift = 2e-8, .residual = 5e-7};
  for (auto const* host : {"node-a", "node-b"})
    report.hosts.push_back({.name = host,
                            .cpu = "AMD EPYC 7B13",
                            .kernel = "Linux 6.1.0",
                            .cores = 64,
                            .processing_units = 128,
                            .numa_nodes = 4,
                            .last_cache_bytes = 256 << 20,
                            .memory_bytes = std::int64_t{512} << 30});
  for (std::int64_t rank = 0; rank < 4; ++rank)
    report.ranks.push_back({.rank = rank,
                            .host = hosts[rank],
                            .local_rank = rank % 2,
                            .cpus = rank % 2 ? "32-63" : "0-31",
                            .threads = 32,
                            .bound = true,
                            .device = "NVIDIA H200",
                            .device_uuid = uuid(rank),
                            .device_bus = rank % 2 ? "0000:43:00.0" : "0000:03:00.0",
                            .driver = "driver 13.0 (580.95.05), runtime 13.0"});
}

void add_gemm(Builder& builder) {
  struct Asked {
    Dtype in, out;
    std::int64_t m, n, k;
    double seconds;
  };
  for (auto const& [in, out, m, n, k, seconds] : {Asked{Dtype::f64, Dtype::f64, 1024, 1024, 1024, 0.0078125},
                                                  Asked{Dtype::f32, Dtype::f32, 4096, 1024, 512, 0.00390625}})
    for (std::int64_t rank = 0; rank < 4; ++rank) {
      auto& record = builder.add("gemm", Gemm{in, out, m, n, k}, "openblas", ranks("rank", rank, {rank}));
      builder.time(record, seconds * (rank == 2 ? 1.25 : 1.0 + 0.015625 * static_cast<double>(rank)), 40);
      record.verification.method = "freivalds+naive";
      record.verification.max_error = 0.125;
      if (rank != 3 || in != Dtype::f32) continue;
      untime(record, Status::wrong, "17 of 4096 elements wrong; rank 3 on node-b: C[5,1023] is 3.5, not 3.25");
      record.verification = {.checked = true,
                             .elements = 4096,
                             .wrong = 17,
                             .max_error = 812.5,
                             .method = "exact",
                             .detail = "rank 3 on node-b: C[5,1023] is 3.5, not 3.25"};
    }
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    auto& record =
        builder.add("gemm", Gemm{Dtype::s8, Dtype::s32, 1024, 1024, 1024}, "none", ranks("rank", rank, {rank}));
    record.status = Status::skipped;
    record.reason = "openblas: no 8-bit integers; onednn: this processor has no VNNI";
  }
}

void add_memory(Builder& builder) {
  for (auto const kind : {MemoryKind::copy, MemoryKind::triad})
    for (std::int64_t rank = 0; rank < 4; ++rank) {
      auto& record = builder.add("memory", Memory{kind, std::uint64_t{1} << 30}, "stream", ranks("rank", rank, {rank}));
      builder.time(record, (kind == MemoryKind::copy ? 0.03125 : 0.046875) * (rank == 1 ? 1.5 : 1.0), 24);
      if (kind != MemoryKind::triad || rank != 2) continue;
      untime(record, Status::failed, "rank 2 on node-b: cannot allocate 3221225472 bytes: Cannot allocate memory");
    }
}

void add_collective(Builder& builder, Collective asked, Group group, double seconds, std::uint64_t samples) {
  asked.ranks = static_cast<int>(group.ranks.size());
  auto& record = builder.add("collectives", asked, "mpi", std::move(group));
  builder.time(record, seconds, samples);
  auto& arrival = record.arrival.emplace();
  arrival.iterations = 50;
  arrival.missed = 2;
  arrival.clock_error = 1.5e-6;
  arrival.transfer = seconds / 2;
  arrival.lateness = 2e-6;
  arrival.lateness_error = 4e-6;
  if (asked.bytes < 4096 || asked.ranks < 4) return;
  arrival.lateness = 3.125e-4;
  arrival.last_rank = 3;
  arrival.last_host = "node-b";
  arrival.last_share = 0.96;
}

void add_collectives(Builder& builder) {
  auto const world = ranks("world", 0, {0, 1, 2, 3});
  for (std::uint64_t const size : {8U, 65536U, 134217728U})
    for (bool const in_place : {false, true})
      add_collective(builder, {.kind = CollectiveKind::all_reduce, .bytes = size, .in_place = in_place}, world,
                     4e-6 + static_cast<double>(size) / (in_place ? 4e9 : 5e9), size < 65536 ? 1000 : 60);
  add_collective(builder, {.kind = CollectiveKind::all_gather, .dtype = Dtype::f64, .bytes = 1000}, world, 6.5e-6, 100);
  add_collective(builder, {.kind = CollectiveKind::broadcast, .dtype = Dtype::s32, .bytes = 4096, .root = 2}, world,
                 5e-6, 100);
  for (std::int64_t pair = 0; pair < 2; ++pair)
    add_collective(builder, {.kind = CollectiveKind::send_recv, .bytes = 1 << 20},
                   ranks("pairs", pair, {2 * pair, 2 * pair + 1}), pair ? 2.5e-4 : 1.25e-4, 100);
  for (std::int64_t node = 0; node < 2; ++node)
    add_collective(builder, {.kind = CollectiveKind::reduce_scatter, .bytes = 1 << 20},
                   ranks("node", node, {2 * node, 2 * node + 1}), 1.5625e-4, 30);
  auto& skipped =
      builder.add("collectives", Collective{.kind = CollectiveKind::all_to_all, .bytes = 8, .ranks = 4}, "mpi", world);
  skipped.status = Status::skipped;
  skipped.reason = "8 bytes cannot be divided among 4 ranks";
}

Conditions conditions(std::int64_t devices, double clock, double seconds) {
  Conditions result;
  result.source = "NVML 580.95.05";
  result.devices = devices;
  result.readings = 24;
  result.sm_clock = clock;
  result.sm_clock_min = clock - 15e6;
  result.sm_clock_max = clock + 30e6;
  result.memory_clock = 3.201e9;
  result.power = 690.5 * static_cast<double>(devices);
  result.energy_per_call = *result.power * seconds;
  result.temperature = 64;
  result.pcie_width = 16;
  result.nvlinks = 18;
  result.throttle = {"sw_power_cap"};
  auto& utilisation = result.utilisation.emplace();
  utilisation.source = "gpm";
  utilisation.reason = "pm_sampling: not permitted to this user";
  utilisation.sm_active = 0.96875;
  utilisation.tensor_active = 0.8125;
  utilisation.dram_active = 0.25;
  utilisation.nvlink_receive = 1.5e6;
  utilisation.pcie_receive = 2.5e6;
  utilisation.coverage = 0.75;
  return result;
}

void throttle(Conditions& seen, std::int64_t rank) {
  seen.sm_clock = 1.2e9;
  seen.sm_clock_min = 1.05e9;
  seen.temperature = 89;
  seen.throttle = {"sw_power_cap", "hw_thermal"};
  seen.invalid = {"throttled", "clock_changed"};
  seen.detail = uuid(rank) + ": hw_thermal in 9 of 24 readings, first at 0.05 s, SM clock 1200 MHz, 89 °C";
}

// Each rank's device is good but that of rank 3.
void add_device_gemm(Builder& builder) {
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    auto& record = builder.add("gemm", TensorIssue{}, "tensor_issue", ranks("rank", rank, {rank}));
    builder.time(record, 0.00225, 40);
    record.conditions = conditions(1, 1.755e9, 0.00225);
  }
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    auto& record =
        builder.add("gemm", Gemm{Dtype::bf16, Dtype::f32, 8192, 8192, 8192}, "cublaslt", ranks("rank", rank, {rank}));
    double const seconds = rank == 3 ? 0.002 : 0.001375 * (1 + 0.015625 * static_cast<double>(rank));
    builder.time(record, seconds, 120);
    record.implementation = "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_TNT";
    record.conditions = conditions(1, 1.71e9, seconds);
    if (rank == 3) throttle(*record.conditions, rank);
    auto& trace = record.trace.emplace();
    trace.source = "CUPTI 13.0.1";
    trace.calls = 36;
    trace.spans = 36;
    trace.busy = seconds * 0.998046875;
    trace.cost = 0.00390625;
    trace.cost_ci = Interval{-0.001953125, 0.0078125};
    trace.disagreement = -0.001953125;
    trace.kernels = {{record.implementation, 36, seconds * 0.998046875}};
  }
}

void add_device_memory(Builder& builder) {
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    Memory const asked{MemoryKind::copy, std::uint64_t{4} << 30, MemorySpace::device};
    auto& record = builder.add("memory", asked, "cuda_stream", ranks("rank", rank, {rank}));
    builder.time(record, 0.002, 24);
    record.conditions = conditions(1, 1.98e9, 0.002);
  }
}

// A good one, one with a throttled device, and a rehearsal.
void add_device_collectives(Builder& builder) {
  Collective asked{.kind = CollectiveKind::all_reduce, .dtype = Dtype::bf16, .bytes = 1 << 30, .ranks = 2};
  for (std::int64_t node = 0; node < 2; ++node) {
    auto& record = builder.add("collectives", asked, "nccl", ranks("node", node, {2 * node, 2 * node + 1}));
    double const seconds = node ? 0.004 : 0.0025;
    builder.time(record, seconds, 40);
    record.implementation = "ring/simple";
    record.conditions = conditions(2, 1.98e9, seconds);
    if (node == 1) throttle(*record.conditions, 3);
  }
  asked.ranks = 4;
  auto& record = builder.add("collectives", asked, "nccl", ranks("world", 0, {0, 1, 2, 3}));
  builder.time(record, 0.5, 12);
  record.rehearsal = true;
}

void add_composites(Builder& builder) {
  for (auto const& asked : sample_overlaps()) {
    auto& record = builder.add("overlap", asked, "overlap_mpi", ranks("world", 0, {0, 1, 2, 3}));
    builder.time(record, 0.03125, 40);
    record.overlap = sample_overlap_result(asked);
  }
  for (std::int64_t pair = 0; pair < 2; ++pair) {
    auto& record = builder.add("step", sample_step(), "step_mpi", ranks("blocks:2", pair, {2 * pair, 2 * pair + 1}));
    builder.time(record, pair ? 1.5 : 1.25, 8);
    record.step = sample_step_result();
  }
}

void add_hostile(Builder& builder) {
  auto& record = builder.add("spin", Spin{1e-4, 0.05}, "spin", ranks("rank", 0, {0}));
  record.labels.set("note", "a \"quote\", a comma,\na line, a back\\slash, \xff\xfe bytes, \x1b[31mred");
  record.labels.set("le", 1.5);
  record.labels.set("probe", "not mine");
  record.labels.set("9 lives", std::int64_t{9});
  builder.time(record, 1e-4, 500);
}

} // namespace

Report sample_report() {
  Builder builder;
  add_run(builder.report);
  add_gemm(builder);
  add_memory(builder);
  add_collectives(builder);
  add_device_gemm(builder);
  add_device_memory(builder);
  add_device_collectives(builder);
  add_composites(builder);
  add_hostile(builder);
  auto& report = builder.report;
  for (std::uint64_t const size : {16777216U, 33554432U}) {
    Collective const asked{.kind = CollectiveKind::reduce, .bytes = size, .ranks = 4};
    report.cut.push_back({"collectives", "reduce", labels(asked), "the budget of 20 s was used up"});
  }
  report.findings = {
      {"wiring", "note", "4 ranks on 2 hosts, 2 on each; every rank is bound to its own cores"},
      {"wrong_result", "failure", "1 record wrong; first: gemm dtype=f32 out=f32 m=4096 n=1024 k=512"},
      {"late_rank", "warning",
       "rank 3 on node-b arrives last in 96 % of 250 iterations (5 of 8 records), 312.5 us late (± 4.0 us)"},
      {"throttled", "warning",
       "rank 3 on node-b (" + uuid(3) +
           "): throttled in 2 records; first: gemm dtype=bf16 out=f32 m=8192 n=8192 "
           "k=8192: hw_thermal in 9 of 24 readings, first at 0.05 s, SM clock 1200 MHz, 89 °C"},
      {"rehearsal", "note",
       "1 of 49 records rehearsed by ranks that share a device: they prove the code and measure nothing"},
      {"text", "note", "a name with \x1b[2J in it, and \xc3\x28, must not clear the screen"},
  };
  add_ceilings(report);
  return report;
}

namespace {

// What only records of devices have.
void fill(Record& record) {
  record.implementation = "ring";
  record.rehearsal = true;
  throttle(record.conditions.emplace(conditions(2, 1.5e9, 5e-6)), 1);
  record.conditions->utilisation->nvlink_transmit = 1;
  record.conditions->utilisation->pcie_transmit = 2;
  auto& trace = record.trace.emplace();
  trace.source = "t";
  trace.reason = "r";
  trace.attached = 0.0625;
  trace.calls = 1;
  trace.spans = 2;
  trace.dropped = 3;
  trace.untimed = 4;
  trace.busy = 5e-6;
  trace.cost = 0.5;
  trace.cost_ci = Interval{0.25, 0.75};
  trace.disagreement = 0.125;
  trace.kernels = {{"k", 2, 2e-6}};
  record.overlap = sample_overlap_result(sample_overlaps().front());
  record.step = sample_step_result();
  record.ceiling = Ceiling{"d", 1e12, 0.5, 9e11, 0.625, 0.75, 0.875, 0.9375, "s"};
}

} // namespace

Report small_report() {
  Builder builder;
  auto& report = builder.report;
  add_run(report);
  report.hosts.resize(1);
  report.ranks.resize(2);
  add_collective(builder, {.kind = CollectiveKind::all_reduce, .bytes = 8192}, ranks("world", 0, {0, 1}), 5e-6, 100);
  report.records.front().arrival->last_rank = 1;
  report.records.front().labels.set("factor", 0.5);
  fill(report.records.front());
  report.cut = {{"collectives", "reduce", {{"dtype", "f32"}}, "budget"}};
  report.findings = {{"late_rank", "warning", "rank 1"}};
  return report;
}

} // namespace maru
