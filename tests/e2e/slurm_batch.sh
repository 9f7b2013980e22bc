#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The batch script that is shipped, under a real Slurm of our own with six nodes: a sweep, an array over all pairs, a job
# that its time limit's signal ends and that is gone on with.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/slurm_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/slurm_lib.sh"
go_inside "${BASH_SOURCE[0]}"
batch=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/slurm/maru.sbatch
slurm_nodes=(node1 node2 node3 node4 node5 node6)
start_slurm
export MARU_VALIDATE=off

job_over() { [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]; }
# Of an array the largest of its tasks.
exit_of() { scontrol show job "$1" | sed -n 's/.*ExitCode=\([0-9]*\):.*/\1/p' | sort -rn | head -n 1; }
# submit OUT OPTIONS… -- ARGUMENTS…: leaves the number in $job; what the job prints is in OUT.log.
submit() {
  local options=() name=$1
  shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  job=$(MARU_OUT=$name sbatch --parsable --ntasks-per-node=1 --output="$scratch/$name.log" "${options[@]}" "$batch" "$@")
}
# finishes SECONDS CODE: the job of submit does, with this exit code.
finishes() {
  wait_until "$1" job_over "$job" || fail "job $job is not over after $1 s: $(squeue -h)"
  [ "$(exit_of "$job")" = "$2" ] || fail "job $job ended with $(exit_of "$job") instead of $2"
}
few=(all_reduce -b 64 -e 1K -f 4 -n 10 -w 1) # beside ranks that keep every core busy, each message waits for its turn

# ---- what the time limit cuts short. Slurm looks at it every 30 s and then sends the signal up to 30 s early, so of the
# shortest limit, a minute, half is left. Meanwhile the other nodes do the rest of this test.
export MARU_DOCTOR=off
durations=$(seq -s, -f '%gms' 1500 10 1560)
long=(spin -n 1 -w 0 --set "spin.durations=$durations")
submit cut -w node1,node2 -N 2 --time=1 --signal=B:TERM@25 -- sweep "${long[@]}"
cut_job=$job
unset MARU_DOCTOR

# ---- a sweep over two nodes, with the doctor before it
submit sweep -w node3,node4 -N 2 -- sweep "${few[@]}"
finishes 60 0
expect_match sweep.log '^maru.sbatch: sweep/sweep: new'
expect_match "$(echo sweep/doctor-*.txt)" '^2 hosts: '
expect_json sweep/sweep/report.json 'r["run"]["complete"] and [h["name"] for h in r["hosts"]] == ["node3", "node4"]'
expect_json sweep/sweep/report.json 'r["run"]["launcher"] == "srun"'

# ---- every pair of four nodes, two at a time, in three rounds that two array tasks share; by mpirun
export MARU_LAUNCH=mpirun MARU_DOCTOR=off
submit pairs -w node3,node4,node5,node6 -N 4 --array=0-1 -- pairs "${few[@]}"
unset MARU_LAUNCH MARU_DOCTOR
finishes 90 0
names=()
for pair in node3+node4 node3+node5 node3+node6 node4+node5 node4+node6 node5+node6; do
  names+=("$pair")
  expect_json "pairs/pairs/$pair/report.json" \
    "r['run']['complete'] and '+'.join(h['name'] for h in r['hosts']) == '$pair' and r['run']['launcher'] == 'mpirun'"
done
[ "$(cut -d, -f1 pairs/pairs.csv | sort -u | tr '\n' ' ')" = "${names[*]} pair " ] || fail "pairs.csv does not hold the six pairs"
[ "$(grep -c '^pair,' pairs/pairs.csv)" -eq 1 ] || fail "pairs.csv repeats its head"

# ---- the time is over
job=$cut_job
finishes 60 3
expect_match cut.log 'the time is nearly over'
expect_match cut.log 'MARU_OUT=cut goes on'
expect_json cut/sweep/report.json 'not r["run"]["complete"] and 0 < len(r["records"])'
expect_whole_lines cut/sweep/journal.jsonl
before=$(wc -l <cut/sweep/journal.jsonl)
export MARU_DOCTOR=off
submit cut -w node1,node2 -N 2 -- sweep "${long[@]}"
finishes 60 0
expect_match cut.log '^maru.sbatch: cut/sweep: unfinished'
expect_json cut/sweep/report.json 'r["run"]["complete"]'
[ "$(wc -l <cut/sweep/journal.jsonl)" -gt "$before" ] || fail "nothing was measured after resuming"
# And once more: there is nothing left to do but the verdict. Nobody can be judged by an operation of known duration.
export MARU_VALIDATE=on
submit cut -w node1,node2 -N 2 -- sweep "${long[@]}"
finishes 60 1
expect_match cut.log '^maru.sbatch: cut/sweep: complete'
expect_match cut.log 'nodes unknown: node1, node2'
expect_match cut/sweep.verdict 'nothing to judge it by'
[ ! -s cut/sweep.drain ] || ! grep -qv '^#' cut/sweep.drain || fail "a node that nothing is known of is to be drained"

# ---- what cannot be
submit odd -N 1 -- sweeep
finishes 30 2
expect_match odd.log "unknown mode 'sweeep'"

wait_until 30 nodes_are_idle || fail "a job still runs"
