#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real Slurm of our own, two nodes with names of their own, for as long as this test runs: srun with PMIx, sbatch with
# mpirun, and the launch that goes wrong without saying so. Everything lives in namespaces that end with one process.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${1-}" != inside ]; then
  [ "$(id -u)" -eq 0 ] || skip "Slurm nodes with names of their own need root"
  for program in munged slurmctld slurmd srun sbatch; do
    PATH=$PATH:/usr/sbin:/sbin type -P "$program" >/dev/null || skip "$program is not installed"
  done
  spaces=(--net --pid --fork --kill-child --mount-proc --mount --uts)
  unshare "${spaces[@]}" true 2>/dev/null || skip "no namespaces may be made here"
  MARU_E2E_SCRATCH=$scratch unshare "${spaces[@]}" bash "${BASH_SOURCE[0]}" inside </dev/null &
  background+=("$!")
  wait_until 240 gone "$!" || fail "it did not end within 240 s"
  background=()
  wait "$!" || exit
  exit 0
fi

# ---- inside
export PATH=$PATH:/usr/sbin:/sbin
cd "$scratch"
chmod 755 "$scratch"
hostname controller
ip link set lo up
# With nothing but 127.0.0.1 the resolver holds that there is no IPv4 at all.
ip addr add 127.0.0.2/8 dev lo
printf '127.0.0.1 localhost controller node1 node2\n' >hosts
mount --bind hosts /etc/hosts

mkdir state node1 node2 tmp-node1 tmp-node2
(umask 077 && head -c 128 /dev/urandom >munge.key)
cat >slurm.conf <<EOF_CONF
ClusterName=t
SlurmctldHost=controller(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.sock
CredType=cred/munge
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/%n
TmpFS=$scratch/tmp-%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=2
SlurmdParameters=config_overrides
NodeName=node1 NodeAddr=127.0.0.1 Port=16818 CPUs=2 State=UNKNOWN
NodeName=node2 NodeAddr=127.0.0.1 Port=16819 CPUs=2 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF_CONF
export SLURM_CONF=$scratch/slurm.conf

munged -F --socket="$scratch/munge.sock" --key-file="$scratch/munge.key" --pid-file="$scratch/munged.pid" \
  --log-file="$scratch/munged.log" --seed-file="$scratch/munged.seed" >munged-start.log 2>&1 </dev/null &
background+=("$!")
quietly() { "$@" >/dev/null 2>&1; }
wait_until 10 quietly munge -n -S "$scratch/munge.sock" || fail "munged does not answer"
slurmctld -D -f "$SLURM_CONF" >slurmctld.log 2>&1 </dev/null &
background+=("$!")
controller_is_up() { [[ $(scontrol ping 2>/dev/null) == *'is UP'* ]]; }
wait_until 20 controller_is_up || fail "slurmctld does not answer"
for node in node1 node2; do
  # A name of its own for each node: with one name for both, Open MPI takes them for one host.
  # shellcheck disable=SC2016 # for the shell in there to expand
  unshare --uts sh -c 'hostname "$0" && exec slurmd -D -f "$SLURM_CONF"' "$node" >"slurmd-$node.log" 2>&1 </dev/null &
  background+=("$!")
done
nodes_are_idle() { [ "$(sinfo -hN -o %t | sort -u)" = idle ]; }
wait_until 20 nodes_are_idle || fail "the nodes do not come up: $(sinfo -hN -o '%N %t' | tr '\n' ' ')"

# Traffic stays on the loopback device.
export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
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
