# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A cluster in a box: hosts made of namespaces (network, name, mounts, shared memory) that hang on one bridge, which is in a
# namespace of its own. Nothing of it is on the machine's own network. docs/cluster-in-a-box.md tells how to use it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
box_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/remains.sh
. "$box_source/remains.sh"

box_hosts=()        # of the box that is up: h1 h2 …
box_among=()        # those on which ranks are started, where not on all
box_mpi=()          # further words for mpirun
box_rate=           # of each host's cable, both ways; empty where it is not shaped
box_no_cpu=         # why hosts have no share of the processors that is theirs; empty when they have
box_guard_pid=
box_home=           # the control group that the test came from
box_cpu_groups=()   # those of the box; the one with the shares first
declare -A box_burners=()

export MARU_BOX=$scratch/box

# --- the box itself

# box_up N [--rate RATE]: N hosts, h1 at 10.77.0.1 and so on, each cable shaped to RATE both ways. Skips the test where
# that is not possible.
box_up() {
  local count=$1 host k
  shift
  while [ $# -gt 0 ]; do
    case $1 in
    --rate) box_rate=$2 && shift 2 ;;
    *) fail "box_up does not know $1" ;;
    esac
  done
  [ "$(id -u)" -eq 0 ] || skip "a cluster in a box needs root"
  for host in ip tc nsenter unshare mpirun; do type -P "$host" >/dev/null || skip "$host is not installed"; done
  unshare --net --uts --mount --ipc true 2>/dev/null || skip "no namespaces may be made here"

  mkdir -p "$MARU_BOX/tmp"
  # A clock of its own for each host, 1000 s from its neighbour's, where the kernel has that.
  if unshare --time --fork true 2>/dev/null; then : >"$MARU_BOX/clocks"; fi
  # Open MPI takes the words of its launch agent apart at spaces, which the way to this folder may have.
  cp "$box_source/agent.sh" "$MARU_BOX/agent.sh"
  box_hosts=()
  for ((k = 1; k <= count; ++k)); do box_hosts+=("h$k"); done
  {
    printf '127.0.0.1 localhost\n'
    for ((k = 1; k <= count; ++k)); do printf '10.77.0.%s h%s\n' "$k" "$k"; done
  } >"$MARU_BOX/hosts"
  on_exit+=(box_down)
  box_guard
  box_cpu_up
  box_hold switch --net -- ''
  if ! on switch 'ip link set lo up && ip link add bridge type bridge && ip link set bridge up' 2>"$MARU_BOX/bridge.log"; then
    skip "no bridge may be made here: $(tail -n 1 "$MARU_BOX/bridge.log")"
  fi
  for host in "${box_hosts[@]}"; do box_host_up "$host"; done
  if ! box_heal 2>"$MARU_BOX/tc.log"; then skip "no cable may be shaped here: $(tail -n 1 "$MARU_BOX/tc.log")"; fi
}

# box_hold NAME UNSHARE-OPTIONS… -- COMMANDS: a process that holds namespaces; they are gone when it is.
box_hold() {
  local name=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  # shellcheck disable=SC2016 # for the shell in there to expand
  unshare "${options[@]}" sh -c 'set -e; '"$2"'
    echo $$ >"$1.pid.part"; mv "$1.pid.part" "$1.pid"; exec sleep infinity' sh "$MARU_BOX/$name" "$name" \
    >"$MARU_BOX/$name.log" 2>&1 </dev/null &
  disown # or the shell would tell of its end
  wait_until 10 test -s "$MARU_BOX/$name.pid" || fail "$name does not come up: $(cat "$MARU_BOX/$name.log")"
  readlink "/proc/$(cat "$MARU_BOX/$name.pid")/ns/net" >"$MARU_BOX/$name.net"
  printf '%s\n' "$!" "$(cat "$MARU_BOX/$name.pid")" >"$MARU_BOX/$name.keep"
  [ -e "$MARU_BOX/$name.groups" ] || : >"$MARU_BOX/$name.groups"
}

# What two hosts must not share, or Open MPI takes them for one: the name, /dev/shm, and the folder of the sessions.
# /sys is mounted anew, for it shows the network cards of the namespace in which it was mounted.
# shellcheck disable=SC2016
box_host_setup='
  hostname "$2"; ip link set lo up
  cd "$(dirname "$1")"
  mount --bind hosts /etc/hosts
  mount --bind "$2.boot" /proc/sys/kernel/random/boot_id
  mount -t tmpfs none /dev/shm
  mount -t tmpfs none tmp
  mkdir "$2.sys" && mount -t sysfs none "$2.sys"
  if [ -d /sys/fs/cgroup ]; then mount --rbind /sys/fs/cgroup "$2.sys/fs/cgroup"; fi
  mount --rbind "$2.sys" /sys'

box_host_up() {
  local host=$1 k=${1#h} options=(--net --uts --mount --ipc)
  box_host_cpu "$host"
  cat /proc/sys/kernel/random/uuid >"$MARU_BOX/$host.boot"
  if [ -e "$MARU_BOX/clocks" ]; then options+=(--time --monotonic "$((1000 * k))" --fork --kill-child); fi
  box_hold "$host" "${options[@]}" -- "$box_host_setup"
  on switch "ip link add $host type veth peer name eth0 netns $(cat "$MARU_BOX/$host.pid") &&
    ip link set $host master bridge up" 2>"$MARU_BOX/veth.log" ||
    skip "no virtual cable may be made here: $(tail -n 1 "$MARU_BOX/veth.log")"
  on "$host" "ip addr add 10.77.0.$k/24 dev eth0 && ip link set eth0 up"
}

# Cleans up behind a test that was killed, and could not. It looks for the test twice a second.
box_guard() {
  # shellcheck disable=SC2016 # for the shell in there to expand
  setsid bash -c '. "$0/remains.sh"
    tail --pid="$1" -s 0.5 -f /dev/null
    for file in $(grep "/test$" "$2/groups"); do kill -KILL $(cat "$file/cgroup.procs"); done
    box_remove "$2"
    rm -rf "$3"' "$box_source" "$$" "$MARU_BOX" "$scratch" >/dev/null 2>&1 </dev/null &
  box_guard_pid=$!
  disown
}

box_down() {
  [ -d "$MARU_BOX" ] || return 0
  local pid
  if [ -n "$box_home" ]; then
    # One by one: a control group takes one process per write.
    while IFS= read -r pid; do
      { printf '%s\n' "$pid" >"$box_home/cgroup.procs"; } 2>/dev/null || true
    done <"${box_cpu_groups[0]}/test/cgroup.procs"
  fi
  box_remove "$MARU_BOX"
  if [ -n "$box_guard_pid" ]; then
    kill -KILL -- "-$box_guard_pid" 2>/dev/null || true
    box_guard_pid=
  fi
  rm -rf "$MARU_BOX"
}

# --- processors: each host has a control group, and all the same share

# The cores are few and the hosts many. Each host is bound to one core, hosts of one core share it evenly, whatever runs on
# them: a burner takes what its own host has. Without the binding the kernel's balancing of groups over cores would move
# the neighbours' shares about. The box as a whole outweighs what else runs on the machine, 64 to 1: a compiler beside it
# does not show in its figures.
box_weight=65536
box_cpu_up() {
  local name=maru-box-$$ base own cpus home
  box_no_cpu=
  : >"$MARU_BOX/groups"
  if own=$(box_v1_base cpu) && base=$(box_v1_base cpuset); then
    box_group "$own/$name" && box_group "$base/$name" || return 0
    cat "$base/cpuset.mems" >"$base/$name/cpuset.mems"
    cat "$base/cpuset.cpus" >"$base/$name/cpuset.cpus"
    cpus=$(cat "$base/cpuset.cpus")
    printf '%s\n' "$box_weight" >"$own/$name/cpu.shares"
    box_cpu_groups=("$own/$name" "$base/$name")
    home=$own
  elif base=$(box_v2_base); then
    { printf '+cpu +cpuset' >"$base/cgroup.subtree_control"; } 2>/dev/null || true
    box_group "$base/$name" || return 0
    if ! { printf '+cpu +cpuset' >"$base/$name/cgroup.subtree_control"; } 2>/dev/null; then
      box_no_cpu="the control groups here do not hand down cpu and cpuset"
      return 0
    fi
    cpus=$(cat "$base/$name/cpuset.cpus.effective")
    printf '6400\n' >"$base/$name/cpu.weight"
    box_cpu_groups=("$base/$name")
    home=$base$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)
  else
    box_no_cpu="no control groups for cpu and cpuset are mounted here"
    return 0
  fi
  mapfile -t box_cores < <(box_list "$cpus")
  # The test moves in as well, for beside such a box it would hardly get a turn.
  box_group "${box_cpu_groups[0]}/test" || return 0
  printf '%s\n' $$ >"${box_cpu_groups[0]}/test/cgroup.procs"
  box_home=$home
}

# box_list 0-2,5: one a line.
box_list() {
  local part
  for part in ${1//,/ }; do seq "${part%-*}" "${part#*-}"; done
}

# Where a group of ours can be made: below the group that the test is in, or at the top where that cannot be seen from here.
box_v1_base() {
  local mount path
  mount=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/mounts)
  [ -n "$mount" ] || return 1
  path=$(awk -F: -v c="$1" '("," $2 ",") ~ ("," c ",") { print $3; exit }' /proc/self/cgroup)
  if [ -d "$mount$path" ]; then printf '%s\n' "${mount}${path%/}"; else printf '%s\n' "$mount"; fi
}
# In version 2 a group with processes in it cannot share out what it has; the top can.
box_v2_base() {
  local mount
  mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$mount" ] && grep -qw cpu "$mount/cgroup.controllers" && grep -qw cpuset "$mount/cgroup.controllers" &&
    printf '%s\n' "$mount"
}

box_group() {
  if ! mkdir "$1" 2>"$MARU_BOX/group.log"; then
    box_no_cpu="no control group may be made here: $(tail -n 1 "$MARU_BOX/group.log")"
    return 1
  fi
  printf '%s\n' "$1" >>"$MARU_BOX/groups"
}

# box_host_cpu HOST: its groups, and its core.
box_host_cpu() {
  local host=$1 parent group core
  : >"$MARU_BOX/$host.groups"
  if [ -n "$box_no_cpu" ]; then return 0; fi
  core=${box_cores[$(((${host#h} - 1) % ${#box_cores[@]}))]}
  for parent in "${box_cpu_groups[@]}"; do
    group=$parent/$host
    box_group "$group" || fail "$box_no_cpu"
    if [ -e "$group/cpuset.mems" ] && [ -z "$(cat "$group/cpuset.mems")" ] && [ -e "$group/tasks" ]; then
      cat "$parent/cpuset.mems" >"$group/cpuset.mems"
      cat "$parent/cpuset.cpus" >"$group/cpuset.cpus"
    fi
    if [ -e "$group/cpuset.cpus" ]; then printf '%s\n' "$core" >"$group/cpuset.cpus"; fi
    printf '%s\n' "$group" >>"$MARU_BOX/$host.groups"
  done
}

# box_can_burn: whether a burner harms its own host only; says why not.
box_can_burn() {
  if [ -n "$box_no_cpu" ]; then printf '%s\n' "$box_no_cpu" && return 1; fi
}

# --- running

# on HOST COMMAND: as ssh would.
on() { "$MARU_BOX/agent.sh" "$@"; }

# box_words K COMMAND…: the words of a launch, with K ranks on each host (or each of box_among), those of one host together.
# mpirun itself runs on h1. Whatever is exported as MARU_… reaches the ranks.
box_words() {
  local each=$1 host hosts='' words=() name
  shift
  [ ${#box_among[@]} -gt 0 ] || local box_among=("${box_hosts[@]}")
  for host in "${box_among[@]}"; do hosts+=${hosts:+,}$host:$each; done
  # shellcheck disable=SC2054 # the commas are Open MPI's
  words=(mpirun -q -np $((each * ${#box_among[@]})) --host "$hosts" --map-by slot --bind-to none
    --mca plm rsh --mca plm_rsh_agent "$MARU_BOX/agent.sh"
    --mca oob_tcp_if_include 10.77.0.0/24 --mca btl self,vader,tcp --mca btl_tcp_if_include 10.77.0.0/24
    # One socket carries both directions of a pair. Left to itself, Open MPI hands a whole message to it at once, and the
    # go-ahead for the other direction queues behind that: the two then take turns or not, as chance has it, and the
    # same exchange takes T or 2 T. In pieces of 128 KiB, with a short queue in the kernel, both always flow.
    --mca btl_tcp_flags 1 --mca btl_tcp_sndbuf 262144 --mca btl_tcp_rcvbuf 1048576)
  while IFS= read -r name; do words+=(-x "$name"); done < <(compgen -e | grep '^MARU_')
  words+=("${box_mpi[@]}" "$@")
  printf '%s\0' "$MARU_BOX/agent.sh" h1 "cd $(printf %q "$PWD") && exec $(printf '%q ' "${words[@]}")"
}

# box_run K COMMAND…: like run_case.
box_run() {
  local words
  mapfile -d '' -t words < <(box_words "$@")
  run_case "${words[@]}"
}

# expect_box_exit CODE K COMMAND…: like expect_exit.
expect_box_exit() {
  local code=$1 words
  shift
  mapfile -d '' -t words < <(box_words "$@")
  expect_exit "$code" "${words[@]}"
}

# box_start K COMMAND…: like start_mpi; $launched is mpirun's pid.
box_start() {
  local words
  mapfile -d '' -t words < <(box_words "$@")
  start_case "${words[@]}"
}

# box_pids_on HOST: of all that runs there, but for the process that holds the host.
box_pids_on() { box_pids "$(cat "$MARU_BOX/$1.net")" | grep -vxFf "$MARU_BOX/$1.keep" || true; }

# box_pid HOST RANK: as seen from outside.
box_pid() {
  local pid
  for pid in $(box_pids_on "$1"); do
    if box_is_rank "$pid" "$2" && ! box_is_rank "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")" "$2"; then
      printf '%s\n' "$pid"
      return
    fi
  done
  return 1
}
box_is_rank() { grep -zqx "OMPI_COMM_WORLD_RANK=$2" "/proc/$1/environ" 2>/dev/null; }

host_idle() { [ -z "$(box_pids_on "$1")" ]; }

# box_milliseconds HOST REPORT: the median duration of the calls in which the host took part, in the middle of its records.
box_milliseconds() {
  python3 -c 'import json, statistics, sys
r = json.load(open(sys.argv[2]))
mine = {x["rank"] for x in r["ranks"] if x["host"] == sys.argv[1]}
def ranks(text):
  for part in text.split(","):
    first, _, last = part.partition("-")
    yield from range(int(first), int(last or first) + 1)
print("%.3f" % (1e3 * statistics.median(x["time"]["median"] for x in r["records"] if "time" in x and mine & set(ranks(x["group"]["ranks"])))))' \
    "$1" "$2" || fail "$2 has no time of $1"
}

# --- faults

# A token bucket starts full: of each message, what fits into it is not shaped, so it is small against 1 MiB. It must hold
# the largest packet, which is 64 KiB, for a virtual cable leaves the cutting into frames to the end. The queue is longer
# than what all sockets of a box can have on the way (box_words), so that nothing is ever dropped, and TCP never slows down.
box_burst=128kb
box_queue=16mb

# box_shape HOST RATE: both ends of its cable; no RATE takes the shaping away.
box_shape() {
  local side
  for side in "$1 eth0" "switch $1"; do
    # shellcheck disable=SC2086 # two words
    set -- "$1" "${2-}" $side
    if [ -z "$2" ]; then
      on "$3" "tc qdisc del dev $4 root 2>/dev/null || true"
    else
      on "$3" "tc qdisc replace dev $4 root handle 1: tbf rate $2 burst $box_burst limit $box_queue"
    fi
  done
}

# box_slow_host HOST RATE: all that it sends and receives.
box_slow_host() { box_shape "$1" "$2"; }

# box_slow_link FROM TO RATE: what FROM sends to TO only. Within the shaped cable, so that the rest stays as it is.
box_slow_link() {
  local from=$1 to=$2 parent=root major=$((10#${2#h} + 16))
  if [ -n "$box_rate" ]; then parent='parent 1:1'; fi
  on "$from" "set -e
    tc qdisc show dev eth0 | grep -q 'htb 2:' || tc qdisc add dev eth0 $parent handle 2: htb default 1
    tc class replace dev eth0 parent 2: classid 2:1 htb rate 100gbit quantum 200000
    tc class replace dev eth0 parent 2: classid 2:$major htb rate $3 burst $box_burst cburst $box_burst quantum 200000
    tc filter add dev eth0 parent 2: protocol ip u32 match ip dst 10.77.0.${to#h}/32 flowid 2:$major"
}

# box_burn HOST [N]: N processes that do nothing but burn, on this host.
box_burn() {
  local host=$1 k
  for ((k = 0; k < ${2:-1}; ++k)); do
    "$MARU_BOX/agent.sh" "$host" 'exec sh -c "while :; do :; done"' >/dev/null 2>&1 </dev/null &
    box_burners[$host]+=" $!"
    background+=("$!")
  done
}

# box_cool HOST: its burners end.
box_cool() {
  local pid
  for pid in ${box_burners[$1]-}; do
    kill -KILL "$pid" 2>/dev/null || true
    { wait "$pid" || true; } 2>/dev/null
  done
  box_burners[$1]=
}

# box_stop HOST, box_go_on HOST, box_kill HOST: all that runs on it. The host itself stays: its connections are closed, as
# by the system of a machine whose processes end.
box_stop() { box_signal STOP "$MARU_BOX/$1"; }
box_go_on() { box_signal CONT "$MARU_BOX/$1"; }
box_kill() { box_signal KILL "$MARU_BOX/$1"; }

# box_unplug HOST, box_plug HOST: its cable. box_crash HOST: silent from now on, as when power fails: no connection is
# closed, and what stands in for ssh hangs as ssh would. box_kill or box_heal puts an end to that.
box_unplug() { on switch "ip link set $1 down"; }
box_plug() { on switch "ip link set $1 up"; }
box_crash() { box_unplug "$1" && box_stop "$1"; }

# box_heal: takes every fault back that can be.
box_heal() {
  local host
  for host in "${box_hosts[@]}"; do
    box_cool "$host"
    box_go_on "$host"
    box_plug "$host"
    box_shape "$host" ''
    if [ -n "$box_rate" ]; then box_shape "$host" "$box_rate"; fi
  done
}
