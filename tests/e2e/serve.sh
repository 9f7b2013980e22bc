#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maru serve: runs at rest, a journal that grows, a file that is none, and the file for file_sd.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v curl >/dev/null || skip "there is no curl"
cd "$scratch"

metrics() { curl -sf --noproxy '*' "http://$address/metrics"; }
has() { metrics | grep -qE "$1"; }

expect_exit 0 "$MARU" run spin --out rest
mkdir growing
head -n 1 rest/journal.jsonl >growing/journal.jsonl
sed -i 's/"run_id":"[^"]*"/"run_id":"growing"/' growing/journal.jsonl

"$MARU" serve rest growing --listen 127.0.0.1:0 --every 200ms --targets targets.json >serve.out 2>serve.log &
served=$!
background+=("$served")
wait_until 20 test -s targets.json || fail "no file of targets"
address=$(grep -oE '127\.0\.0\.1:[0-9]+' targets.json)

has 'maru_run_status\{run_id="growing",status="running"\} 1' || fail "the journal's run does not go on"
has 'maru_run_status\{run_id="20[^"]*",status="complete"\} 1' || fail "the run at rest is not complete"
has 'maru_run_records\{run_id="growing",status="ok"\} 0' || fail "records before there are any"

tail -n +2 rest/journal.jsonl >>growing/journal.jsonl
wait_until 10 has 'maru_run_records\{run_id="growing",status="ok"\} [1-9]' || fail "the journal has grown, and nobody saw it"

# What becomes unreadable is said, and what was known of it stays.
echo '{' >rest/report.json
wait_until 10 grep -q 'rest/report.json' serve.log || fail "nothing is said of a report that is none"
has 'maru_run_status\{run_id="20[^"]*",status="complete"\} 1' || fail "what was known is gone"

stop_process "$served"
wait "$served" || fail "it does not end well: $?"
[ ! -e targets.json ] || fail "the file of targets outlives it"

expect_exit 2 "$MARU" serve no-such-folder
expect_exit 2 "$MARU" serve rest --listen localhost:9400
