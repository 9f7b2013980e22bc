# SPDX-License-Identifier: Apache-2.0
"""What one run, or some, found."""
from monitoring.panels import Panel, Row
from monitoring.queries import GPU, PRODUCT, SHAPE, of_expected, place, run

UID, TITLE, FROM = "maru-run", "Maru: run report", "now-24h"
DESCRIPTION = "Is it healthy, how fast is it, and may the figures be used. Choose one run."

GOOD_ABOVE_95 = [(None, "red"), (0.9, "orange"), (0.95, "green")]
BAD_ABOVE_0 = [(None, "green"), (1, "red")]
MEDIAN = 'q="0.5"'


def figure(title, description, unit, metric, more, legend, **options):
    return Panel("bargauge", title, description, unit, [(run(metric, more), legend)], **options)


ITEMS = [
    Row("What was run, and what it is worth"),
    Panel("stat", "Verdict", "What the last look at the run's hosts and links says; absent before the run has ended.", "none",
          [(run("maru_run_result") + " == 1", "{{result}} ({{run_id}})")], width=6, height=5, names=True),
    Panel("stat", "Status", "Whether the run goes on, has ended, or was stopped.", "none",
          [(run("maru_run_status") + " == 1", "{{status}} ({{run_id}})")], width=6, height=5, names=True),
    Panel("stat", "Size", "Ranks and hosts of the run.", "short",
          [(run("maru_run_ranks"), "ranks of {{run_id}}"), (run("maru_run_hosts"), "hosts of {{run_id}}")], width=6, height=5),
    Panel("stat", "Duration", "From the start to the end, or to the last sign of life.", "s",
          [(run("maru_run_last_heartbeat_timestamp_seconds") + " - " + run("maru_run_start_timestamp_seconds"), "{{run_id}}")],
          width=6, height=5),
    Panel("stat", "Hosts by verdict", "How many of the run's hosts the verdict calls what.", "short",
          [(run("maru_run_judged_hosts"), "{{state}} ({{run_id}})")], width=8, height=5),
    Panel("stat", "Lost", "Ranks that ended or fell silent before the run did, cases that were asked for and not run, links that "
          "are slower than their ends explain.", "short",
          [(run("maru_run_lost_ranks"), "lost ranks of {{run_id}}"), (run("maru_run_cut_cases"), "cases not run of {{run_id}}"),
           (run("maru_run_slow_links"), "slow links of {{run_id}}")], width=8, height=5, steps=BAD_ABOVE_0),
    Panel("stat", "Findings", "What the analysis has to say, by severity. The report has the sentences.", "short",
          [(run("maru_run_findings"), "{{severity}} ({{run_id}})")], width=8, height=5),
    Panel("bargauge", "Records", "Records by status: wrong is a result that is not right.", "short",
          [(run("maru_run_records"), "{{status}} ({{run_id}})")], width=8, height=6),
    Panel("bargauge", "Must not be used", "Records that are in no figure here since something else was going on, by reason.",
          "short", [(run("maru_run_invalid_records"), "{{reason}} ({{run_id}})")], width=8, height=6, steps=BAD_ABOVE_0),
    Panel("state-timeline", "Phases", "When the run was running, and how it ended.", "none",
          [('max without (job, instance) (maru_run_status{cluster=~"$cluster", run_id=~"$run_id"}) == 1',
            "{{run_id}} {{status}}")], width=8, height=6, over_time=True),
    Panel("table", "Runs", "Which program, plan, launcher and MPI.", "none", [(run("maru_run_info"), "")], width=24, height=5,
          hidden=("Value",)),

    Row("Who is to blame"),
    Panel("table", "Outliers", "What the verdict holds against hosts, the worst first: measured over expected.", "percentunit",
          [(run("maru_run_outlier_ratio"), "")], width=14, height=8, link="maru-fleet", hidden=("cluster",)),
    Panel("bargauge", "Who is late", "The rank that enters last beyond the clocks' error: it is the culprit, the ranks that wait "
          "for it show the long times.", "s",
          [(run("maru_run_arrival_lateness_seconds", 'late_rank!=""'),
            "rank {{late_rank}} on {{late_hostname}}: {{operation}} {{size_bytes}} B")], width=10, steps=[(None, "orange")]),
    Panel("stat", "Hosts that do not pass", "What the verdict says of each host; the others pass.", "none",
          [(place("maru_node_state", 'state!="pass"') + " == 1", "{{hostname}} {{state}}")], width=12, height=6, names=True),
    Panel("bargauge", "Effect on links", "Measured over usual latency or bandwidth that the host itself explains; 1 is usual.",
          "percentunit", [(place("maru_node_link_ratio"), "{{hostname}} {{direction}} {{figure}}")], width=12, height=6),

    Row("Rates"),
    figure("Matrix products", "Rate at the median time, of the median rank.", "flops", "maru_run_gemm_rate_flops_per_second",
           f"{PRODUCT}, {MEDIAN}", SHAPE + " ({{run_id}})"),
    Panel("bargauge", "GPUs over their floor", "Rate over the least that the spec demands, of the 20 lowest: 100 % is the floor.",
          "percentunit", [(f'bottomk(20, {of_expected("gemm_rate_flops_per_second", PRODUCT)})', f"{GPU} {SHAPE}")], steps=GOOD_ABOVE_95),
    Panel("table", "Matrix products over the ranks", "Quantiles over the ranks; q = 0 is the slowest.", "flops",
          [(run("maru_run_gemm_rate_flops_per_second", PRODUCT), "")], width=12,
          hidden=("cluster", "probe", "operation", "group")),
    Panel("table", "Memory over the ranks", "Quantiles over the ranks; q = 0 is the slowest.", "Bps",
          [(run("maru_run_memory_bandwidth_bytes_per_second"), "")], width=12, hidden=("cluster", "probe", "group")),
    Panel("table", "Bus bandwidth by size", "Of collectives, as in nccl-tests, at the median time of the median group.", "Bps",
          [(f'max by (size_bytes, operation) ({run("maru_run_collective_bus_bandwidth_bytes_per_second", MEDIAN)})', "")],
          width=12, matrix=("size_bytes", "operation")),
    Panel("table", "Time of a call", "Quantiles of the maximum over the ranks of each iteration, in the slowest group.", "s",
          [(run("maru_run_operation_duration_seconds"), "")], width=12, hidden=("cluster", "probe")),

    Row("May it be believed"),
    Panel("stat", "Error of the clocks", "How far the ranks' clocks may be apart; nobody is called late within it.", "s",
          [(run("maru_run_clock_error_seconds"), "{{run_id}}")], width=6, height=5),
    Panel("stat", "Tracer", "What tracing costs a call, and how far its kernels' times are from the timing of the same calls.",
          "percentunit", [(run("maru_run_trace_cost_ratio"), "cost ({{run_id}})"),
                          (run("maru_run_trace_disagreement_ratio"), "disagreement ({{run_id}})")], width=6, height=5),
    Panel("stat", "Spans lost", "Spans that the tracer lost for want of room.", "short",
          [(run("maru_run_trace_dropped_spans"), "{{run_id}}")], width=6, height=5, steps=BAD_ABOVE_0),
    Panel("stat", "Program", "The version that wrote these figures.", "none",
          [("max without (job, instance, cluster) (last_over_time(maru_build_info[$__range]))", "{{version}}")], width=6, height=5,
          names=True),
    Panel("table", "Export", "Samples delivered, dropped, attempts that failed and seconds spent, by the way out.", "short",
          [(run("maru_export_samples_total"), ""), (run("maru_export_samples_dropped_total"), ""),
           (run("maru_export_failures_total"), ""), (run("maru_export_duration_seconds_total"), "")], width=24, height=6),
]
