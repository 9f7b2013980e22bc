#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The box itself: four hosts come up, each fault does what it says and to nobody else, and nothing is left behind.
set -euo pipefail
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

# lasts HOST REPORT COMMAND…: leaves the median milliseconds of a call in which the host took part in $ms.
lasts() {
  expect_box_exit 0 1 "$MARU" run "${@:3}" --case-budget 1s --out "$2" --overwrite
  ms=$(box_milliseconds "$1" "$2/report.json")
}
# expect_within LOW HIGH VALUE WHY
expect_within() {
  awk -v low="$1" -v high="$2" -v value="$3" 'BEGIN { exit !(value >= low && value <= high) }' ||
    fail "$3 is not within $1 to $2: $4"
}
over() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

links_before=$(ip -o link | awk '{ print $2 }')
box_up 4 --rate 1gbit

# Two ranks on each of four hosts, where they belong, and with hosts as far apart as on a cluster.
expect_box_exit 0 2 "$MARU" run all_reduce -b 64 -e 64K -f 4 -n 20 -w 2 --groups world,node --out eight
expect_json eight/report.json 'r["run"]["complete"] and all(x["status"] == "ok" for x in r["records"])'
expect_json eight/report.json 'sorted(h["name"] for h in r["hosts"]) == ["h1", "h2", "h3", "h4"]'
expect_json eight/report.json \
  '[x["host"] for x in sorted(r["ranks"], key=lambda x: x["rank"])] == ["h1", "h1", "h2", "h2", "h3", "h3", "h4", "h4"]'
if [ -e "$MARU_BOX/clocks" ]; then expect_json eight/report.json 'r["clock"]["method"] != "same kernel clock" and r["clock"]["error"] < 0.01'; fi

# A slow host is slow, its neighbours are not, and it heals. The pairs are h1 with h2 and h3 with h4. 1 MiB takes 8 ms at
# 1 Gbit/s and 42 ms at 200 Mbit/s; what else runs on the machine may add to that.
exchange=(send_recv -b 1M -e 1M --groups pairs)
fast=(6 29)
slow=(30 150)
lasts h1 before "${exchange[@]}"
expect_within "${fast[@]}" "$ms" "nothing is slow yet"
box_slow_host h4 200mbit
lasts h3 host "${exchange[@]}"
expect_within "${slow[@]}" "$ms" "h4 is slow, and h3 exchanges with it"
expect_within "${fast[@]}" "$(box_milliseconds h1 host/report.json)" "h4 is slow, not h1"
box_heal
box_slow_link h1 h2 200mbit
lasts h1 link "${exchange[@]}"
expect_within "${slow[@]}" "$ms" "the link from h1 to h2 is slow"
box_among=(h1 h3)
lasts h1 other "${exchange[@]}"
box_among=()
expect_within "${fast[@]}" "$ms" "only the link from h1 to h2 is slow"
box_heal
lasts h1 healed "${exchange[@]}"
expect_within "${fast[@]}" "$ms" "h1 has healed"

# A burner takes from its own host.
if box_can_burn; then
  multiply=(gemm --set gemm.sizes=1024 --set gemm.dtypes=f32)
  lasts h3 calm "${multiply[@]}"
  calm=$ms
  box_burn h2
  lasts h2 burnt "${multiply[@]}"
  box_cool h2
  expect_within 1.5 4 "$(over "$ms" "$calm")" "h2 has a burner"
  expect_within 0.6 1.4 "$(over "$(box_milliseconds h4 burnt/report.json)" "$calm")" "h4 has no burner, and h2's core"
fi

# A host dies in the middle of a run: the run ends, and what was measured is there.
box_start 1 "$MARU" run collectives -b 64 -e 1M -f 4 --case-budget 1s --out dying
wait_until 20 at_least 4 dying/journal.jsonl || fail "the run does not get going"
box_kill h4
wait_until 20 gone "$launched" || fail "the run does not end after a host has died"
status=0
{ wait "$launched" || status=$?; } 2>/dev/null
[ "$status" -ne 0 ] || fail "a run that lost a host has ended well"
expect_whole_lines dying/journal.jsonl
for host in h1 h2 h3; do wait_until 10 host_idle "$host" || fail "something still runs on $host: $(box_pids_on "$host")"; done

# Nothing is left, neither after the end nor when the test is killed before it.
spaces=$(cat "$MARU_BOX"/*.net)
groups=$(cat "$MARU_BOX/groups")
left_behind() {
  local space group
  for space in $spaces; do [ -z "$(box_pids "$space")" ] || return 0; done
  for group in $groups; do [ ! -d "$group" ] || return 0; done
  return 1
}
nothing_left() { ! left_behind; }
box_down
nothing_left || fail "the box has left something behind"
[ "$(ip -o link | awk '{ print $2 }')" = "$links_before" ] || fail "the machine's own network has changed"

# shellcheck disable=SC2016 # for the shell in there to expand
MARU_E2E_SCRATCH='' bash -c '. "$1/lib.sh"; box_up 2; box_burn h2; cat "$MARU_BOX"/*.net >"$2/spaces.part"
  cp "$MARU_BOX/groups" "$2/groups"; mv "$2/spaces.part" "$2/spaces"; sleep 60' sh "$box_source" "$scratch" &
victim=$!
disown
wait_until 20 test -e spaces || fail "the second box does not come up"
spaces=$(cat spaces)
groups=$(cat groups)
left_behind || fail "the second box is not there"
kill -KILL "$victim"
wait_until 10 nothing_left || fail "a box whose test was killed is still there"
