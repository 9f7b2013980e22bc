// SPDX-License-Identifier: Apache-2.0
const s = (count, noun) => `${Number(count).toLocaleString("en-US")} ${noun}${Number(count) === 1 ? "" : "s"}`;

export default {
  // the page
  verdict: "Verdict", controls: "Controls", theme: "Theme", theme_auto: "Auto", theme_light: "Light", theme_dark: "Dark", language: "Language", "language.en": "English", "language.ko": "한국어", runs: "Runs",
  click_host: "Choose a host to see it in every figure", filtered: (host) => `Host ${host}`, show_host: (host) => `Show ${host} in every figure`,
  copy: "Copy", copied: "Copied", not_copied: "Cannot copy here", table: "Table", keys: "Arrow keys read its values.",
  made_by: (version) => `Made by maru report from a report of maru ${version}. This page loads nothing and sends nothing.`,
  left_out: (what, shown, all) => `${what}: ${shown} of ${all} are in this page; the report has all.`,
  "what.questions": "Questions", "what.hosts": "Hosts", "what.findings": "Findings", "what.notes": "Notes", "what.links": "Bad links", "what.cut": "Cut cases", "what.lost": "Lost ranks",

  // sections
  hosts: "Hosts", collectives: "Collectives", compute: "Compute", memory: "Memory and copies", links: "Links", lateness: "Lateness", conditions: "Clocks, power, temperature", timeline: "Run", all_figures: "All figures", comparison: "A against B",
  everything: (count) => `${s(count, "question")} with all figures`,

  // verdict
  "state.pass": "pass", "state.warn": "warn", "state.unknown": "unknown", "state.fail": "fail",
  "judgement.integrity": "integrity", "judgement.absolute": "spec", "judgement.relative": "peers", "judgement.historical": "past", "judgement.arrival": "arrival", "judgement.network": "network",
  "finding.wrong_result": "wrong", "finding.failed": "failed", "finding.late_rank": "late", "finding.wiring": "wiring", "finding.throttled": "throttled", "finding.clock_changed": "clock", "finding.contended": "contended",
  "finding.ecc": "ECC", "finding.above_ceiling": "above ceiling", "finding.timing_disagreement": "timing", "finding.trace_cost": "tracing", "finding.gemm_peak": "peak", "finding.rehearsal": "rehearsal", "finding.no_peak": "no datasheet",
  "doubt.throttled": "throttled", "doubt.clock_changed": "clock not steady", "doubt.contended": "shared with another process", "doubt.ecc": "memory errors", "doubt.rehearsal": "rehearsal",
  plan: "plan", rank: "rank", ranks_on_hosts: (ranks, hosts) => `${s(ranks, "rank")} on ${s(hosts, "host")}`,
  flaky: "flaky: a second look cleared it", nothing_against: "Nothing speaks against it.", more_hosts: (count) => `${s(count, "more host")} with something against them: see the tiles below.`,
  hosts_note: (shown, all) => (shown < all ? `${shown} of ${all}: those that are no pass, and others evenly from the rest. Choose one to see it in every figure.` : "Choose one to see it in every figure."), find_host: "Find a host",
  records_good: (good, all, checked) => `${good} of ${s(all, "record")} good, ${checked} checked`, records_wrong: (count) => `${count} wrong`, records_failed: (count) => `${count} failed`, records_skipped: (count) => `${count} cannot be done here`,
  records_noisy: (noisy, all) => `${noisy} of ${all} noisy (interval wider than ± 10 %)`, incomplete: (reason) => `incomplete: ${reason}`,
  lost: "Ranks that were lost", cut: "What was not run", rests_on: "What the verdict rests on", spec: "spec", baseline: "baseline", thresholds: "thresholds",

  // columns and legends
  operation: "operation", type: "type", size: "size", shape: "shape", median: "median", most: "5–95 % of groups", least: "least", greatest: "greatest", worst_group: "worst", host: "host", floor: "spec floor", datasheet: "datasheet", rate: "rate", time: "time",
  probe: "probe", question: "question", backend: "backend", group: "group", remarks: "remarks", records: "records", intensity: "FLOP/B", roof: "roof", ridge: "ridge point", from: "from", to: "to", value: "measured", usual: "usual", explained: "by its two ends",
  count_wrong: "wrong", count_failed: "failed", count_skipped: "cannot be done here", count_noisy: "noisy",
  legend_median: "median", legend_interval: "95 % interval of the median", legend_most: "where 90 % of the groups are", legend_other: "the other run", legend_floor: (source) => `spec floor: ${source}`,
  legend_trouble: "throttled, shared or unsteady", not_of_one_host: (host) => `${host}: a world of several hosts has no figure of one host`,
  worst: (host, rank) => `worst: ${host}, rank ${rank}`, first_of: (shown, all) => `The first ${shown} of ${all}.`,

  // figures
  "figure.latency": "latency", "figure.bandwidth": "bandwidth", "figure.sm_clock": "Clock", "figure.power": "Power of one device", "figure.temperature": "Temperature",
  busbw_title: (value, operation, size) => `Bus bandwidth: ${value} at best, ${operation} of ${size}`, latency_title: (value, operation, size) => `Time: ${value} at least, ${operation} of ${size}`,
  curve_note: (kind, ranks, backend) => `${kind === "world" ? "All" : `In groups (${kind}) of`} ${s(ranks, "rank")}, ${backend}. Time is the maximum over the ranks of each iteration; message size is binary.`,
  gemm_title: (value, row, shape) => `Products: ${value} at best, ${row} at ${shape}`, gemm_note: (unit, host) => `${unit}${host ? ` of ${host}` : ", median over the ranks"}; the colour is the part of the row's fastest shape.`, of_best: (part) => `${part} of the row's fastest`, of_fastest: "of fastest",
  roofline_title: (ridge) => `Ridge point at ${ridge} operations per byte`, roofline_note: (operation, bandwidth, detail) => `Measured roofs: a product with fewer operations per byte is bound by memory (${operation} ${detail}: ${bandwidth}), one with more by its type's best rate. Circles are the ridges.`, intensity_axis: "operations per byte",
  range_title: (probe, value, question) => `${probe}: ${value} at best, ${question}`, range_note: (more) => `All ranks at once, one rank's share. ${more}`,
  links_even: (kind, usual) => `Every link is near the usual ${kind}, ${usual}`, links_node: (node, part, kind) => `${node} explains ${part} of what is lost in ${kind}`, links_worst: (link, value, usual, kind) => `${link} has the worst ${kind}: ${value}, usual ${usual}`,
  links_note: (scope, backend, nodes) => `${scope}, ${backend}, ${nodes} nodes; rows send, columns receive. The colour is how many times worse than the usual.`, "scope.hosts": "Between hosts", "scope.local": "Between ranks within hosts",
  links_grouped: (rows) => `Neighbours share a row (${rows} rows): a cell is the worst of its links.`, links_nodes: (nodes) => `Part of all excess: ${nodes}.`, worst_of_links: (count) => `worst of ${count} links`, as_usual: "as usual", links_counted: "links",
  late_title: (rank, host, value, records, all) => `Rank ${rank} on ${host} comes last, ${value} late, in ${records} of ${all} records`, late_note: (more) => `Behind the median of the others; the line is the error of clocks and of chance. The late rank is the culprit, those that show long times wait for it. ${more}`,
  nobody_late: (records, error, host) => `${host ? `Nobody on ${host}` : "Nobody"} arrives late: in ${s(records, "record")} no rank is last beyond chance and the clocks' error (± ${error}).`, last_in: (share, records) => `last in ${share} of the iterations, ${s(records, "record")}`, share_last: "last in",
  condition_title: (name, low, high, marked) => `${name}: ${low} to ${high}${marked ? `, ${s(marked, "question")} disturbed` : ""}`, condition_note: (unit) => `${unit} over the run, in seconds since its start; while each question was timed.`, time_axis: "s",
  timeline_title: (measured, all, count) => `${s(count, "question")}, timed for ${measured} of ${all}`, timeline_note: "From the first to the last kept sample of each question, in seconds since the start; between them lie preparation and checks.",
  began: "began", lasted: "lasted", span_good: "good", span_noisy: "noisy", span_doubtful: "must not be used as it stands", span_wrong: "wrong or failed",

  // two runs
  differ: (better, worse, all) => `${better + worse} of ${s(all, "figure")} differ: ${better} faster, ${worse} slower in B`, no_difference: (all) => `No difference beyond noise in ${s(all, "figure")}`,
  compare_note: (same) => `Speed of B over that of A with an interval that holds for all figures together with 95 %. It knows the noise within the runs only: what varies from run to run of the same machine is not in it.${same ? "" : " The runs share no hosts: places are compared by their number."}`,
  change_better: "faster in B", change_worse: "slower in B", change_none: "no difference beyond noise", change_unknown: "too few samples to say", speed_ratio: "speed B/A", interval: "95 % together", places: "places",
  only: (before, after) => `Asked in A only: ${before}; in B only: ${after}.`,
};
