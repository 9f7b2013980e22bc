#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# NCCL collectives without a GPU: the module over a fake NCCL and a fake CUDA runtime, in right runs, in rehearsals, with
# faults, and where devices and ranks do not fit. MARU_CUDA_MODULES is the folder of the modules, MARU_FAKES of the fakes.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"
[ -f "${MARU_CUDA_MODULES:-}/libmaru_cuda_nccl.so" ] || skip "the NCCL module is not built"
[ -f "${MARU_FAKES:-}/cuda/libnccl.so.2" ] || skip "the fake NCCL is not built"

export MARU_MODULE_PATH=$MARU_CUDA_MODULES
export LD_LIBRARY_PATH=$MARU_FAKES/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export MARU_FAKE_GPUS=4
run() { printf '%s\0' "$MARU" run collectives --progress none --device cuda "$@"; }
# expect_run CODE RANKS OPTIONS…
expect_run() {
  local code=$1 ranks=$2 words
  shift 2
  mapfile -d '' -t words < <(run "$@")
  expect_mpi_exit "$code" "$ranks" "${words[@]}"
}
right='len(r["records"]) > 0 and all(x["backend"] == "nccl" and x["verification"]["wrong"] == 0 and
  x["verification"]["elements"] > 0 for x in r["records"] if x["status"] == "ok") and
  all("NCCL has no" in x["reason"] for x in r["records"] if x["status"] != "ok")'

# A device for each rank: everything NCCL can do, in the world and in pairs.
expect_run 0 4 -b 1K -e 4K -f 4 -d all --groups world,pairs -n 20 --out good
expect_json good/report.json "$right"
# 7 collectives, 5 of them in place too, 2 sizes, 3 types, 3 groups
expect_json good/report.json 'sum(x["status"] == "ok" for x in r["records"]) == 12 * 2 * 3 * 3'
expect_json good/report.json 'all(x["implementation"] == "RING/SIMPLE 16 channels" for x in r["records"]
  if x["status"] == "ok" and x["operation"] not in ("all_to_all", "send_recv"))'
expect_json good/report.json '{x["implementation"] for x in r["records"] if x["status"] == "ok" and
  x["operation"] == "all_to_all"} == {"ncclAlltoAll 2 channels"}'
expect_json good/report.json 'not any(x.get("rehearsal") for x in r["records"])'

# Replayed from a graph, and with registered buffers.
expect_run 0 4 -b 4K -e 4K --graph --set collectives.registered=1 -n 20 --out graph
expect_json graph/report.json "$right"
expect_json graph/report.json 'all(x["labels"]["graph"] == 1 and x["labels"]["registered"] == 1 for x in r["records"])'

# Rounds of pairs: a rank has the communicators of one round, however many there are.
MARU_FAKE_NCCL_LOG=$scratch/links.log expect_mpi_exit 0 4 "$MARU" run links --progress none --device cuda \
  --set links.size=64K -n 20 --out links
expect_json links/report.json 'len(r["records"]) == 2 * 3 * 3 and all(x["status"] == "ok" for x in r["records"])'
python3 -c 'import collections, sys
alive, most = collections.Counter(), collections.Counter()
for line in open(sys.argv[1]):
  _, rank, what = line.split()[:3]
  alive[rank] += {"joined": 1, "split": 1, "destroyed": -1}.get(what, 0)
  most[rank] = max(most[rank], alive[rank])
assert len(most) == 4 and set(most.values()) == {2}, most' links.log || fail "the communicators of past rounds are kept"

# Products beside collectives. Without cuBLASLt's module, and with a k that wgmma does not take: the fake does products of
# the kernel `tiled` only.
mkdir without_cublaslt
cp "$MARU_CUDA_MODULES"/libmaru_cuda.so "$MARU_CUDA_MODULES"/libmaru_cuda_nccl.so without_cublaslt
# overlap CODE OPTIONS…
overlap() {
  local expected=$1 words
  shift
  mapfile -d '' -t words < <(printf '%s\0' "$MARU" run overlap --progress none --device cuda -n 60 \
    --set overlap.gemm=40x24x33 --set overlap.sizes=4K,64K "$@")
  MARU_MODULE_PATH=$scratch/without_cublaslt expect_mpi_exit "$expected" 4 "${words[@]}"
}
overlap 0 --set overlap.taken=0,3,99 --set overlap.groups=world,pairs --out overlap
expect_json overlap/report.json '[x["status"] for x in r["records"]] == ["ok", "ok", "skipped"] * 2 +
  ["ok"] * 4 + ["skipped"] * 2 + ["ok"] * 4 + ["skipped"] * 2'
ok='[x for x in r["records"] if x["status"] == "ok"]'
expect_json overlap/report.json "all(x['backend'] == 'overlap_cuda' and x['device'] == 'cuda' and
  x['labels']['dtype'] == 'bf16' and x['verification']['wrong'] == 0 and x['verification']['checked'] and
  0 <= x['overlap']['efficiency']['median'] <= 1 for x in $ok)"
expect_json overlap/report.json "all(x['overlap'][k]['median'] > 0 for x in $ok for k in x['overlap'] if k != 'efficiency')"
expect_json overlap/report.json "all(x['implementation'].startswith('tiled: mma.sync') and
  x['implementation'].endswith('; RING/SIMPLE %d channels' % (x['labels']['taken'] or 16)) for x in $ok)"
expect_json overlap/report.json 'all(x["reason"] == "99 SMs taken: NCCL uses at most 64" for x in r["records"]
  if x["status"] != "ok")'
MARU_FAKE_NCCL_CORRUPT=1 overlap 1 --set overlap.taken=3 --out wrong_overlap
expect_json wrong_overlap/report.json 'all(x["status"] == "wrong" and "rank 1 on" in x["reason"] for x in r["records"])'
MARU_FAKE_NCCL_LATE=all overlap 3 --set overlap.taken=3 --out late_overlap
expect_match "$err" 'rank [0-3]: NCCL: remote process exited'

# One device: only a rehearsal may share it, and says so.
export MARU_FAKE_GPUS=1
expect_run 2 4 -b 8 -e 8 --out never
expect_one_line "$err"
expect_match "$err" 'ranks 0 and 1 both use device GPU-'
expect_run 0 4 -b 4K -e 4K -n 20 --rehearse --out rehearsal
expect_json rehearsal/report.json "$right"
expect_json rehearsal/report.json 'all(x["rehearsal"] for x in r["records"])'

# Seven devices for eight ranks.
export MARU_FAKE_GPUS=7
expect_run 2 8 -b 8 -e 8 --out never
expect_one_line "$err"
expect_match "$err" 'rank 7 on .*7 device\(s\) to 8'
if [ -e never ]; then fail "a refused run left a folder behind"; fi
export MARU_FAKE_GPUS=4

# A wrong result is found, named, and not timed.
MARU_FAKE_NCCL_CORRUPT=2 expect_run 1 4 -b 4K -e 4K --set collectives.operations=all_reduce --out wrong
expect_json wrong/report.json 'all(x["status"] == "wrong" and "rank 2 on" in x["reason"] and "time" not in x
  for x in r["records"])'

# Who cannot join is named to all, before those who waited for it. Whose peer never comes waits for as long as it
# was told and no longer.
one=(-b 8 -e 8 --set collectives.operations=all_reduce --set collectives.places=out)
begun=$SECONDS
export MARU_NCCL_TIMEOUT=4s
mapfile -d '' -t words < <(run "${one[@]}" --out refused)
MARU_FAKE_NCCL_REFUSE=2 start_mpi 4 "${words[@]}"
MARU_FAKE_NCCL_ABSENT=2 expect_run 3 4 -b 8 -e 16 --set collectives.operations=all_reduce --out absent
expect_json absent/report.json 'len(r["records"]) == 4 and
  all(x["status"] == "failed" and re.search("rank [0-3] on [^ ]* waited 4 s for the others", x["reason"])
  for re in [__import__("re")] for x in r["records"])'
[ $((SECONDS - begun)) -lt 60 ] || fail "waited $((SECONDS - begun)) s instead of once 4 s"
wait_launched 30
[ -n "$launcher_hung" ] || [ "$status" -eq 3 ] || fail "exit code $status instead of 3"
expect_json refused/report.json 'len(r["records"]) == 1 and all(x["status"] == "failed" and
  "4 ranks: rank 2 on" in x["reason"] and "no socket interface found" in x["reason"] for x in r["records"])'

# An error that comes while the ranks wait for the device, which would hang.
MARU_FAKE_NCCL_LATE=all expect_run 3 4 "${one[@]}" --out late
expect_match "$err" 'rank [0-3]: NCCL: remote process exited'

# A rank that stands still: the watchdog lets go of NCCL and ends the run.
mapfile -d "" -t words < <(run -b 8 -e 128M --watchdog 3s --out stopped)
start_mpi 4 "${words[@]}"
wait_until 20 at_least 2 stopped/journal.jsonl || fail "the run did not begin"
kill -STOP "$(pid_of_rank 2)"
wait_launched 40
[ -n "$launcher_hung" ] || [ "$status" -eq 4 ] || fail "exit code $status instead of 4"
expect_match "$err" 'rank 2'
printf '%s cases\n' "$case_count"
