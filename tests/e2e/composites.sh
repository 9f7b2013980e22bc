#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Overlaps and steps as people ask for them: what is said of each, in which groups, and what is refused.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

expect_mpi_exit 0 2 "$MARU" run overlap -n 6 --set overlap.gemm=96 --set overlap.sizes=1K,64K --set overlap.taken=0,99 --out overlap
expect_json overlap/report.json '[x["status"] for x in r["records"]] == ["ok", "skipped"] * 2'
expect_json overlap/report.json 'all("none is left to multiply" in x["reason"] for x in r["records"][1::2])'
expect_json overlap/report.json 'all(0 <= x["overlap"]["efficiency"]["median"] <= 1 for x in r["records"][::2])'
expect_json overlap/report.json 'all(x["overlap"][k]["median"] > 0 for x in r["records"][::2] for k in x["overlap"] if k != "efficiency")'
expect_json overlap/report.json 'all(x["verification"]["checked"] and x["verification"]["wrong"] == 0 for x in r["records"][::2])'

# Two ranks that share each layer, and one that is left over.
expect_mpi_exit 0 3 "$MARU" run step --model gpt3-125m --layers 1 --tp 2 --seq 8 -n 6 --out step
expect_json step/report.json '[(x["group"]["kind"], x["group"]["ranks"], x["status"]) for x in r["records"]] ==
  [("blocks:2", "0-1", "ok"), ("blocks:2", "2", "skipped")]'
expect_json step/report.json 'r["records"][0]["step"]["parameters"] == 12 * 768 * 768 / 2'
expect_json step/report.json 'r["records"][0]["step"]["communication"] > 0'
expect_match step/metrics.om '^maru_run_step_rate_flops_per_second\{.*tp="2"'

expect_exit 0 "$MARU" run step --layers 1 --seq 8 -n 6 --out alone
expect_json alone/report.json 'r["records"][0]["step"]["exposed"]["median"] == 0'
expect_mpi_exit 0 2 "$MARU" run step --model gpt3-175b --layers 96 --tp 2 --seq 8 --out large
expect_json large/report.json '[(x["status"], "share of the host" in x["reason"]) for x in r["records"]] == [("skipped", True)]'
expect_exit 2 "$MARU" run step --model gpt3-125m --tp 7 --out refused
expect_exit 2 "$MARU" run gemm --tp 2 --out refused
