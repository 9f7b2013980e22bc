# SPDX-License-Identifier: Apache-2.0
"""Recording and alerting rules.

What is measured once is seen by Prometheus for a scrape or for five minutes: the rules look back LOOK. The ways in add
job, instance and sometimes cluster; they are folded first, so that two ways at once are no two devices.
"""
from monitoring import alert_list
from monitoring.yaml_text import dump

HEAD = """# SPDX-License-Identifier: Apache-2.0
# Written by scripts/generate-monitoring from the program's table of metrics; do not edit.
"""
LOOK = "15m"
WEEK = "7d"
WAY = "job, instance"
DEVICE = "UUID, hostname, gpu, local_rank"
DEVICE_FIGURES = ("gemm_rate_flops_per_second", "memory_bandwidth_bytes_per_second")
RUN_FIGURES = DEVICE_FIGURES + ("collective_bus_bandwidth_bytes_per_second",)


def last(metric, window=LOOK, without=WAY, selector=""):
    return f"max without ({without}) (last_over_time({metric}{selector}[{window}]))"


def device_rules():
    for figure in DEVICE_FIGURES:
        mine = f"device:maru_{figure}"
        floor = f"model:maru_expected_{figure}:last{LOOK}"
        yield mine + f":last{LOOK}", last(f"maru_{figure}", without=f"{WAY}, cluster")
        yield f"model:maru_{figure}:median", f"quantile without ({DEVICE}) (0.5, {mine}:last{LOOK})"
        yield f"model:maru_{figure}:count", f"count without ({DEVICE}) ({mine}:last{LOOK})"
        yield (f"{mine}:ratio_to_peers", f"{mine}:last{LOOK} / ignoring ({DEVICE}) group_left () "
               f"(model:maru_{figure}:median and model:maru_{figure}:count >= 4)")
        yield floor, last(f"maru_expected_{figure}", without=f"{WAY}, cluster, source", selector='{source=~"spec .*"}')
        yield f"{mine}:ratio_to_expected", f"{mine}:last{LOOK} / ignoring ({DEVICE}) group_left () {floor}"


def node_rules():
    figure = "collective_bus_bandwidth_bytes_per_second"
    mine = f"node:maru_node_{figure}"
    floor = f"cluster:maru_expected_{figure}:last{LOOK}"
    yield mine + f":last{LOOK}", last(f"maru_node_{figure}", without=f"{WAY}, cluster")
    yield f"cluster:maru_node_{figure}:median", f"quantile without (hostname) (0.5, {mine}:last{LOOK})"
    yield f"cluster:maru_node_{figure}:count", f"count without (hostname) ({mine}:last{LOOK})"
    yield (f"{mine}:ratio_to_peers", f"{mine}:last{LOOK} / ignoring (hostname) group_left () "
           f"(cluster:maru_node_{figure}:median and cluster:maru_node_{figure}:count >= 4)")
    # A host has no model: where two are expected to differ, the lower figure is the floor of both.
    yield floor, (f'min without ({WAY}, cluster, source, device_model) (last_over_time('
                  f'maru_expected_{figure}{{source=~"spec .*"}}[{LOOK}]))')
    yield f"{mine}:ratio_to_expected", f"{mine}:last{LOOK} / ignoring (hostname) group_left () {floor}"


def run_rules():
    # The value of count_values is 1: the product is the figure with the number of ranks as one more label, for only runs
    # of one size are compared.
    for window in (LOOK, WEEK):
        yield (f"run:maru_run_ranks:count{window}",
               f'count_values without () ("ranks", {last("maru_run_ranks", window)})')
    for figure in RUN_FIGURES:
        mine = f"run:maru_run_{figure}"
        week = f"cluster:maru_run_{figure}:median{WEEK}"
        for window in (LOOK, WEEK):
            yield (f"{mine}:last{window}", last(f"maru_run_{figure}", window, selector='{q="0.5"}') +
                   f" * on (run_id, cluster) group_left (ranks) run:maru_run_ranks:count{window}")
        yield f"cluster:maru_run_{figure}:count{WEEK}", f"count without (run_id) ({mine}:last{WEEK})"
        yield week, f"quantile without (run_id) (0.5, {mine}:last{WEEK})"
        yield (f"{mine}:ratio_to_{WEEK}", f"{mine}:last{LOOK} / ignoring (run_id) group_left () "
               f"({week} and cluster:maru_run_{figure}:count{WEEK} >= 4)")


GROUPS = (("maru_device", "1m", device_rules), ("maru_node", "1m", node_rules), ("maru_run", "1m", run_rules))


def recording(table):
    groups = []
    for name, interval, make in GROUPS:
        written = []
        for record, expression in make():
            labels = table.check(expression, added={"ranks"} if name == "maru_run" else ())
            table.record(record, labels)
            written.append({"record": record, "expr": expression})
        groups.append({"name": name, "interval": interval, "rules": written})
    return {"groups": groups}


def alerts(table):
    written = []
    for alert in alert_list.alerts():
        known = table.check(alert.expression)
        table.check_words(alert.summary + alert.description, known, r"\$labels\.(\w+)")
        rule = {"alert": alert.name, "expr": alert.expression}
        rule["labels"] = {"severity": alert.severity}
        rule["annotations"] = {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{alert_list.RUNBOOK}#{alert.name.lower()}",
        }
        written.append(rule)
    return {"groups": [{"name": "maru_alerts", "interval": "1m", "rules": written}]}


def render(table):
    return HEAD + dump(recording(table)), HEAD + dump(alerts(table))
