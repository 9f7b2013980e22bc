// SPDX-License-Identifier: Apache-2.0
// The fields of every stored struct, told once. The JSON writer, the reader and the schema are visitors of this list,
// so that they cannot disagree. A visitor is called as visitor(key, member, description).
#pragma once

#include "core/report.hpp"

namespace maru {

template <class V> void fields(V& v, Interval& x) {
  v("low", x.low, "lower bound");
  v("high", x.high, "upper bound");
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
}

template <class V> void fields(V& v, Group& x) {
  v("kind", x.kind, "rank, world, node, pairs or split:K");
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

template <class V> void fields(V& v, Record& x) {
  v("probe", x.probe, "the probe that asked");
  v("operation", x.operation, "the operation timed");
  v("backend", x.backend, "the implementation that answered");
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
  v("findings", x.findings, "what the analysis says of it");
}

} // namespace maru
