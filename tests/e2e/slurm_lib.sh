# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A real Slurm of our own, two nodes with names of their own, for as long as a test runs. Everything lives in namespaces
# that end with one process. Sourced after lib.sh; the test then goes on inside of them, in $scratch, with Slurm up.

# go_inside TEST: starts the test again in namespaces, and ends with it, unless it is the one in there.
go_inside() {
  if [ "${MARU_E2E_INSIDE-}" = yes ]; then return; fi
  [ "$(id -u)" -eq 0 ] || skip "Slurm nodes with names of their own need root"
  local program spaces=(--net --pid --fork --kill-child --mount-proc --mount --uts)
  for program in munged slurmctld slurmd srun sbatch; do
    PATH=$PATH:/usr/sbin:/sbin type -P "$program" >/dev/null || skip "$program is not installed"
  done
  unshare "${spaces[@]}" true 2>/dev/null || skip "no namespaces may be made here"
  # shellcheck disable=SC2154 # of lib.sh
  MARU_E2E_INSIDE=yes MARU_E2E_SCRATCH=$scratch unshare "${spaces[@]}" bash "$1" </dev/null &
  background+=("$!")
  wait_until 240 gone "$!" || fail "it did not end within 240 s"
  background=()
  wait "$!" || exit
  exit 0
}

slurm_nodes=(node1 node2) # a test may want more; they are all this machine

quietly() { "$@" >/dev/null 2>&1; }
controller_is_up() { [[ $(scontrol ping 2>/dev/null) == *'is UP'* ]]; }
nodes_are_idle() { [ "$(sinfo -hN -o %t | sort -u)" = idle ]; }

# last_words LOG…: the last line of what they hold.
last_words() { cat "$@" 2>/dev/null | tail -n 1; }

make_network() {
  export PATH=$PATH:/usr/sbin:/sbin
  cd "$scratch" || return
  chmod 755 "$scratch"
  hostname controller
  ip link set lo up
  # With nothing but 127.0.0.1 the resolver holds that there is no IPv4 at all.
  ip addr add 127.0.0.2/8 dev lo
  printf '127.0.0.1 localhost controller %s\n' "${slurm_nodes[*]}" >hosts
  mount --bind hosts /etc/hosts
}

write_configuration() {
  local node port=16818
  mkdir state "${slurm_nodes[@]}" "${slurm_nodes[@]/#/tmp-}"
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
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF_CONF
  for node in "${slurm_nodes[@]}"; do
    printf 'NodeName=%s NodeAddr=127.0.0.1 Port=%s CPUs=2 State=UNKNOWN\n' "$node" "$((port++))" >>slurm.conf
  done
}

# start_slurm: skips the test with Slurm's own words where it does not come up.
start_slurm() {
  make_network
  write_configuration
  export SLURM_CONF=$scratch/slurm.conf

  munged -F --socket="$scratch/munge.sock" --key-file="$scratch/munge.key" --pid-file="$scratch/munged.pid" \
    --log-file="$scratch/munged.log" --seed-file="$scratch/munged.seed" >munged-start.log 2>&1 </dev/null &
  background+=("$!")
  wait_until 10 quietly munge -n -S "$scratch/munge.sock" || skip "munged does not answer: $(last_words munged.log munged-start.log)"
  slurmctld -D -f "$SLURM_CONF" >slurmctld.log 2>&1 </dev/null &
  background+=("$!")
  wait_until 20 controller_is_up || skip "slurmctld does not answer: $(last_words slurmctld.log)"
  local node
  for node in "${slurm_nodes[@]}"; do
    # A name of its own for each node: with one name for both, Open MPI takes them for one host.
    # shellcheck disable=SC2016 # for the shell in there to expand
    unshare --uts sh -c 'hostname "$0" && exec slurmd -D -f "$SLURM_CONF"' "$node" >"slurmd-$node.log" 2>&1 </dev/null &
    background+=("$!")
  done
  wait_until 20 nodes_are_idle ||
    skip "the nodes do not come up: $(sinfo -hN -o '%N %t' | tr '\n' ' ')$(last_words slurmd-node1.log)"
  # Traffic stays on the loopback device.
  export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
}
