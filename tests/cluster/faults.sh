#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each fault is named for what it is, and nobody else is accused: a slow host, a slow link, a late rank, a busy processor.
set -euo pipefail
# shellcheck source=tests/cluster/judging.sh
. "$(dirname "${BASH_SOURCE[0]}")/judging.sh"
cd "$scratch"
[ -x "${MARU_FAULTY:-}" ] || fail "MARU_FAULTY is not the path of the program with faults"

box_up 4 --rate 2gbit

# One host at a tenth of the fleet's rate.
box_slow_host h4 200mbit
measure host
box_heal
expect_verdict 1 host
expect_states host/verdict.json "h1 pass h2 pass h3 pass h4 fail"
expect_match "$out" '^1 of 4 nodes fails: h4$'
expect_json host/verdict.json '"transfers slowly" in r["hosts"][3]["reason"] and r["links"] == []'
expect_drained host h4
bandwidths='[m for m in r["links"] if m["figure"] == "bandwidth"]'
expect_json host/report.json "all(m['nodes'][m['ranking'][0]]['name'] == 'h4' and m['nodes'][m['ranking'][0]]['explains'] > 0.5
  for m in $bandwidths) and len($bandwidths) == 1"
expect_json host/report.json "len($bandwidths[0]['links']) == 12"

# What people do next.
expect_exit 1 "$MARU" validate host "${limits[@]}" --format slurm
expect_match "$out" '^scontrol update nodename=h4 state=drain reason='
[ "$(grep -c '^scontrol' "$out")" -eq 1 ] || fail "more than one node is to be drained"
expect_exit 1 "$MARU" validate host "${limits[@]}" --format hostfile
[ "$(grep -v '^#' "$out" | tr '\n' ' ')" = "h1 h2 h3 " ] || fail "the hostfile is not that of the good nodes"

# One direction of one link: neither of its ends is to blame.
box_slow_link h1 h3 200mbit
measure link
box_heal
expect_verdict 1 link
expect_states link/verdict.json "h1 pass h2 pass h3 pass h4 pass"
expect_json link/verdict.json '[(l["from"], l["to"], l["state"]) for l in r["links"]] == [("h1", "h3", "fail")]'
expect_match "$out" '^no node fails; 1 link fails: h1 → h3$'
expect_drained link

# A rank that comes late: its neighbours wait for it, and show the long times.
export MARU_TEST_DELAY_RANK=2:500us
program=$MARU_FAULTY measure late
unset MARU_TEST_DELAY_RANK
expect_verdict 1 late
expect_states late/verdict.json "h1 pass h2 pass h3 fail h4 pass"
expect_json late/verdict.json '"arrives late" in r["hosts"][2]["reason"] and r["hosts"][2]["evidence"][0]["rank"] == 2'
expect_json late/verdict.json 'r["links"] == []'

# A processor that something else is using: that is what is wrong, and not the network.
if box_can_burn; then
  box_burn h2
  measure burnt
  box_heal
  expect_verdict 1 burnt
  expect_states burnt/verdict.json "h1 pass h2 fail h3 pass h4 pass"
  expect_json burnt/verdict.json '"gemm f32" in r["hosts"][1]["reason"]'
  expect_json burnt/verdict.json \
    'all(e["judgement"] not in ("network", "arrival") for h in r["hosts"] for e in h["evidence"]) and r["links"] == []'
  expect_drained burnt h2
fi
