// SPDX-License-Identifier: Apache-2.0
// The fields of every stored struct, told once. The JSON writer, the reader and the schema are visitors of this list,
// so that they cannot disagree. A visitor is called as visitor(key, member, description), or as visitor.later(…) for a
// field that reports of an earlier program do not have: always written, and its default when it is not there.
#pragma once

#include "core/report.hpp"

namespace maru {

template <class V> void fields(V& v, Interval& x) {
  v("low", x.low, "lower bound");
  v("high", x.high, "upper bound");
}

template <class V> void fields(V& v, Estimate& x) {
  v("median", x.median, "the median");
  v("median_ci", x.median_ci, "its 95 % interval by order statistics; absent under 6 samples");
}

template <class V> void fields(V& v, Timing& x) {
  v("samples", x.samples, "number of samples");
  v("calls_per_sample", x.calls_per_sample, "a sample is the mean of this many calls back to back");
  v("median", x.median, "seconds per call; for coupled operations of the per-iteration maximum over the group's ranks");
  v("median_ci", x.median_ci, "95 % interval of the median by order statistics; absent under 6 samples");
  v("mean", x.mean, "seconds per call");
  v("min", x.min, "seconds per call");
  v("max", x.max, "seconds per call");
  v("p90", x.p90, "seconds per call");
  v("p99", x.p99, "seconds per call; withheld under 100 samples");
  v("p99_withheld", x.p99_withheld, "why p99 is withheld; empty when it is not");
}

template <class V> void fields(V& v, RankValue& x) {
  v("rank", x.rank, "world rank");
  v("host", x.host, "its host");
  v("seconds", x.seconds, "its own median, seconds per call");
}

template <class V> void fields(V& v, RankSpread& x) {
  v("ranks", x.ranks, "ranks merged");
  v("min", x.min, "shortest rank's own median, seconds");
  v("mean", x.mean, "mean of the ranks' own medians, seconds");
  v("max", x.max, "longest rank's own median, seconds");
  v("longest", x.longest,
    "the ranks that spent longest in the call, longest first: the victims of a late rank, not the culprit");
}

template <class V> void fields(V& v, RunInfo& x) {
  v("id", x.id, "unique name of the run");
  v("maru_version", x.maru_version, "version of the program on every rank");
  v("plan", x.plan, "name of the plan, or of its file");
  v("plan_digest", x.plan_digest, "digest of the questions asked, after the command line's overrides");
  v("launcher", x.launcher, "what started the ranks");
  v("mpi", x.mpi, "the MPI library");
  v.later("cluster", x.cluster, "what the user calls the cluster; may be empty");
  v("started", x.started, "seconds since the Unix epoch");
  v("finished", x.finished, "seconds since the Unix epoch");
  v("complete", x.complete, "whether everything asked for was answered");
  v("incomplete_reason", x.incomplete_reason, "why not; empty when complete");
}

template <class V> void fields(V& v, HostInfo& x) {
  v("name", x.name, "host name");
  v("cpu", x.cpu, "processor model");
  v("kernel", x.kernel, "operating system kernel");
  v("cores", x.cores, "usable physical cores");
  v("processing_units", x.processing_units, "usable hardware threads");
  v("numa_nodes", x.numa_nodes, "memory domains");
  v("last_cache_bytes", x.last_cache_bytes, "all last-level caches together, bytes");
  v("memory_bytes", x.memory_bytes, "main memory, bytes");
}

template <class V> void fields(V& v, RankInfo& x) {
  v("rank", x.rank, "world rank");
  v("host", x.host, "host name");
  v("local_rank", x.local_rank, "rank within its host");
  v("cpus", x.cpus, "hardware threads it may run on");
  v("threads", x.threads, "threads that it computes with");
  v("bound", x.bound, "whether the launcher bound it to less than the host");
  v("device", x.device, "accelerator model; empty on the host backend");
  v("device_uuid", x.device_uuid, "accelerator's unique id, as its vendor writes it");
  v.later("device_bus", x.device_bus, "accelerator's PCI address");
  v.later("driver", x.driver, "accelerator's driver and runtime");
}

template <class V> void fields(V& v, Group& x) {
  v("kind", x.kind, "rank, world, node, pairs, split:K, blocks:K, hosts:ROUND, local:ROUND or couples");
  v("index", x.index, "which group of its kind");
  v.ranks("ranks", x.ranks, "world ranks of the group, as ranges");
}

template <class V> void fields(V& v, Cost& x) {
  v("flops", x.flops, "floating-point or integer operations per call");
  v("bytes", x.bytes, "bytes moved per call; for collectives the size S behind algbw");
  v("bus_bytes", x.bus_bytes, "collectives: S times the bus factor");
}

template <class V> void fields(V& v, Verification& x) {
  v("checked", x.checked, "whether results were checked before timing");
  v("elements", x.elements, "elements compared, over the group's ranks");
  v("wrong", x.wrong, "elements that were wrong");
  v("max_error", x.max_error, "largest error over its tolerance; at most 1 when right");
  v("method", x.method, "how it was checked");
  v("detail", x.detail, "the first wrong element");
  v("wrong_rank", x.wrong_rank, "the rank that found it; absent when right");
}

template <class V> void fields(V& v, Arrival& x) {
  v("iterations", x.iterations, "iterations sampled on synchronised clocks");
  v("missed", x.missed, "iterations left out because a rank was still busy at their start");
  v("clock_error", x.clock_error, "seconds");
  v("transfer", x.transfer, "median seconds from the last arrival to the last exit");
  v("lateness", x.lateness, "median seconds of the most often last rank behind the median of the others");
  v("lateness_error", x.lateness_error,
    "seconds: clock error, spread of the punctual ranks and half the interval of the median together");
  v("last_rank", x.last_rank, "world rank that arrives last; absent when none is late beyond the error and chance");
  v("last_host", x.last_host, "its host");
  v("last_share", x.last_share, "part of the iterations in which the most often last rank was last, 0 to 1");
}

template <class V> void fields(V& v, Samples& x) {
  v("at", x.at, "seconds since the run started");
  v("seconds", x.seconds, "seconds per call");
}

template <class V> void fields(V& v, Utilisation& x) {
  v("source", x.source, "pm_sampling, gpm or nvml, best first");
  v("reason", x.reason, "why no better source; empty with the best");
  v("sm_active", x.sm_active, "part of the time in which multiprocessors were busy, mean over them, 0 to 1");
  v("tensor_active", x.tensor_active, "part of the cycles in which tensor pipes were busy, 0 to 1");
  v("dram_active", x.dram_active, "part of the memory's peak throughput, 0 to 1");
  v("nvlink_receive", x.nvlink_receive, "bytes per second");
  v("nvlink_transmit", x.nvlink_transmit, "bytes per second");
  v("pcie_receive", x.pcie_receive, "bytes per second");
  v("pcie_transmit", x.pcie_transmit, "bytes per second");
  v("coverage", x.coverage, "part of the time watched that samples cover, 0 to 1");
}

template <class V> void fields(V& v, Conditions& x) {
  v("source", x.source, "who told");
  v("devices", x.devices, "devices merged");
  v("readings", x.readings, "fewest readings of a device");
  v("sm_clock", x.sm_clock, "hertz, mean; of the slowest device");
  v("sm_clock_min", x.sm_clock_min, "hertz, lowest reading");
  v("sm_clock_max", x.sm_clock_max, "hertz, highest reading");
  v("memory_clock", x.memory_clock, "hertz, mean");
  v("power", x.power, "watts, mean, all devices together");
  v("energy_per_call", x.energy_per_call, "joules, all devices together; only where calls fill the time watched");
  v("temperature", x.temperature, "degrees Celsius, highest");
  v("pcie_width", x.pcie_width, "lanes in use, fewest");
  v("nvlinks", x.nvlinks, "links up, fewest");
  v("throttle", x.throttle, "reasons the driver gave for lowered clocks");
  v("invalid", x.invalid, "throttled, clock_changed, contended, ecc; empty when valid");
  v("detail", x.detail, "of the first invalid: which device, which reading");
  v("utilisation", x.utilisation, "how busy the parts of the devices were");
}

template <class V> void fields(V& v, KernelTime& x) {
  v("name", x.name, "the kernel");
  v("launches", x.launches, "in the traced calls");
  v("seconds", x.seconds, "median of a launch");
}

template <class V> void fields(V& v, Trace& x) {
  v("source", x.source, "the tracer and its version");
  v("reason", x.reason, "why there is no trace; empty when there is");
  v("calls", x.calls, "calls traced");
  v("spans", x.spans, "spans collected");
  v("dropped", x.dropped, "records lost for want of room");
  v("untimed", x.untimed, "records without time stamps");
  v("busy", x.busy, "seconds per call in which the device did something");
  v("cost", x.cost, "median traced over median untraced time, minus 1");
  v("cost_ci", x.cost_ci, "95 % interval of cost");
  v("attached", x.attached, "median untraced time once the tracer was used over that before, minus 1; first case only");
  v("disagreement", x.disagreement, "from first start to last end over the lane's own time, minus 1");
  v("kernels", x.kernels, "the longest in sum, at most 8");
}

template <class V> void fields(V& v, Ceiling& x) {
  v("device", x.device, "row of the table of peaks; empty when the device is not in it");
  v("datasheet", x.datasheet, "the vendor's dense rate at boost clock, per second");
  v("of_datasheet", x.of_datasheet, "the record's rate over the datasheet's");
  v("issue", x.issue, "rate of tensor instructions without memory traffic in the same run, per second");
  v("of_issue", x.of_issue, "the record's rate over the issue rate");
  v("clock_share", x.clock_share, "mean clock over the clock that the datasheet's rate stands for");
  v("issue_share", x.issue_share, "issue rate over datasheet times clock share");
  v("memory_share", x.memory_share, "what is left of of_datasheet after clock and issue");
  v("source", x.source, "of the datasheet's figure");
}

template <class V> void fields(V& v, OverlapResult& x) {
  v("compute", x.compute, "seconds of the product alone, with all threads");
  v("communication", x.communication, "seconds of the collective alone");
  v("compute_together", x.compute_together, "seconds of the product while the collective runs");
  v("communication_together", x.communication_together, "seconds of the collective while the product runs");
  v("efficiency", x.efficiency, "(compute + communication - together) / the shorter of the two, 0 to 1");
  v("compute_slowdown", x.compute_slowdown, "compute_together over compute");
  v("communication_slowdown", x.communication_slowdown, "communication_together over communication");
}

template <class V> void fields(V& v, StepResult& x) {
  v("convention", x.convention, "what the operations count");
  v("parameters", x.parameters, "weights of one rank");
  v("flops_per_rank", x.flops_per_rank, "operations per second of one rank");
  v("tokens_per_second", x.tokens_per_second, "of the whole group");
  v("products", x.products, "seconds in matrix products");
  v("attention", x.attention, "seconds in attention");
  v("other", x.other, "seconds in norms, activations and residuals");
  v("optimizer", x.optimizer, "seconds in the sweep over the weights");
  v("communication", x.communication, "seconds in collectives, waiting for others included");
  v("compute_only", x.compute_only, "seconds of the same step with communication left out");
  v("exposed", x.exposed, "seconds that communication adds to the step");
}

template <class V> void fields(V& v, Record& x) {
  v("probe", x.probe, "the probe that asked");
  v("operation", x.operation, "the operation timed");
  v("backend", x.backend, "the implementation that answered");
  v.later("device", x.device, "what it computes with: cpu, cuda …");
  v.labels("labels", x.labels, "what was asked, as numbers or strings");
  v("group", x.group, "the ranks that answered together");
  v("status", x.status, "whether it could be answered");
  v("reason", x.reason, "of wrong, skipped and failed");
  v("cost", x.cost, "what one call costs");
  v("time", x.time, "statistics of the samples; absent when not timed");
  v("stop", x.stop, "why sampling ended");
  v("spread", x.spread, "how the group's ranks differ");
  v("verification", x.verification, "the check of the results before timing");
  v("arrival", x.arrival, "who arrives last, for coupled operations");
  v.later("implementation", x.implementation, "what answered beneath the backend, where it has a choice");
  v.later("rehearsal", x.rehearsal, "ranks shared a device: proves the code, measures nothing");
  v.later("second_look", x.second_look, "asked again of suspects, beside hosts that are known to be good");
  v("conditions", x.conditions, "state of the devices while it was timed");
  v("trace", x.trace, "some calls once more under a tracer");
  v("ceiling", x.ceiling, "what the rate is a part of");
  v("overlap", x.overlap, "a product and a collective alone and together");
  v("step", x.step, "where the time of a step of training goes");
  v("samples", x.samples, "up to 64 of the samples");
}

template <class V> void fields(V& v, ClockQuality& x) {
  v("method", x.method, "how the ranks' clocks were compared");
  v("error", x.error, "seconds, largest over ranks");
  v("drift", x.drift, "seconds per second, largest over ranks");
  v("residual", x.residual, "seconds between the last synchronisation and what the earlier ones foretold");
}

template <class V> void fields(V& v, Cut& x) {
  v("probe", x.probe, "the probe that would have asked");
  v("operation", x.operation, "the operation");
  v.labels("labels", x.labels, "what would have been asked");
  v("reason", x.reason, "why it was not run");
}

template <class V> void fields(V& v, LostRank& x) {
  v("rank", x.rank, "world rank");
  v("host", x.host, "its host");
  v("reason", x.reason, "what was last heard of it");
}

template <class V> void fields(V& v, Link& x) {
  v("from", x.from, "index of the sending node");
  v("to", x.to, "index of the receiving node");
  v("value", x.value, "seconds, or bytes per second");
  v("expected", x.expected, "what the two nodes' own effects foretell");
}

template <class V> void fields(V& v, LinkNode& x) {
  v("rank", x.rank, "the rank that speaks for it");
  v("name", x.name, "a host, or a rank on its host");
  v("host", x.host, "its host");
  v("out", x.out, "its effect on what it sends: measured over usual; 1 is usual");
  v("in", x.in, "its effect on what it receives, likewise");
  v("explains", x.explains, "part of the map's excess over the usual that this node explains, 0 to 1");
}

template <class V> void fields(V& v, LinkMap& x) {
  v("scope", x.scope, "hosts, or local: the ranks within each host");
  v("figure", x.figure, "latency, seconds one way; or bandwidth, bytes per second");
  v("backend", x.backend, "the implementation that answered");
  v("usual", x.usual, "of a link between two usual nodes");
  v("nodes", x.nodes, "hosts, or ranks within hosts");
  v("ranking", x.ranking, "indices of the nodes, the one that explains most of the excess first");
  v("links", x.links, "each direction of each pair that was measured");
}

template <class V> void fields(V& v, Finding& x) {
  v("kind", x.kind, "late_rank, wrong_result, wiring …");
  v("severity", x.severity, "note, warning or failure");
  v("text", x.text, "one line with its evidence");
}

template <class V> void fields(V& v, Report& x) {
  v("maru_report", x.maru_report, "version of this format");
  v("run", x.run, "the run");
  v("clock", x.clock, "quality of the clock synchronisation");
  v("hosts", x.hosts, "the machines");
  v("ranks", x.ranks, "who answered");
  v("records", x.records, "the answers");
  v("cut", x.cut, "what was asked for and not run");
  v.later("lost", x.lost, "ranks that ended or fell silent before the run did");
  v.later("links", x.links, "the link maps, worked out from the records");
  v("findings", x.findings, "what the analysis says of it");
}

} // namespace maru
