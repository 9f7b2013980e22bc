# SPDX-License-Identifier: Apache-2.0
"""All hosts over weeks."""
from monitoring.panels import Panel, Row
from monitoring.queries import DEVICE, GPU, PRODUCT, SHAPE, of_peers, place, place_trend, run, run_trend

UID, TITLE, FROM = "maru-fleet", "Maru: fleet", "now-30d"
DESCRIPTION = "From run to run, host by host: what became slower, which host is behind its peers, what was not measured lately."

MEDIAN = 'q="0.5"'
IS_GPU = 'UUID!=""'
BELOW_PEERS = [(None, "red"), (0.9, "orange"), (0.95, "green")]
ITEMS = [
    Row("Runs"),
    Panel("bargauge", "Runs by verdict", "Runs of the time range by what the verdict said of them.", "short",
          [(f'sum by (cluster, result) ({run("maru_run_result")})', "{{cluster}} {{result}}")], width=8),
    Panel("timeseries", "Duration of runs", "From start to end.", "s",
          [("max without (job, instance, run_id) (" + run("maru_run_end_timestamp_seconds") + " - "
            + run("maru_run_start_timestamp_seconds") + ")", "{{cluster}}")], width=8, over_time=True),
    Panel("timeseries", "Records not to be used", "Throttled, shared, or with clocks that changed; a rehearsal is none that counts.",
          "short", [(run_trend("maru_run_invalid_records", 'reason!="rehearsal"'), "{{cluster}} {{reason}}")], width=8,
          over_time=True),

    Row("From run to run"),
    Panel("timeseries", "Matrix products: median", "Rate of the median rank of each run.", "flops",
          [(run_trend("maru_run_gemm_rate_flops_per_second", f'{PRODUCT}, q="0.5"'), f"{{{{cluster}}}} {SHAPE}")],
          over_time=True),
    Panel("timeseries", "Matrix products: slowest 5 %", "Rate that 95 % of the ranks of each run reach.", "flops",
          [(run_trend("maru_run_gemm_rate_flops_per_second", f'{PRODUCT}, q="0.05"'), f"{{{{cluster}}}} {SHAPE}")],
          over_time=True),
    Panel("timeseries", "Memory", "Bandwidth of the median rank of each run.", "Bps",
          [(run_trend("maru_run_memory_bandwidth_bytes_per_second", 'q="0.5"'),
            "{{cluster}} {{operation}} {{dtype}} {{backend}}")], over_time=True),
    Panel("timeseries", "Bus bandwidth", "Best of the sizes, at the median time of the median group.", "Bps",
          [(f'max by (cluster, operation, backend, group) '
            f'({run_trend("maru_run_collective_bus_bandwidth_bytes_per_second", MEDIAN)})',
            "{{cluster}} {{operation}} {{backend}} {{group}}")], over_time=True),

    Row("Hosts"),
    Panel("bargauge", "Hosts behind their peers: products", "The 20 whose slowest rank is farthest below the median host.",
          "percentunit", [(f'bottomk(20, {of_peers("maru_node_gemm_rate_flops_per_second", "hostname", PRODUCT)})',
                           f"{{{{hostname}}}} {SHAPE}")], width=8, height=9, steps=BELOW_PEERS),
    Panel("bargauge", "Hosts behind their peers: memory", "The 20 whose slowest rank is farthest below the median host.",
          "percentunit", [(f'bottomk(20, {of_peers("maru_node_memory_bandwidth_bytes_per_second", "hostname")})',
                           "{{hostname}} {{operation}} {{backend}}")], width=8, height=9, steps=BELOW_PEERS),
    Panel("bargauge", "Hosts behind their peers: bus bandwidth", "The 20 whose ranks communicate farthest below the median host.",
          "percentunit", [(f'bottomk(20, {of_peers("maru_node_collective_bus_bandwidth_bytes_per_second", "hostname")})',
                           "{{hostname}} {{operation}} {{size_bytes}} B {{backend}}")], width=8, height=9, steps=BELOW_PEERS),
    Panel("state-timeline", "Verdict on hosts", "What each run said of the hosts that did not pass.", "none",
          [(place_trend("maru_node_state", 'state!="pass"') + " == 1", "{{hostname}} {{state}}")], height=9, over_time=True),
    Panel("timeseries", "Effect on links over time", "Measured over usual of what the host itself explains; 1 is usual.",
          "percentunit", [(place_trend("maru_node_link_ratio"), "{{hostname}} {{direction}} {{figure}} {{backend}}")], height=9,
          over_time=True),
    Panel("bargauge", "Hosts not measured for", "Time since the last run on each host, the 20 longest.", "s",
          [(f'topk(20, time() - {place("maru_node_last_run_timestamp_seconds")})', "{{hostname}}")], height=8),
    Panel("table", "Hosts", "Processor and kernel of each host.", "none", [(place("maru_node_info"), "")], height=8,
          hidden=("Value",)),

    Row("GPUs"),
    Panel("bargauge", "GPUs behind their peers: products", "The 20 farthest below the median GPU of their model.", "percentunit",
          [(f'bottomk(20, {of_peers("maru_gemm_rate_flops_per_second", DEVICE, f"{IS_GPU}, {PRODUCT}")})',
            f"{GPU} {SHAPE}")], width=8, height=9, steps=BELOW_PEERS),
    Panel("bargauge", "GPUs behind their peers: memory", "The 20 farthest below the median GPU of their model.", "percentunit",
          [(f'bottomk(20, {of_peers("maru_memory_bandwidth_bytes_per_second", DEVICE, IS_GPU)})',
            f"{GPU} {{{{operation}}}} {{{{backend}}}}")], width=8, height=9, steps=BELOW_PEERS),
    Panel("timeseries", "GPUs: rate of products", "The 20 slowest of the chosen hosts.", "flops",
          [(f"bottomk(20, {place_trend('maru_gemm_rate_flops_per_second', f'{IS_GPU}, {PRODUCT}')})", f"{GPU} {SHAPE}")], width=8, height=9,
          over_time=True),
    Panel("timeseries", "GPUs: energy of a call", "The 20 that take most for one call; more for the same product is a sign of its own.",
          "joule", [(f"topk(20, {place_trend('maru_operation_energy_joules', f'{IS_GPU}, {PRODUCT}')})", f"{GPU} {SHAPE}")], width=8,
          over_time=True),
    Panel("bargauge", "GPUs that could not be measured", "Records of each GPU that must not be used, by reason.", "short",
          [(place("maru_device_invalid_records", 'UUID!="", reason!="rehearsal"') + " > 0", f"{GPU} {{{{reason}}}}")], width=8,
          steps=[(None, "orange")]),
    Panel("bargauge", "GPUs not measured for", "Time since the last run on each GPU, the 20 longest.", "s",
          [(f'topk(20, time() - {place("maru_device_last_run_timestamp_seconds")})', GPU)], width=8),
    Panel("table", "GPUs of the fleet", "Model, place on the bus and driver of each GPU.", "none",
          [(place("maru_device_info"), "")], width=24, height=8, hidden=("Value",)),
]
