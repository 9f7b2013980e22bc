#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A host dies in the middle of a run: what the others answered is kept, the verdict does not pass over the dead one, and
# the run goes on without it. The same where the host of rank 0 dies, which leaves the journal and no report.
set -euo pipefail
# shellcheck source=tests/cluster/judging.sh
. "$(dirname "${BASH_SOURCE[0]}")/judging.sh"
cd "$scratch"

box_up 4 --rate 2gbit

# dies HOST DIR: in the middle of the link map.
dies() {
  box_start 1 "$MARU" run --plan "$box_source/box.toml" --out "$2"
  wait_until 90 at_least 14 "$2/journal.jsonl" || fail "the journal does not grow"
  box_kill "$1"
  wait_until 30 gone "$launched" || fail "mpirun does not end when $1 is dead"
  status=0
  { wait "$launched" || status=$?; } 2>/dev/null
  background=()
  [ "$status" -ne 0 ] || fail "a dead host, and the job ends with 0"
  expect_whole_lines "$2/journal.jsonl"
  wait_until 20 host_idle h2 || fail "ranks on h2 outlive the job"
}

dies h4 cut
expect_json cut/report.json 'not r["run"]["complete"] and [x["host"] for x in r["lost"]] == ["h4"]'
expect_json cut/report.json 'sum(x["operation"] == "gemm" and x["status"] == "ok" for x in r["records"]) == 4'
expect_verdict 1 cut
expect_states cut/verdict.json "h1 pass h2 pass h3 pass h4 unknown"
expect_json cut/verdict.json '"lost before the run ended: fell silent" in r["hosts"][3]["reason"]'
expect_match "$out" 'unknown.*h4'
expect_drained cut

# Without it.
before=$(json cut/report.json 'len(r["records"])')
box_among=(h1 h2 h3)
expect_box_exit 0 1 "$MARU" run --resume cut
box_among=()
expect_json cut/report.json 'r["run"]["complete"]'
expect_json cut/report.json "len(r['records']) > $before and len(r['ranks']) == 4"
expect_json cut/report.json 'any("without h4" in f["text"] for f in r["findings"])'
expect_verdict 1 cut
expect_states cut/verdict.json "h1 pass h2 pass h3 pass h4 unknown"
expect_json cut/verdict.json '"fell silent" in r["hosts"][3]["reason"]'

# The host of rank 0: nobody is left to write a report, and the journal is judged.
dies h1 headless
[ ! -e headless/report.json ] || fail "a dead rank 0 wrote a report"
expect_verdict 1 headless
expect_states headless/verdict.json "h1 unknown h2 pass h3 pass h4 pass"
expect_json headless/verdict.json '"wrote no report" in r["hosts"][0]["reason"]'
