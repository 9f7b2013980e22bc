#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Overlaps on GPUs: one for each of two ranks where there are two, else both on one, as a rehearsal.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
cd "$scratch"
[ -f "${MARU_CUDA_MODULES:-}/libmaru_cuda_nccl.so" ] || skip "the NCCL module is not built"
gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU ' || true)
[ "$gpus" -gt 0 ] || skip "no GPU: nvidia-smi lists none"
export MARU_MODULE_PATH=$MARU_CUDA_MODULES

share=()
if [ "$gpus" -lt 2 ]; then share=(--rehearse); fi
expect_mpi_exit 0 2 "$MARU" run overlap --progress none --device cuda "${share[@]}" -n 12 --set overlap.gemm=1024,1027x515x769 \
  --set overlap.sizes=64K,16M --set overlap.taken=0,2,8 --set overlap.operations=all_reduce,all_gather --out overlap
expect_json overlap/report.json 'len(r["records"]) == 2 * 2 * 2 * 3 and all(x["status"] == "ok" and
  x["backend"] == "overlap_cuda" and x["device"] == "cuda" and x["verification"]["wrong"] == 0 and
  x["verification"]["elements"] > 0 for x in r["records"])'
expect_json overlap/report.json 'all(x["overlap"][k]["median"] > 0 for x in r["records"]
  for k in x["overlap"] if k != "efficiency")'
# Where NCCL says how many channels it uses, they are no more than were asked for.
expect_json overlap/report.json 'all(int(x["implementation"].split()[-2]) <= x["labels"]["taken"] for x in r["records"]
  if x["labels"]["taken"] > 0 and x["implementation"].endswith("channels"))'
printf '%s cases\n' "$case_count"
