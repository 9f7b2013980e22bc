#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two hosts on one machine: names, network addresses and a cable of their own, and Open MPI's own way of starting its
# daemon on the other one. No address outside of the two namespaces exists in them.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
cd "$scratch"

[ "$(id -u)" -eq 0 ] || skip "hosts made of namespaces need root"
type -P ip >/dev/null || skip "ip is not installed"
unshare --net --uts --mount true 2>/dev/null || skip "no namespaces may be made here"

export MARU_E2E_HOSTS=$scratch
# Open MPI takes the words of its launch agent apart at spaces, which the way to this folder may have.
agent=$scratch/enter-host.sh
cp "$here/enter-host.sh" "$agent"
printf '127.0.0.1 localhost\n10.77.0.1 h1\n10.77.0.2 h2\n' >hosts
for host in h1 h2; do
  # Holds the namespaces; they are gone when it is.
  # shellcheck disable=SC2016 # for the shell in there to expand
  unshare --net --uts --mount sh -c 'hostname "$0" && mount --bind hosts /etc/hosts && ip link set lo up &&
    echo $$ >"$0.pid.part" && mv "$0.pid.part" "$0.pid" && exec sleep 600' "$host" >"$host.log" 2>&1 </dev/null &
  background+=("$!")
  wait_until 10 test -s "$host.pid" || fail "$host does not come up"
done
on() { "$agent" "$@"; }
if ! on h1 "ip link add cable type veth peer name cable netns $(cat h2.pid)" 2>veth.log; then
  skip "no virtual cable may be made here: $(tail -n 1 veth.log)"
fi
on h1 'ip addr add 10.77.0.1/24 dev cable && ip link set cable up'
on h2 'ip addr add 10.77.0.2/24 dev cable && ip link set cable up'
reachable=$(on h1 "bash -c 'exec 3<>/dev/tcp/10.77.0.2/9'" 2>&1 || true)
[[ $reachable == *refused* ]] || fail "h2 is out of h1's reach: $reachable"

# shellcheck disable=SC2054 # the commas are Open MPI's
launch=(mpirun -q --oversubscribe -np 4 --host h1:2,h2:2 --map-by node
  --mca plm rsh --mca plm_rsh_agent "$agent"
  --mca oob_tcp_if_include 10.77.0.0/24 --mca btl self,vader,tcp --mca btl_tcp_if_include 10.77.0.0/24)
# shellcheck disable=SC2054
what=("$MARU" run collectives -b 64 -e 64K -f 4 -n 50 -w 2 --groups world,node,pairs --out two)
# mpirun itself runs on h1.
expect_exit 0 "$agent" h1 "cd '$scratch' && exec $(printf '%q ' "${launch[@]}" "${what[@]}")"
expect_json two/report.json 'r["run"]["complete"]'
expect_json two/report.json 'sorted(h["name"] for h in r["hosts"]) == ["h1", "h2"]'
expect_json two/report.json '[x["host"] for x in sorted(r["ranks"], key=lambda x: x["rank"])] == ["h1", "h2", "h1", "h2"]'
expect_json two/report.json 'all(x["status"] == "ok" for x in r["records"])'
# Every group its own rows: the ranks of one host are one group of kind node, and never mixed with the other's.
expect_json two/report.json \
  'sorted({x["group"]["ranks"] for x in r["records"] if x["group"]["kind"] == "node"}) == ["0,2", "1,3"]'
expect_json two/report.json 'len({x["group"]["ranks"] for x in r["records"] if x["group"]["kind"] == "world"}) == 1'
# Two hosts have two clocks, as far as the program may assume.
expect_json two/report.json 'r["clock"]["method"] != "" and 0 < r["clock"]["error"] < 0.01'
