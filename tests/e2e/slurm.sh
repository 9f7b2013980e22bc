#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Under a real Slurm of our own: srun with PMIx, sbatch with mpirun, and the launch that goes wrong without saying so.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/slurm_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/slurm_lib.sh"
go_inside "${BASH_SOURCE[0]}"
start_slurm

what=(collectives -b 64 -e 4K -f 4 -n 20 -w 2)

two_hosts() {
  expect_json "$1/report.json" 'r["run"]["complete"]'
  expect_json "$1/report.json" 'sorted(h["name"] for h in r["hosts"]) == ["node1", "node2"]'
  expect_json "$1/report.json" '[x["host"] for x in sorted(r["ranks"], key=lambda x: x["rank"])] == ["node1"] * 2 + ["node2"] * 2'
  expect_json "$1/report.json" 'all(x["status"] == "ok" for x in r["records"]) and len(r["records"]) > 0'
}

# srun starts the ranks itself, through PMIx.
expect_exit 0 srun --mpi=pmix -N 2 -n 4 "$MARU" run "${what[@]}" --out srun
two_hosts srun
expect_json srun/report.json '"srun" in r["run"]["launcher"] or "slurm" in r["run"]["launcher"].lower()'

# sbatch with mpirun inside, which starts its daemons by srun.
cat >job.sh <<EOF_JOB
#!/bin/bash
cd "$scratch" || exit
mpirun -np 4 "$MARU" run ${what[*]} --out sbatch
echo "\$?" >sbatch.status.part && mv sbatch.status.part sbatch.status
EOF_JOB
expect_exit 0 sbatch -N 2 -n 4 --output="$scratch/sbatch.log" --error="$scratch/sbatch.log" job.sh
wait_until 90 test -f sbatch.status || fail "the batch job does not end"
[ "$(cat sbatch.status)" -eq 0 ] || fail "mpirun in the batch job ended with $(cat sbatch.status)"
two_hosts sbatch

# Without PMIx each process is rank 0 of a world of its own: plausible numbers, all of them wrong.
expect_exit 2 srun --mpi=none -N 1 -n 2 -w node1 "$MARU" run gemm --out alone
expect_match "$err" 'node1'
[ ! -f alone/report.json ] || fail "a report was written by processes that were each alone"
# One process that is alone because it was asked to be is in order.
expect_exit 0 srun --mpi=none -N 1 -n 1 "$MARU" run spin -n 20 --out one

wait_until 30 nodes_are_idle || fail "a job still runs"
