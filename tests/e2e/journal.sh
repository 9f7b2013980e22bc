#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nothing that was measured is lost: a rank killed, a rank that hangs, a run that is told to stop; then --resume.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

ranks=3
# Fixed counts, so that nothing is left to the speed of the machine; enough records that there is a middle to stop in.
what=(run collectives -b 64 -e 64K -f 4 -w 2 --watchdog 5s)
calls=1000
host=$(hostname)

expect_mpi_exit 0 "$ranks" "$MARU" "${what[@]}" -n "$calls" --out whole
expect_whole_lines whole/journal.jsonl
lines=$(wc -l <whole/journal.jsonl)
[ "$lines" -ge 30 ] || fail "the run is too short to be stopped in its middle: $lines lines"

# begin DIR: a run in the background, somewhere in its middle.
begin() {
  start_mpi "$ranks" "$MARU" "${what[@]}" -n "$calls" --out "$1"
  wait_until 60 at_least $((lines / 4)) "$1/journal.jsonl" || fail "$1: the journal does not grow"
}

# resumes DIR: finishes it, and the report equals the undisturbed run's in its set of records.
resumes() {
  expect_mpi_exit 0 "$ranks" "$MARU" run --resume "$1"
  expect_json "$1/report.json" 'r["run"]["complete"]'
  expect_same_records whole/report.json "$1/report.json"
  expect_whole_lines "$1/journal.jsonl"
}

# A rank is killed.
begin killed
kill -KILL "$(pid_of_rank 1)"
wait_launched 30
[ "$status" -ne 0 ] || fail "a killed rank, and the job ends with 0"
expect_whole_lines killed/journal.jsonl
[ "$(wc -l <killed/journal.jsonl)" -lt "$lines" ] || fail "the run was over before the kill"

# What does not fit is refused before anything is written.
before=$(cksum <killed/journal.jsonl)
refused() {
  expect_mpi_exit 2 "$@"
  expect_one_line "$err"
  [ "$(cksum <killed/journal.jsonl)" = "$before" ] || fail "a refused --resume changed the journal"
}
refused 2 "$MARU" run --resume killed
expect_match "$err" 'ranks'
refused "$ranks" "$MARU" run memory --resume killed
expect_match "$err" 'plan'
resumes killed

# A rank stops moving: it is named within the watchdog's time, and the job ends by itself with that exit code.
for attempt in 1 2 3; do
  rm -rf hung
  begin hung
  kill -STOP "$(pid_of_rank 2)"
  since=$SECONDS
  wait_launched 20
  seconds=$((SECONDS - since))
  if [ -z "$launcher_hung" ]; then break; fi
done
[ "$status" -eq 4 ] || fail "exit code $status instead of 4 from the watchdog (attempt $attempt)"
[ "$seconds" -le 15 ] || fail "the watchdog of 5 s took $seconds s"
expect_match "$err" "rank 2\\b.*$host"
if grep -E 'rank [01]\b.*did not' "$err"; then fail "the waiting ranks are accused"; fi
expect_whole_lines hung/journal.jsonl
resumes hung

# Told to stop: a valid report of what was done. mpirun takes its time to pass a signal on, so there must be enough to do.
calls=10000
for signal in TERM INT; do
  begin "told-$signal"
  kill "-$signal" "$launched"
  wait_launched 30
  [ "$status" -ne 0 ] || fail "SIG$signal, and the job ends with 0"
  expect_json "told-$signal/report.json" 'not r["run"]["complete"] and r["run"]["incomplete_reason"] != ""'
  expect_json "told-$signal/report.json" 'len(r["records"]) > 0'
  expect_exit 0 "$MARU" show "told-$signal"
  expect_match "$out" '[Ii]ncomplete'
  expect_whole_lines "told-$signal/journal.jsonl"
done

# A line cut off by a dying machine is dropped, not an obstacle.
head -c -20 told-TERM/journal.jsonl >torn && mv torn told-TERM/journal.jsonl
resumes told-TERM

# Finished: --resume has nothing to do and says so.
expect_mpi_exit 0 "$ranks" "$MARU" run --resume whole
