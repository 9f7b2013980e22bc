#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_fleet.py HOSTS GPUS [SEED] [NAME…]: prints the report of a fleet that never was, with everything that a page can
show: products over shapes and types, memory, collectives over sizes, links, conditions, a late rank, a throttled device.
Host 2 is slow at products, host 3 at sending and receiving; rank 1 comes late. NAMEs replace the first hosts' names."""
import json
import random
import sys

hosts, gpus = int(sys.argv[1]), int(sys.argv[2])
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
chance = random.Random(seed)
names = [f"gpu-{i + 1:04d}" for i in range(hosts)]
names[: len(sys.argv[4:])] = sys.argv[4:]
ranks = hosts * gpus
slow_gemm, slow_link, late_rank = min(1, hosts - 1), min(2, hosts - 1), min(1, ranks - 1)
records = []
now = 2.0


def noise(sigma=0.006):
    return chance.lognormvariate(0, sigma)


def conditions(host, heat):
    hot = host == slow_gemm
    clock = (1.38e9 if hot else 1.83e9) * noise(0.004)
    return {
        "source": "NVML 13.580.159.04", "devices": 1, "readings": 40, "sm_clock": clock, "sm_clock_min": clock * 0.98,
        "sm_clock_max": clock * 1.01, "power": (430 + 240 * heat) * noise(0.01), "temperature": round(48 + 22 * heat + (11 if hot else 0) + chance.random() * 3),
        "energy_per_call": 700 * heat, "throttle": ["hw_thermal"] if hot else [], "invalid": ["throttled"] if hot and heat > 0.9 else [],
        "detail": f"rank {host * gpus}: hw_thermal" if hot and heat > 0.9 else "",
    }


def add(probe, operation, backend, labels, group, cost, seconds, spread=0.004, **more):
    taken = min(64, 12)
    start = now + chance.random() * 0.02
    records.append({
        "probe": probe, "operation": operation, "backend": backend, "device": "cuda", "labels": labels,
        "group": group, "status": "ok", "reason": "", "cost": {"flops": 0, "bytes": 0, "bus_bytes": 0, **cost},
        "time": {"samples": 120, "calls_per_sample": 1, "median": seconds, "median_ci": {"low": seconds * (1 - spread), "high": seconds * (1 + spread)},
                 "mean": seconds, "min": seconds * 0.97, "max": seconds * 1.3, "p90": seconds * 1.04, "p99": seconds * 1.1, "p99_withheld": ""},
        "stop": "converged", "verification": {"checked": True, "elements": 4096, "wrong": 0, "max_error": 0.1, "method": "exact", "detail": ""},
        "implementation": "", "rehearsal": False, "second_look": False,
        "samples": {"at": [start + i * 0.06 for i in range(taken)], "seconds": [seconds * noise(0.01) for _ in range(taken)]}, **more})


def alone(rank):
    return {"kind": "rank", "index": rank, "ranks": str(rank)}


def add_gemm():
    global now
    for dtype, size, peak in (("bf16", 2, 780e12), ("f8e4m3", 1, 1430e12), ("tf32", 4, 395e12)):
        for m, n, k in ((512, 512, 512), (1024,) * 3, (2048,) * 3, (4096,) * 3, (8192,) * 3, (16384,) * 3, (8192, 28672, 8192), (8192, 8192, 28672)):
            flops = 2.0 * m * n * k
            part = 1 / (1 + (900.0 / (m * n * k) ** (1 / 3)) ** 1.6)
            for rank in range(ranks):
                host = rank // gpus
                seconds = flops / (peak * part) * noise() * (1.22 if host == slow_gemm else 1)
                add("gemm", "gemm", "cublaslt", {"dtype": dtype, "out": dtype, "m": m, "n": n, "k": k}, alone(rank),
                    {"flops": flops, "bytes": size * (m * k + k * n + m * n)}, seconds, conditions=conditions(host, part))
            now += 1.1


def add_memory():
    global now
    for kind, factor, rate in (("copy", 2, 4.22e12), ("triad", 3, 4.31e12), ("read", 1, 4.4e12), ("write", 1, 4.1e12)):
        size = 1 << 30
        for rank in range(ranks):
            add("memory", kind, "cuda", {"dtype": "f64", "size_bytes": size, "space": "device"}, alone(rank), {"bytes": size * factor},
                size * factor / (rate * noise()), conditions=conditions(rank // gpus, 0.4))
        now += 1
    for kind, rate in (("host_to_device", 52e9), ("device_to_host", 53e9)):
        for rank in range(ranks):
            add("transfers", kind, "cuda", {"size_bytes": 64 << 20}, alone(rank), {"bytes": 64 << 20}, (64 << 20) / (rate * noise()))
        now += 1


def collective(operation, bus, size, group, peak, latency):
    seconds = (latency + size * bus / peak) * noise(0.01)
    arrival = {"iterations": 40, "missed": 0, "clock_error": 1.5e-6, "transfer": seconds, "lateness": 2e-6, "lateness_error": 5e-6, "last_host": "", "last_share": 0.3}
    if late_rank in group and seconds < 6e-3:
        arrival.update(lateness=3.1e-4 * noise(0.05), lateness_error=1.4e-5, last_rank=late_rank, last_host=names[late_rank // gpus], last_share=0.97)
    return seconds, arrival


def add_collectives():
    global now
    groups = [("node", host, list(range(host * gpus, host * gpus + gpus))) for host in range(hosts)] if gpus > 1 else []
    if hosts > 1:
        groups.append(("world", 0, list(range(ranks))))
    for operation in ("all_reduce", "all_gather", "reduce_scatter", "all_to_all"):
        for power in range(10, 34, 2 if hosts < 100 else 3):
            for kind, index, members in groups:
                n = len(members)
                bus = (2 if operation == "all_reduce" else 1) * (n - 1) / n
                if kind == "world":
                    peak, latency = 92e9, 4e-5
                else:
                    peak, latency = 462e9, 1.4e-5
                seconds, arrival = collective(operation, bus, 1 << power, members, peak, latency)
                add("collectives", operation, "nccl", {"dtype": "bf16", "size_bytes": 1 << power, "in_place": 0},
                    {"kind": kind, "index": index, "ranks": f"{members[0]}-{members[-1]}"}, {"bytes": 1 << power, "bus_bytes": (1 << power) * bus},
                    seconds, spread=0.03 if power < 16 else 0.006, arrival=arrival)
            now += 0.8


def add_links():
    global now
    count = hosts if hosts <= 64 else 20
    for turn in range(count) if hosts > 1 else []:
        for a in range(hosts):
            b = (turn - a) % hosts
            if a >= b:
                continue
            pair = [a * gpus, b * gpus]
            group = {"kind": f"hosts:{turn}/{hosts}", "index": a, "ranks": f"{pair[0]},{pair[1]}" if pair[1] != pair[0] + 1 else f"{pair[0]}-{pair[1]}"}
            bad = slow_link in (a, b)
            add("links", "ping_pong", "nccl", {"dtype": "f32", "size_bytes": 8, "in_place": 0}, group, {"bytes": 8, "bus_bytes": 8}, 2.4e-5 * noise(0.02))
            for root in (0, 1):
                add("links", "send", "nccl", {"dtype": "f32", "size_bytes": 32 << 20, "in_place": 0, "root": root}, group,
                    {"bytes": 32 << 20, "bus_bytes": 32 << 20}, (32 << 20) / (47e9 * noise(0.01) * (0.35 if bad else 1)))
        now += 0.4


add_gemm()
add_memory()
add_collectives()
add_links()
json.dump({
    "maru_report": 1,
    "run": {"id": f"20261122-040212-{seed:04x}", "maru_version": "0.1.0", "plan": "acceptance", "plan_digest": "5d41402abc4b2a76", "launcher": "srun", "mpi": "Open MPI 4.1.4",
            "started": 1795320132.0 + seed * 86400, "finished": 1795320132.0 + seed * 86400 + now + 3, "complete": True, "incomplete_reason": ""},
    "clock": {"method": "ping-pong", "error": 1.5e-6, "drift": 2e-8, "residual": 5e-7},
    "hosts": [{"name": name, "cpu": "AMD EPYC 9654", "kernel": "Linux 6.1.0", "cores": 192, "processing_units": 384, "numa_nodes": 2, "last_cache_bytes": 768 << 20, "memory_bytes": 1536 << 30} for name in names],
    "ranks": [{"rank": rank, "host": names[rank // gpus], "local_rank": rank % gpus, "cpus": f"{rank % gpus * 24}-{rank % gpus * 24 + 23}", "threads": 24, "bound": True, "device": "NVIDIA H200",
               "device_uuid": f"GPU-{rank:08x}", "device_bus": f"0000:{rank % gpus:02x}:00.0", "driver": "driver 13.0"} for rank in range(ranks)],
    "records": records, "cut": [], "lost": [], "links": [], "findings": [],
}, sys.stdout)
