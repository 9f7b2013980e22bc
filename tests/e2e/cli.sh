#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad usage and bad luck: one clear line, the right exit code, no stack trace.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

# refuses CODE REGEX COMMAND…: ends with the code and exactly one line on stderr, which matches.
refuses() {
  local code=$1 regex=$2
  shift 2
  expect_exit "$code" "$@"
  expect_one_line "$err"
  expect_match "$err" "$regex"
}

printf 'this is no [plan\n' >broken.toml
printf '[[probe]]\nname = "gemmm"\n' >misspelt.toml
: >empty.toml
: >file
head -c 4096 /dev/urandom >noise.toml

# What was asked for cannot be meant.
refuses 2 'gemm' "$MARU" run gem --out o
refuses 2 'collectives' "$MARU" run collectves --out o
refuses 2 '--precision' "$MARU" run spin --precison 1% --out o
refuses 2 'run' "$MARU" rnu
refuses 2 'quick' "$MARU" run --plan quik --out o
refuses 2 '1G.*1M|1M.*1G' "$MARU" run collectives -b 1G -e 1M --out o
refuses 2 '12Q' "$MARU" run collectives -b 12Q --out o
refuses 2 'soon' "$MARU" run gemm --watchdog soon --out o
refuses 2 'nought' "$MARU" run gemm --precision nought --out o
refuses 2 'float23' "$MARU" run collectives -d float23 --out o
refuses 2 'splt' "$MARU" run collectives --groups splt:2 --out o
refuses 2 'table|csv' "$MARU" show . --format tabel

# Files.
refuses 2 'broken.toml' "$MARU" run --plan broken.toml --out o
refuses 2 'gemm' "$MARU" run --plan misspelt.toml --out o
refuses 2 'empty.toml|no probe|nothing' "$MARU" run --plan empty.toml --out o
refuses 2 'noise.toml' "$MARU" run --plan noise.toml --out o
refuses 2 'absent.toml' "$MARU" run --plan absent.toml --out o
refuses 2 'absent' "$MARU" show absent
refuses 2 'file' "$MARU" run spin --out file
refuses 2 'file/below' "$MARU" run spin --out file/below
refuses 2 'absent' "$MARU" run --resume absent
if [ -e o ]; then fail "a refused run left a folder behind"; fi

# Every rank sees the same refusal, one of them tells it.
expect_mpi_exit 2 4 "$MARU" run gem --out o
expect_one_line "$err"
expect_mpi_exit 2 4 "$MARU" run --plan broken.toml --out o
expect_one_line "$err"

# A folder that cannot be written to. Root may write anywhere but to a system's own trees.
if [ "$(id -u)" -eq 0 ]; then
  refuses 2 '/proc/maru' "$MARU" run spin --out /proc/maru
else
  mkdir closed && chmod 555 closed
  refuses 2 'closed' "$MARU" run spin --out closed/o
fi

# No partners: an answer, not a fault.
expect_exit 0 "$MARU" run collectives -b 8 -e 8 --out alone
expect_json alone/report.json 'len(r["records"]) > 0 and all(x["status"] == "skipped" and x["reason"] for x in r["records"])'
expect_exit 0 "$MARU" show alone
expect_match "$out" '[Ss]kipped'

# A finished run is not written over unless told.
expect_exit 0 "$MARU" run spin --out again -n 20
refuses 2 'again.*--overwrite|--overwrite.*again' "$MARU" run spin --out again -n 20
expect_exit 0 "$MARU" run spin --out again -n 20 --overwrite
for file in report.json journal.jsonl report.csv metrics.om; do [ -s "again/$file" ] || fail "no $file"; done
if [ -n "$(find again -name '*.tmp*' -o -name '.*.json*')" ]; then fail "a temporary file was left"; fi
for format in table csv json nccl-tests openmetrics; do
  expect_exit 0 "$MARU" show again --format "$format"
  [ -s "$out" ] || fail "show --format $format prints nothing"
done
# From a pipe, also one that is slow; and a journal in the place of a report.
expect_exit 0 bash -c "(sleep 1; cat again/report.json) | '$MARU' show /dev/stdin"
expect_match "$out" 'spin'
expect_exit 0 "$MARU" show again/journal.jsonl
expect_match "$out" 'left a journal and no report'
# Nothing of the environment gets into the files of a run.
MARU_CLI_SECRET=a-secret-of-mine expect_exit 0 "$MARU" run spin --out secret -n 20
if grep -rq 'a-secret-of-mine' secret; then fail "the environment is in the report"; fi
# In a pipe: lines, no control codes.
if grep -q $'\x1b\|\r' "$out" "$err"; then fail "control codes in a pipe"; fi

expect_exit 0 "$MARU" --version
expect_match "$out" '^maru [0-9]+\.[0-9]+\.[0-9]+'
expect_exit 0 "$MARU" --help
expect_exit 0 "$MARU" list
for word in gemm memory collectives openblas onednn mpi cuda; do expect_match "$out" "$word"; done

# A closed pipe is not a crash: it ends by SIGPIPE, as everything does, or has written all before.
{ "$MARU" list || [ $? -eq 141 ]; } | head -n 1 >/dev/null

# A full disk, from the start and in the middle of a run: one line that says so, and whole lines in the journal.
mkdir full
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k,mode=755 tmpfs full 2>mount.log; then
  on_exit+=("umount '$scratch/full'")
  on_full_disk() {
    run_case "$MARU" run spin --set spin.durations=100us,200us,300us --out "$1" -n 64 --progress none
    case $status in 2 | 3) ;; *) fail "exit code $status on a full disk" ;; esac
    expect_match "$err" 'No space left'
    expect_one_line "$err"
  }
  mkdir full/later
  head -c 56k /dev/zero >full/filler
  on_full_disk full/later
  expect_whole_lines full/later/journal.jsonl
  head -c 64k /dev/zero >>full/filler 2>/dev/null || true
  on_full_disk full/now
else
  printf 'not tried here: a full disk (no file system may be mounted)\n'
fi
printf '%s cases\n' "$case_count"
