#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gpu_check_torch.py: what PyTorch reaches on this GPU, as JSON: matrix products of random data, and a device copy.
gpu_check_torch.py --ratios DIR: our rates over PyTorch's from the rounds in DIR (round-*/torch.json and
round-*/{gemm,memory}/report.json), as a table; ends with 1 where one is below what is asked for, 3 where one is missing."""
import glob
import json
import os
import statistics
import sys

SIZE = 8192
COPY_BYTES = 4 << 30


def seconds_per_call(torch, call):
    """Median over batches, after a warm-up long enough for the clocks to settle."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def batch(calls):
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1e-3

    batch(3)
    calls = max(1, int(0.05 / (batch(3) / 3)))
    for _ in range(20):
        batch(calls)
    return statistics.median(batch(calls) for _ in range(20)) / calls


def measure():
    import torch

    result = {"torch": torch.__version__, "cuda": torch.version.cuda, "device": torch.cuda.get_device_name(0)}
    torch.manual_seed(1)
    a, b = (torch.randn(SIZE, SIZE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty(SIZE, SIZE, device="cuda", dtype=torch.bfloat16)
    flops = 2 * SIZE**3
    # b transposed: both inputs run along k, as in nn.Linear and in our own.
    result["bf16"] = flops / seconds_per_call(torch, lambda: torch.matmul(a, b.t(), out=out))
    try:
        a8, b8 = (x.to(torch.float8_e4m3fn) for x in (a, b))
        one = torch.ones((), device="cuda")

        def product():
            return torch._scaled_mm(a8, b8.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16)

        result["f8e4m3"] = flops / seconds_per_call(torch, product)
    except Exception as error:  # older PyTorch, or a device without fp8
        result["f8e4m3_reason"] = str(error).splitlines()[0] if str(error) else type(error).__name__
    del a, b, out
    source = torch.rand(COPY_BYTES // 4, device="cuda")
    target = torch.empty_like(source)
    result["copy"] = 2 * COPY_BYTES / seconds_per_call(torch, lambda: target.copy_(source))
    print(json.dumps(result, indent=1))


def rates(report):
    """{(what, backend): rate} of the good records."""
    result = {}
    for record in report["records"]:
        if record["status"] != "ok":
            continue
        labels, seconds = record["labels"], record["time"]["median"]
        if record["probe"] == "gemm" and labels["m"] == labels["n"] == labels["k"] == SIZE:
            result[labels["dtype"], record["backend"]] = record["cost"]["flops"] / seconds
        if record["operation"] == "copy" and labels.get("space") == "device":
            result["copy", record["backend"]] = record["cost"]["bytes"] / seconds
    return result


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def ratios(folder):
    samples = {}  # (what, who): one rate per round
    for path in sorted(glob.glob(os.path.join(folder, "round-*"))):
        torch = load(os.path.join(path, "torch.json")) or {}
        found = {(what, "torch"): torch[what] for what in ("bf16", "f8e4m3", "copy") if what in torch}
        for part in sorted(os.listdir(path)):
            found.update(rates(load(os.path.join(path, part, "report.json")) or {"records": []}))
        for key, rate in found.items():
            samples.setdefault(key, []).append(rate)
    asked = [
        ("bf16", "cublaslt", "torch", 0.97),
        ("bf16", "wgmma", "cublaslt", 0.85),
        ("f8e4m3", "cublaslt", "torch", None),
        ("copy", "cuda_stream", "torch", 0.95),
    ]
    print("| what | ours | theirs | rate | their rate | rounds | ratio of medians | asked |")
    print("|---|---|---|---|---|---|---|---|")
    below, missing = [], []
    for what, ours, theirs, least in asked:
        mine, others = samples.get((what, ours), []), samples.get((what, theirs), [])
        wanted = "" if least is None else f"≥ {least}"
        if not mine or not others:
            print(f"| {what} | {ours} | {theirs} | | | 0 | not measured | {wanted} |")
            missing += [f"{what} of {ours} over {theirs}"] if least is not None else []
            continue
        x, y = statistics.median(mine), statistics.median(others)
        if least is not None and x / y < least:
            below.append(f"{what} of {ours} is {x / y:.3f} of {theirs}'s, asked is {least}")
        rounds = min(len(mine), len(others))
        print(f"| {what} | {ours} | {theirs} | {x / 1e12:.1f} T/s | {y / 1e12:.1f} T/s | {rounds} | {x / y:.3f} | {wanted} |")
    if below or missing:
        print("; ".join(below or ["not measured: " + ", ".join(missing)]), file=sys.stderr)
    return 1 if below else 3 if missing else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ratios"] and len(sys.argv) == 3:
        sys.exit(ratios(sys.argv[2]))
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    measure()
