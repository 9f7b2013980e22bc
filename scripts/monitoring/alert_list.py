# SPDX-License-Identifier: Apache-2.0
"""Every alert. The next one is one more row, a firing and a silent case in monitoring/prometheus/tests, and a heading of
its name in docs/monitoring.md."""
from dataclasses import dataclass

RUNBOOK = "docs/monitoring.md"
GPU = "GPU {{ $labels.gpu }} of {{ $labels.hostname }}"
QUESTION = "{{ $labels.operation }} {{ $labels.dtype }} by {{ $labels.backend }}"
RUN = "Run {{ $labels.run_id }} of {{ $labels.cluster }}"
PERCENT = "{{ $value | humanizePercentage }}"
AGE = "{{ $value | humanizeDuration }}"
FIGURES = {
    "gemm_rate_flops_per_second": "rate",
    "memory_bandwidth_bytes_per_second": "bandwidth",
    "collective_bus_bandwidth_bytes_per_second": "bus bandwidth",
}


@dataclass
class Alert:
    name: str
    severity: str
    expression: str
    summary: str
    description: str


def any_of(parts):
    return " or ".join(parts)


def last(metric, selector="", window="15m"):
    return f"max without (job, instance) (last_over_time({metric}{selector}[{window}]))"


def device_alerts():
    device = [x for x in FIGURES if not x.startswith("collective")]
    yield Alert("MaruGpuBelowPeers", "warning",
                any_of(f'device:maru_{x}:ratio_to_peers{{UUID!=""}} < 0.95' for x in device),
                f"{GPU} is slower than its peers",
                f"{QUESTION} reaches {PERCENT} of the median of all {{{{ $labels.device_model }}}} on {GPU}, "
                "UUID {{ $labels.UUID }}.")
    yield Alert("MaruGpuBelowExpected", "critical",
                any_of(f'device:maru_{x}:ratio_to_expected{{UUID!=""}} < 1' for x in device),
                f"{GPU} is slower than its spec allows",
                f"{QUESTION} reaches {PERCENT} of the floor of {{{{ $labels.device_model }}}} on {GPU}, "
                "UUID {{ $labels.UUID }}.")
    yield Alert("MaruGpuMeasurementInvalid", "warning",
                'max without (job, instance, cluster) '
                '(last_over_time(maru_device_invalid_records{UUID!="", reason!="rehearsal"}[15m])) > 0',
                f"{GPU} could not be measured: {{{{ $labels.reason }}}}",
                f"{{{{ $value }}}} records on {GPU}, UUID {{{{ $labels.UUID }}}}, must not be used: {{{{ $labels.reason }}}}.")
    yield Alert("MaruStaleGpuResult", "info",
                'time() - max without (job, instance, cluster) '
                '(last_over_time(maru_device_last_run_timestamp_seconds{UUID!=""}[14d])) > 7 * 86400',
                f"{GPU} has not been measured for {AGE}",
                f"The last result of {GPU}, UUID {{{{ $labels.UUID }}}}, is {AGE} old.")


def node_alerts():
    figure = "node:maru_node_collective_bus_bandwidth_bytes_per_second"
    what = "{{ $labels.operation }} of {{ $labels.size_bytes }} bytes by {{ $labels.backend }}"
    yield Alert("MaruNodeBusBandwidthBelowPeers", "warning", f"{figure}:ratio_to_peers < 0.9",
                "The ranks of {{ $labels.hostname }} communicate more slowly than other hosts'",
                f"{what} among the ranks of {{{{ $labels.hostname }}}} reaches {PERCENT} of the hosts' median.")
    yield Alert("MaruNodeBusBandwidthBelowExpected", "critical", f"{figure}:ratio_to_expected < 1",
                "The ranks of {{ $labels.hostname }} communicate more slowly than the spec allows",
                f"{what} among the ranks of {{{{ $labels.hostname }}}} reaches {PERCENT} of its floor.")
    yield Alert("MaruNodeFailed", "critical",
                'max without (job, instance, cluster) (last_over_time(maru_node_state{state="fail"}[15m])) == 1',
                "{{ $labels.hostname }} fails",
                "The verdict of the last run on {{ $labels.hostname }} is fail; maru validate says why.")
    yield Alert("MaruStaleNodeResult", "info",
                "time() - max without (job, instance, cluster) "
                "(last_over_time(maru_node_last_run_timestamp_seconds[14d])) > 7 * 86400",
                f"{{{{ $labels.hostname }}}} has not been measured for {AGE}",
                f"The last result of {{{{ $labels.hostname }}}} is {AGE} old.")
    yield Alert("MaruTextfileStale", "info", 'time() - node_textfile_mtime_seconds{file=~".*maru-.*[.]prom"} > 14 * 86400',
                f"{{{{ $labels.file }}}} on {{{{ $labels.instance }}}} is {AGE} old",
                "node_exporter of {{ $labels.instance }} goes on to report what {{ $labels.file }} says; "
                f"it was written {AGE} ago.")


def run_alerts():
    yield Alert("MaruRunRegressed", "warning", any_of(f"run:maru_run_{x}:ratio_to_7d < 0.97" for x in FIGURES),
                f"{RUN} is slower than those of the last 7 days",
                f"The median of {QUESTION} is {PERCENT} of the median of the runs of 7 days with "
                "{{ $labels.ranks }} ranks, in run {{ $labels.run_id }}.")
    # A killed run leaves series that still say "running", or that have ended: both are looked for in the past.
    yield Alert("MaruRunDidNotFinish", "critical",
                "time() - max without (job, instance) (last_over_time(maru_run_last_heartbeat_timestamp_seconds[6h])) > 300 "
                "and on (run_id, cluster) "
                'min without (job, instance) (last_over_time(maru_run_status{status="running"}[6h])) == 1',
                f"{RUN} has disappeared",
                f"Run {{{{ $labels.run_id }}}} was last alive {AGE} ago and never said how it ended.")
    yield Alert("MaruRunIncomplete", "warning", last("maru_run_status", '{status="incomplete"}') + " == 1",
                f"{RUN} is incomplete", "Run {{ $labels.run_id }} was stopped, or could not measure all that was asked for.")
    yield Alert("MaruRanksLost", "critical", last("maru_run_lost_ranks") + " > 0",
                f"{RUN} has lost {{{{ $value }}}} ranks",
                "{{ $value }} ranks of run {{ $labels.run_id }} ended or fell silent before it did; its report names them.")
    yield Alert("MaruRunMeasurementsInvalid", "warning",
                "sum without (job, instance, reason) (" + last("maru_run_invalid_records", '{reason!="rehearsal"}') + ") "
                "/ sum without (job, instance, status) (" + last("maru_run_records") + ") > 0.05",
                f"{PERCENT} of run {{{{ $labels.run_id }}}} must not be used",
                f"{PERCENT} of the records of run {{{{ $labels.run_id }}}} of {{{{ $labels.cluster }}}} were taken while "
                "something else was going on: throttled, shared, or with clocks that changed.")
    yield Alert("MaruRankLate", "warning", last("maru_run_arrival_lateness_seconds", '{late_rank!=""}') + " > 100e-6",
                "Rank {{ $labels.late_rank }} on {{ $labels.late_hostname }} comes late",
                "In {{ $labels.operation }} of {{ $labels.size_bytes }} bytes of run {{ $labels.run_id }} rank "
                "{{ $labels.late_rank }} on {{ $labels.late_hostname }} enters {{ $value | humanizeDuration }} behind the others.")
    yield Alert("MaruSlowLinks", "warning", last("maru_run_slow_links") + " > 0",
                f"{RUN} has {{{{ $value }}}} slow links",
                "{{ $value }} links of run {{ $labels.run_id }} are slower than their ends explain; maru validate names them.")
    for name, word, metric in (("MaruExportDropping", "gives samples up", "maru_export_samples_dropped_total"),
                               ("MaruExportFailing", "has failed attempts", "maru_export_failures_total")):
        yield Alert(name, "warning", last(metric) + " > 0",
                    f"{{{{ $labels.sink }}}} of run {{{{ $labels.run_id }}}} {word}",
                    f"{{{{ $value }}}} so far in run {{{{ $labels.run_id }}}} of {{{{ $labels.cluster }}}}; its stderr says why "
                    "on a line that begins with \"metrics:\".")


def alerts():
    yield from device_alerts()
    yield from node_alerts()
    yield from run_alerts()
