#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maru doctor: alone, under mpirun, with a launcher that does not join its processes, and on two hosts of which one is ill.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/hosts_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/hosts_lib.sh"
PATH=$PATH:/usr/sbin:/sbin
cd "$scratch"

advice_of() { printf 'next((a for a in r["advice"] if a["check"] == "%s" and a["severity"] == "%s"), {})' "$1" "$2"; }
# fits FILE: no line is wider than a terminal.
fits() {
  python3 -c 'import sys; sys.exit(any(len(l.rstrip("\n")) > 80 for l in open(sys.argv[1], encoding="utf-8")))' "$1" ||
    fail "a line of ${1##*/} is wider than 80 columns"
}

# ---- alone. What ails this machine is not known, so the answer is only read.
run_case "$MARU" doctor
[ "$status" -le 1 ] || fail "exit code $status: $(cat "$err")"
expect_match "$out" '^1 host'
expect_match "$out" 'note .*network: between hosts Open MPI uses|^1 host'
fits "$out"
run_case "$MARU" doctor --format json
[ "$status" -le 1 ] || fail "exit code $status"
expect_json "$out" "r['maru_doctor'] == 1 and r['good'] == (${status} == 0) and len(r['hosts']) == 1"
expect_json "$out" 'all(a["remedy"] and a["what"] and a["check"] for a in r["advice"])'
expect_json "$out" 'sorted(a["severity"] for a in r["advice"]) == [a["severity"] for a in r["advice"]] or
  [a["severity"] for a in r["advice"]] == sorted((a["severity"] for a in r["advice"]), key=["failure", "warning", "note"].index)'

expect_exit 2 "$MARU" doctor --format yaml
expect_one_line "$err"
expect_exit 2 "$MARU" doctor --fromat json
expect_one_line "$err"

# ---- ill by its environment
expect_exit 1 env NCCL_SOCKET_IFNAME=nothere0 OMP_NUM_THREADS=none TMPDIR="$scratch/not/there" "$MARU" doctor
expect_match "$out" '^1 host, and it needs attention: .*temporary folder'
expect_match "$out" 'failure  network: NCCL_SOCKET_IFNAME=nothere0 names nothere0'
expect_match "$out" 'warning  threads: OMP_NUM_THREADS=none'
fits "$out"

# ---- processes that do not find one another: each would say the same, and one does
cp "$(command -v bash)" slurmstepd # what stands above the processes of srun
expect_exit 1 env SLURM_STEP_NUM_TASKS=4 SLURM_STEP_ID=0 SLURM_PROCID=0 ./slurmstepd -c "'$MARU' doctor; exit \$?"
expect_match "$out" 'failure  launcher: srun started 4 processes, and this one finds 1'
expect_exit 1 env SLURM_STEP_NUM_TASKS=4 SLURM_STEP_ID=0 SLURM_PROCID=1 ./slurmstepd -c "'$MARU' doctor; exit \$?"
[ ! -s "$out" ] || fail "every process that is alone prints"
# What a job left in the environment of a shell keeps nobody silent.
run_case env OMPI_COMM_WORLD_RANK=3 "$MARU" doctor
expect_match "$out" '^1 host'
expect_exit 1 env SLURM_STEP_NUM_TASKS=4 SLURM_STEP_ID=0 SLURM_PROCID=1 "$MARU" doctor
expect_match "$out" 'failure  launcher: the environment is that of one of 4 processes of srun'
expect_exit 2 env OMPI_COMM_WORLD_RANK=3 "$MARU" doctor --fromat json
expect_one_line "$err"
mapfile -d '' -t words < <(mpi 2 env)
"${words[@]}" >left.env
mapfile -t words < <(grep -E '^(OMPI|PMIX)_[^=]*=' left.env | grep -v '_RANK=' | sort -u -t= -k1,1)
expect_exit 1 env "${words[@]}" OMPI_COMM_WORLD_RANK=1 PMIX_RANK=1 "$MARU" doctor
expect_match "$out" 'failure  launcher: the environment is that of one of 2 processes of mpirun'

# ---- under mpirun
mapfile -d '' -t words < <(mpi 4 "$MARU" doctor --format json)
run_case "${words[@]}"
[ "$status" -le 1 ] || fail "exit code $status: $(cat "$err")"
expect_json "$out" 'len(r["hosts"]) == 1 and r["hosts"][0]["ranks"] == 4 and r["launcher"] == "mpirun"'
expect_json "$out" '"Open MPI" in r["hosts"][0]["setup"]["mpi"]'
expect_json "$out" 'abs(r["hosts"][0]["clock_skew"]) < 0.1'

# Two programs of one job, the second of which was misspelt: the first of its ranks says so.
expect_exit 2 mpirun -q --oversubscribe -np 1 "$MARU" doctor : -np 2 "$MARU" doctor --fromat json
[ "$(grep -c "'--format'" "$err")" -eq 1 ] || fail "nobody or everybody says what is wrong"

# ---- what does not answer. A file system of a program that never reads what it is asked, which is what a mount of a dead
# server looks like; each asker hangs until it is killed.
dead=$scratch/dead
mkdir dead
python3 - "$dead" <<'EOF' 2>fuse.log &
import ctypes, os, sys, time
descriptor = os.open("/dev/fuse", os.O_RDWR)
data = "fd=%d,rootmode=40000,user_id=0,group_id=0" % descriptor
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"dead:/export", sys.argv[1].encode(), b"fuse", 0, data.encode()) != 0:
  sys.exit(os.strerror(ctypes.get_errno()))
open("mounted", "w").close()
time.sleep(600)
EOF
keeper=$!
background+=("$keeper")
mounted_or_gone() { [ -e mounted ] || gone "$keeper"; }
on_exit+=("umount -l '$dead' 2>/dev/null")
wait_until 20 mounted_or_gone || fail "the mount neither comes about nor fails"
if [ -e mounted ]; then
  CASE_SECONDS=30 expect_exit 1 "$MARU" doctor --out "$dead/runs"
  expect_match "$out" 'failure  results: .*/dead/runs'
  expect_match "$out" 'does not answer in 5 s'
  expect_exit 1 "$MARU" doctor --out "$dead/runs" --format json
  expect_json "$out" 'r["hosts"][0]["setup"]["out"]["silent"] and "fuse of dead:/export" in r["hosts"][0]["setup"]["out"]["fault"]'
  expect_exit 1 env TMPDIR="$dead" "$MARU" doctor
  expect_match "$out" 'failure  temporary folder: .*/dead'
  # Its output must end with it, whoever else hangs.
  run_case bash -c "'$MARU' doctor --out '$dead' | cat"
  expect_match "$out" 'does not answer in 5 s'
  expect_mpi_exit 1 2 "$MARU" doctor --out "$dead/runs"
  expect_match "$out" 'failure  .*results: .*/dead/runs'
else
  printf 'not tried here: a file system that does not answer (%s)\n' "$(tail -n 1 fuse.log)"
fi

# A rank that does not answer is named, whichever it is; and one that was never there ends the waiting all the same.
for rank in 0 1; do
  MARU_TEST_STOP_RANK=$rank expect_mpi_exit 4 3 "$MARU_FAULTY" doctor --watchdog 3s
  expect_match "$err" "$(uname -n) does not answer: rank $rank "
done
expect_exit 3 mpirun -q --oversubscribe -np 1 "$MARU" doctor --watchdog 3s : -np 1 sleep 100
expect_match "$err" 'the 2 processes of mpirun have not found one another in 3 s'

# ---- two hosts
why=$(why_no_hosts)
[ -z "$why" ] || skip "one host went well; two: $why"
start_hosts
# h2 is ill: as little shared memory as a container gets unless told otherwise, less still, and a bridge of its own.
on h2 'mount -t tmpfs -o size=8m tmpfs /dev/shm'
on h2 'ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up'

doctor=("${launch[@]}" -np 2 --host "h1:1,h2:1" --map-by node)
expect_exit 1 "$agent" h1 "cd '$scratch' && exec $(printf '%q ' "${doctor[@]}" "$MARU" doctor)"
expect_match "$out" '^1 of 2 hosts needs attention: h2 \(.*shared memory'
expect_match "$out" 'failure  h2: shared memory: /dev/shm has 8 MiB free of 8 MiB'
fits "$out"
expect_exit 1 "$agent" h1 "cd '$scratch' && exec $(printf '%q ' "${doctor[@]}" "$MARU" doctor --format json)"
expect_json "$out" '[h["name"] for h in r["hosts"]] == ["h1", "h2"]'
expect_json "$out" "$(advice_of 'shared memory' failure)[\"hosts\"] == [\"h2\"]"
# The cable is what mpirun was told to use, so the bridge does not matter ...
expect_json "$out" 'not any("docker0" in a["what"] for a in r["advice"])'
expect_json "$out" 'any("cable (10.77.0.0/24)" in a["what"] for a in r["advice"])'
# ... and without being told, it would.
expect_exit 1 "$agent" h1 "cd '$scratch' && exec $(printf '%q ' "${doctor[@]}" env -u OMPI_MCA_btl_tcp_if_include -u OMPI_MCA_btl "$MARU" doctor --format json)"
expect_json "$out" 'any("docker0" in a["what"] and a["hosts"] == ["h2"] and "10.77.0.0/24" in a["remedy"] for a in r["advice"])'
