#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run over two hosts with addresses and a cable of their own.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/hosts_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/hosts_lib.sh"
PATH=$PATH:/usr/sbin:/sbin
cd "$scratch"

why=$(why_no_hosts)
[ -z "$why" ] || skip "$why"
start_hosts

launch+=(-np 4 --host "h1:2,h2:2" --map-by node)
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
