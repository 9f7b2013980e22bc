#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A second look: whoever is only disturbed for a while is flaky, with both figures; whoever is slow stays slow.
set -euo pipefail
# shellcheck source=tests/cluster/judging.sh
. "$(dirname "${BASH_SOURCE[0]}")/judging.sh"
cd "$scratch"

box_up 4 --rate 2gbit

# Slow in the first look and in the second.
box_slow_host h3 200mbit
measure slow --recheck "${limits[@]}"
box_heal
expect_json slow/report.json 'any("second look at h3" in f["text"] for f in r["findings"])'
expect_json slow/report.json 'any(x["second_look"] for x in r["records"])'
expect_json slow/report.json 'len({json.dumps([x["labels"], x["operation"], x["group"], x["second_look"]]) for x in r["records"]}) == len(r["records"])'
expect_verdict 1 slow
expect_states slow/verdict.json "h1 pass h2 pass h3 fail h4 pass"
expect_json slow/verdict.json '"second look" in r["hosts"][2]["reason"] and not r["hosts"][2]["flaky"]'

# A processor that is busy during the first look only.
if ! box_can_burn; then exit 0; fi
box_burn h2
box_start 1 "$MARU" run --plan "$box_source/box.toml" --out flaky --recheck "${limits[@]}"
first_look=37 # lines of the journal: its head, 4 gemms, 2 × 1 all_reduce, 9 × 2 links, and an end of each of the 12 cases
wait_until 120 at_least "$first_look" flaky/journal.jsonl || fail "the first look does not end"
box_cool h2
wait_until 120 gone "$launched" || fail "the run does not end"
background=()
expect_json flaky/report.json 'any("second look at h2" in f["text"] for f in r["findings"])'
expect_verdict 0 flaky
expect_states flaky/verdict.json "h1 pass h2 warn h3 pass h4 pass"
expect_json flaky/verdict.json 'r["hosts"][1]["flaky"] and "second look: gemm f32" in r["hosts"][1]["reason"]'
expect_drained flaky

# Nobody is under suspicion: that is said, and nothing is asked again.
measure well --recheck "${limits[@]}"
expect_json well/report.json 'any("nobody was under suspicion" in f["text"] for f in r["findings"])'
expect_json well/report.json 'not any(x["second_look"] for x in r["records"])'
