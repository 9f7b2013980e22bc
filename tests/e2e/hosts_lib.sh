# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two hosts on one machine: names, network addresses and a cable of their own, and Open MPI's own way of starting its
# daemon on the other one. No address outside of the two namespaces exists in them. Sourced after lib.sh.

hosts_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Open MPI takes the words of its launch agent apart at spaces, which the way to this folder may have.
# shellcheck disable=SC2154 # of lib.sh
agent=$scratch/enter-host.sh
# shellcheck disable=SC2034,SC2054 # for the tests; the commas are Open MPI's
launch=(mpirun -q --oversubscribe --mca plm rsh --mca plm_rsh_agent "$agent"
  --mca oob_tcp_if_include 10.77.0.0/24 --mca btl self,vader,tcp --mca btl_tcp_if_include 10.77.0.0/24)

# on HOST COMMAND…
on() { "$agent" "$@"; }

# why_no_hosts: prints why they cannot be made here; nothing when they can.
why_no_hosts() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "hosts made of namespaces need root"
  elif ! type -P ip >/dev/null; then
    echo "ip is not installed"
  elif ! unshare --net --uts --mount true 2>/dev/null; then
    echo "no namespaces may be made here"
  fi
}

# start_hosts: h1 and h2, until the test ends; its working directory is $scratch.
start_hosts() {
  export MARU_E2E_HOSTS=$scratch
  cp "$hosts_lib/enter-host.sh" "$agent"
  printf '127.0.0.1 localhost\n10.77.0.1 h1\n10.77.0.2 h2\n' >hosts
  local host reachable
  for host in h1 h2; do
    # Holds the namespaces; they are gone when it is.
    # shellcheck disable=SC2016 # for the shell in there to expand
    unshare --net --uts --mount sh -c 'hostname "$0" && mount --bind hosts /etc/hosts && ip link set lo up &&
      echo $$ >"$0.pid.part" && mv "$0.pid.part" "$0.pid" && exec sleep 600' "$host" >"$host.log" 2>&1 </dev/null &
    background+=("$!")
    wait_until 10 test -s "$host.pid" || fail "$host does not come up"
  done
  if ! on h1 "ip link add cable type veth peer name cable netns $(cat h2.pid)" 2>veth.log; then
    skip "no virtual cable may be made here: $(tail -n 1 veth.log)"
  fi
  on h1 'ip addr add 10.77.0.1/24 dev cable && ip link set cable up'
  on h2 'ip addr add 10.77.0.2/24 dev cable && ip link set cable up'
  reachable=$(on h1 "bash -c 'exec 3<>/dev/tcp/10.77.0.2/9'" 2>&1 || true)
  [[ $reachable == *refused* ]] || fail "h2 is out of h1's reach: $reachable"
}
