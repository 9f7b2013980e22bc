# SPDX-License-Identifier: Apache-2.0
"""A fleet that has everything wrong with it, made from the exposition of a report that has a little of everything."""
import json
import re
import time

DAY = 86400


def recent(source, target):
    """The report, as if its run had just ended."""
    report = json.load(open(source, encoding="utf-8"))
    shift = time.time() - 60 - report["run"]["finished"]
    for key in ("started", "finished"):
        report["run"][key] += shift
    json.dump(report, open(target, "w", encoding="utf-8"))


def copy_of(line, number):
    """The same of another run, a day earlier each, on other hosts with other GPUs."""
    line = re.sub(r'(run_id="[^"]*)"', rf'\1-{number}"', line)
    line = re.sub(r'((?:late_)?hostname="[^"]*)"', rf'\1-{number}"', line)
    return re.sub(r'(UUID="GPU-[^"]*)"', rf'\1-{number}"', line)


def scaled(line, factor):
    head, value, at = line.rsplit(" ", 2)
    return f"{head} {float(value) * factor!r} {at}"


def extras(now):
    at = f"{now - 30:.3f}"
    run = 'run_id="gone",cluster="c"'
    question = 'probe="links",operation="send_recv",backend="mpi",group="pairs",dtype="f32",size_bytes="8"'
    node = 'probe="collectives",operation="all_reduce",backend="nccl",group="node",dtype="bf16",size_bytes="1073741824",in_place="0"'
    yield from (
        f'maru_run_last_heartbeat_timestamp_seconds{{{run}}} {now - 600} {now - 600:.3f}',
        f'maru_run_status{{{run},status="running"}} 1 {now - 600:.3f}',
        f'maru_run_lost_ranks{{{run}}} 2 {at}',
        f'maru_run_slow_links{{{run}}} 1 {at}',
        f'maru_expected_collective_bus_bandwidth_bytes_per_second{{{node},device_model="NVIDIA H200",source="spec h200"}} 440000000000 {at}',
        f'maru_expected_operation_duration_seconds{{{question.replace("links", "collectives")},device_model="AMD EPYC 7B13",source="spec cpu"}} 0.0001 {at}',
        f'node_textfile_mtime_seconds{{file="/var/lib/maru-old.prom",instance="old:9100"}} {now - 20 * DAY} {at}',
        f'maru_device_last_run_timestamp_seconds{{UUID="GPU-old",hostname="old",gpu="0"}} {now - 8 * DAY} {at}',
        f'maru_node_last_run_timestamp_seconds{{hostname="old"}} {now - 8 * DAY} {at}',
    )
    for sink in ("pull", "remote_write", "pushgateway", "textfile"):
        for name in ("samples", "samples_dropped", "failures", "duration_seconds"):
            yield f'maru_export_{name}_total{{{run},sink="{sink}"}} 3 {at}'
    for index, share in enumerate((1, 1, 1, 1, 0.5)):
        yield f'maru_node_collective_bus_bandwidth_bytes_per_second{{hostname="n{index}",{node}}} {450e9 * share} {at}'
        for direction in ("send", "receive"):
            yield (f'maru_node_link_ratio{{hostname="n{index}",figure="bandwidth",backend="mpi",direction="{direction}"}} '
                   f'{share} {at}')


def fleet(table, source, target):
    rows = json.load(open(table, encoding="utf-8"))
    kinds = {row["name"]: row["type"] for row in rows}
    now = time.time()
    lines = [line.rstrip("\n") for line in open(source, encoding="utf-8") if not line.startswith("#")]
    whole = []
    for line in lines:
        measured = re.match(r"maru_(run_)?(gemm_rate|memory_bandwidth|collective_bus)", line)
        slow = re.match(r'maru_(gemm_rate|memory_bandwidth)\w*\{UUID="[^"]*0",', line)
        whole.append(scaled(line, 0.5 if slow else 0.9 if measured else 1))
        for number in range(1, 5):
            if "run_id" in line:
                earlier = float(line.rsplit(" ", 1)[1]) - number * DAY
                whole.append(copy_of(line, number).rsplit(" ", 1)[0] + f" {earlier:.3f}")
            elif "hostname" in line:
                whole.append(copy_of(line, number))
    whole += extras(now)
    families = {}
    for line in whole:
        families.setdefault(re.match(r"\w+", line)[0], []).append(line)
    with open(target, "w", encoding="utf-8") as out:
        for name, samples in families.items():
            kind = kinds.get(name, "gauge")
            base = {"counter": name.removesuffix("_total"), "info": name.removesuffix("_info")}.get(kind, name)
            out.write(f"# TYPE {base} {kind}\n" + "\n".join(samples) + "\n")
        out.write("# EOF\n")
