// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/boxed.hpp"
#include "core/conditions.hpp"
#include "core/labels.hpp"
#include "core/operation.hpp"
#include "core/statistics.hpp"
#include "core/units.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The report's format. A reader refuses every other number; a new optional field does not raise it.
constexpr std::int64_t report_version = 1;

/// One run of the program. Times are seconds since the Unix epoch, by rank 0's clock.
struct RunInfo {
  std::string id;
  std::string maru_version;
  std::string plan;        ///< its name, or its file's
  std::string plan_digest; ///< of the plan after the command line's overrides; equal digests ask the same questions
  std::string launcher;    ///< "mpirun", "srun", "none" …
  std::string mpi;         ///< the MPI library's own name and version
  std::string cluster;     ///< as the user calls it; may be empty
  double started = 0;
  double finished = 0;
  bool complete = false;
  std::string incomplete_reason; ///< empty when complete
};

struct HostInfo {
  std::string name;
  std::string cpu;
  std::string kernel;
  std::int64_t cores = 0;            ///< physical cores the operating system lets us use
  std::int64_t processing_units = 0; ///< hardware threads, likewise
  std::int64_t numa_nodes = 0;
  std::int64_t last_cache_bytes = 0; ///< all last-level caches together
  std::int64_t memory_bytes = 0;
  bool operator==(HostInfo const&) const = default;
};

/// Who answered: one per rank.
struct RankInfo {
  std::int64_t rank = 0;
  std::string host;
  std::int64_t local_rank = 0;
  std::string cpus; ///< the hardware threads it may run on, as "0-3,8"
  std::int64_t threads = 1;
  bool bound = false;      ///< whether the launcher bound it to less than the host
  std::string device;      ///< the accelerator's model; empty on the host backend
  std::string device_uuid; ///< as the vendor writes it ("GPU-…")
  std::string device_bus;  ///< its PCI address
  std::string driver;      ///< of the accelerator, and its runtime's version
};

/// The group of ranks that a record speaks of. kind "rank" is a group of one: an operation without partners.
struct Group {
  std::string kind = "rank"; ///< rank, world, node, pairs, split:K, blocks:K, hosts:ROUND, local:ROUND, couples
  std::int64_t index = 0;    ///< which of its kind
  std::vector<std::int64_t> ranks;
};

enum class Status { ok, wrong, skipped, failed };
enum class Stop { converged, max_iterations, budget, fixed, interrupted };

struct Verification {
  bool checked = false;
  std::uint64_t elements = 0; ///< compared, over the group's ranks
  std::uint64_t wrong = 0;
  double max_error = 0;                        ///< largest error over its tolerance; at most 1 when right
  std::string method;                          ///< "exact", "naive", "freivalds+naive" …
  std::string detail;                          ///< the first wrong element, and whose
  std::optional<std::int64_t> wrong_rank = {}; ///< who found it; absent when right
};

/// A late rank is named when it costs at least this part of the operation itself.
constexpr double worth_naming = 0.05;

/// Who came last into a coupled operation, from a sample of iterations started at one agreed time on synchronised
/// clocks.
struct Arrival {
  std::uint64_t iterations = 0;
  std::uint64_t missed = 0;  ///< iterations left out because a rank was still busy when they began
  double clock_error = 0;    ///< seconds; no claim below it is made
  double transfer = 0;       ///< median seconds from the last arrival to the last exit
  double lateness = 0;       ///< median seconds of the most often last rank behind the median of the others
  double lateness_error = 0; ///< clock error, spread of the punctual ranks, and half the interval of the median
  std::optional<std::int64_t> last_rank; ///< absent when none is late beyond the error and chance
  std::string last_host;
  double last_share = 0; ///< part of the iterations in which the most often last rank was last
};

/// Up to 64 of the samples, evenly chosen, with the time at which each began.
struct Samples {
  std::vector<double> at;      ///< seconds since the run started
  std::vector<double> seconds; ///< per call
};

/// Time of one kernel among those of a call, as a tracer saw it.
struct KernelTime {
  std::string name;
  std::uint64_t launches = 0; ///< in the traced calls
  double seconds = 0;         ///< median of a launch
};

/// Some calls timed once more under a tracer, in turn with as many untraced ones.
struct Trace {
  std::string source;              ///< "CUPTI 13.0.1"
  std::string reason;              ///< why there is no trace; empty when there is
  std::uint64_t calls = 0;         ///< traced
  std::uint64_t spans = 0;         ///< collected
  std::uint64_t dropped = 0;       ///< records lost for want of room
  std::uint64_t untimed = 0;       ///< records without time stamps
  double busy = 0;                 ///< seconds per call in which the device did something: the union of the spans
  double cost = 0;                 ///< median traced over median untraced time, minus 1
  std::optional<Interval> cost_ci; ///< 95 % interval of it
  std::optional<double> attached;  ///< median untraced time once the tracer was used over that before, minus 1; known
                                   ///< for the first case only, for the tracer stays with the process
  double disagreement = 0;         ///< first start to last end over the lane's own time, minus 1; median of the batches
  std::vector<KernelTime> kernels; ///< the longest in sum, at most 8
};

/// What the record's rate is a part of. Rates in operations or bytes per second, of all the group's devices together.
struct Ceiling {
  std::string device;                 ///< row of the table of peaks; empty when the device is not in it
  std::optional<double> datasheet;    ///< the vendor's dense rate at boost clock
  std::optional<double> of_datasheet; ///< the record's rate over it
  std::optional<double> issue;        ///< rate of tensor instructions without memory traffic, measured in the same run
  std::optional<double> of_issue;     ///< the record's rate over it
  std::optional<double> clock_share;  ///< mean clock over the clock that the datasheet's rate stands for
  std::optional<double> issue_share;  ///< issue over (datasheet · clock share): what instructions alone lose
  std::optional<double> memory_share; ///< what is left: of_datasheet / (clock share · issue share)
  std::string source;                 ///< of the datasheet's figure
};

/// A product and a collective alone and together, measured in turn. Seconds are per call, of the maximum over the
/// group's ranks; ratios are medians over the turns.
struct OverlapResult {
  Estimate compute;                ///< alone, with all threads
  Estimate communication;          ///< alone
  Estimate compute_together;       ///< its own time while the collective runs
  Estimate communication_together; ///< its own time while the product runs
  Estimate efficiency; ///< (compute + communication − together) / the shorter of the two, 0 to 1: 1 is all hidden
  Estimate compute_slowdown;       ///< its time together over its time alone
  Estimate communication_slowdown; ///< likewise
};

/// Where a step's time goes. Seconds are per step, of the maximum over the group's ranks.
struct StepResult {
  std::string convention;       ///< what its operations count
  std::int64_t parameters = 0;  ///< weights of one rank
  double flops_per_rank = 0;    ///< operations of a step over its ranks and its time, per second
  double tokens_per_second = 0; ///< of the whole group
  double products = 0, attention = 0, other = 0,
         optimizer = 0;     ///< matrix products, attention, norms and the like, Adam
  double communication = 0; ///< in collectives, waiting for others included
  Estimate compute_only;    ///< the same step with communication left out, measured in turn
  Estimate exposed;         ///< step − compute_only: what communication adds
};

/// One question, as answered by one group of ranks.
struct Record {
  std::string probe;
  std::string operation;
  std::string backend;
  std::string device; ///< what it computes with: "cpu", "cuda" …; empty in reports of version 0.1
  Labels labels;
  Group group;
  Status status = Status::ok;
  std::string reason; ///< of skipped, wrong and failed
  Cost cost;
  std::optional<Timing> time; ///< absent when it was not timed
  std::optional<Stop> stop;
  Boxed<RankSpread> spread;
  Verification verification;
  Boxed<Arrival> arrival;
  std::string implementation;   ///< what answered beneath the backend, where it has a choice: an algorithm's name
  bool rehearsal = false;       ///< ranks shared a device: proves the code and measures nothing; no verdict, no sizing
  bool second_look = false;     ///< asked again of suspects, beside hosts that are known to be good
  Boxed<Conditions> conditions; ///< of the devices while it was timed
  Boxed<Trace> trace;
  Boxed<Ceiling> ceiling;
  Boxed<OverlapResult> overlap; ///< of operation overlap
  Boxed<StepResult> step;       ///< of operation step
  Samples samples;
};

/// Whether an accelerator answered.
bool computes_with_device(Record const& record);

/// Why the record's figures must not be used as they stand: "rehearsal", "throttled", "clock_changed" …; empty when
/// they may.
std::vector<std::string> doubts(Record const& record);
/// Every word that doubts() may have.
std::span<std::string_view const> doubt_words();

/// How far the ranks' clocks can be trusted against rank 0's.
struct ClockQuality {
  std::string method;  ///< "same kernel clock", "ping-pong", or both
  double error = 0;    ///< seconds, largest over ranks
  double drift = 0;    ///< seconds per second, largest over ranks
  double residual = 0; ///< seconds between the final synchronisation and what the earlier ones foretold, largest
};

/// A case that was asked for and not run.
struct Cut {
  std::string probe;
  std::string operation;
  Labels labels;
  std::string reason;
};

/// A rank that ended, or fell silent, before the run did.
struct LostRank {
  std::int64_t rank = 0;
  std::string host;
  std::string reason; ///< what was last heard of it, in one line
};

/// One direction between two nodes of a link map.
struct Link {
  std::size_t from = 0, to = 0; ///< indices into LinkMap::nodes
  double value = 0;
  double expected = 0; ///< what the two nodes' own effects foretell
};

/// How much of a link map's excess over the usual one node explains.
struct LinkNode {
  std::int64_t rank = 0; ///< that speaks for it
  std::string name;      ///< a host, or "rank 3 on h1" within hosts
  std::string host;
  double out = 0, in = 0; ///< its effect on what it sends and receives: measured over usual, as a ratio; 1 is usual
  double explains = 0;    ///< part of all the excess in the map, 0 to 1
};

/// Latency or bandwidth between every pair that was measured.
struct LinkMap {
  std::string scope;  ///< "hosts", or "local": the ranks within each host
  std::string figure; ///< "latency" or "bandwidth"
  std::string backend;
  double usual = 0; ///< of a link between two usual nodes
  std::vector<LinkNode> nodes;
  std::vector<std::size_t> ranking; ///< the nodes, the one that explains most first
  std::vector<Link> links;
};

bool is_latency(LinkMap const& map);
/// log(value/usual), turned so that positive is worse; 0 where one of the two is not positive.
double badness(LinkMap const& map, double value);

/// What analysis says of the run, in one line with its evidence.
struct Finding {
  std::string kind;     ///< "late_rank", "wrong_result", "wiring" …
  std::string severity; ///< "note", "warning", "failure"
  std::string text;
};

struct Report {
  std::int64_t maru_report = report_version;
  RunInfo run;
  ClockQuality clock;
  std::vector<HostInfo> hosts;
  std::vector<RankInfo> ranks;
  std::vector<Record> records;
  std::vector<Cut> cut;
  std::vector<LostRank> lost;
  std::vector<LinkMap> links; ///< worked out from the records
  std::vector<Finding> findings;
};

/// A figure derived from a record, with its 95 % interval. One definition for every exporter.
struct Figure {
  std::string_view name; ///< "duration", "flops", "bandwidth", "algorithm_bandwidth", "bus_bandwidth"
  Unit unit = Unit::none;
  double value = 0;
  std::optional<Interval> ci;
};
/// The median duration and the rates that the record's cost gives; empty when it was not timed.
std::vector<Figure> figures(Record const& record);

/// "gemm openblas dtype=f32 m=512 …": the same for the same question, over ranks, groups and runs.
std::string question(Record const& record);
std::string question(std::string_view probe, Operation const& operation, std::string_view backend);
/// question() and the group: unique in a report.
std::string key(Record const& record);

std::string_view name(Status status);
std::string_view name(Stop stop);

/// Ranks as ranges: {0,1,2,5} ↔ "0-2,5". Reading throws Error(usage) for anything else.
std::string format_ranks(std::vector<std::int64_t> const& ranks);
std::vector<std::int64_t> parse_ranks(std::string_view text);

} // namespace maru
