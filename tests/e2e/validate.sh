#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maru validate from outside: what cannot be judged is refused in one line, and what is judged can be used by the next
# program in the pipe. Verdicts on real faults are in tests/cluster.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

expect_mpi_exit 0 4 "$MARU" run gemm links --set gemm.sizes=64 --set gemm.dtypes=f32 --set links.size=64K -n 20 -w 2 --out run
expect_match "$err" '^links: 3 rounds within the host; about [0-9]+ s where none is slow$'

# refused TEXT OPTION…: one line that says why, exit 2, and nothing on standard output.
refused() {
  local text=$1
  shift
  expect_exit 2 "$MARU" validate "$@"
  expect_one_line "$err"
  expect_match "$err" "$text"
  [ ! -s "$out" ] || fail "a refusal wrote to standard output"
}
edit() { python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); exec(sys.argv[3]); json.dump(r, open(sys.argv[2], "w"))' "$1" "$2" "$3"; }

edit run/report.json empty.json 'r["records"] = []'
refused 'holds no records: there is nothing to judge' empty.json
edit run/report.json future.json 'r["maru_report"] = 2'
refused 'report format 2, this program reads 1' future.json
refused 'is for NVIDIA H200, and the report has processors' run --spec h200
edit run/report.json other.json 'r["hosts"][0]["name"] = "elsewhere"
for rank in r["ranks"]: rank["host"] = "elsewhere"'
refused 'another fleet: no host of the report is in it' run --baseline other.json
edit run/report.json threads.json 'for rank in r["ranks"]: rank["threads"] += 1'
refused 'no host is comparable: .*: 4 ranks × [0-9]+ threads? now, 4 ranks × [0-9]+ threads then$' run --baseline threads.json
for option in --baseline --spec --format --drain-list --late; do refused "$option: must not be empty" run "$option" ''; done
refused 'names no file' run --baseline history:
refused 'DIR: must not be empty' ''
refused 'nowhere' nowhere
refused "did you mean 'table'" run --format tabel
refused 'not between 0 and 100 %' run --min-effect 200%
refused 'no-such.db' run --baseline history:no-such.db
mkfifo pipe
refused 'no file to keep a history in' run --baseline history:pipe
printf 'name = "mine"\n[[floor]]\nleast = 3\n' >bad.toml
refused 'bad.toml:' run --spec bad.toml
head -c 300 run/report.json >torn.json
refused 'torn.json' torn.json

# Itself is its own past; and a history of it.
lenient=(--min-effect 99% --min-link-effect 99% --late 1s)
expect_exit 0 "$MARU" validate run --baseline run "${lenient[@]}"
expect_match "$out" '^1 node passes$'
expect_match "$out" 'baseline *run \('
expect_exit 0 "$MARU" history add past.db run
edit run/report.json later.json 'r["run"]["id"] = "later"; r["run"]["started"] += 60'
expect_exit 0 "$MARU" validate later.json --baseline history:past.db "${lenient[@]}" --format json
expect_json "$out" 'r["hosts"][0]["historical"] == "pass"'

# Launched several times, it is done once; but a script of each rank, and a batch script, get what they ask for.
answers() { grep -c '^1 node passes$' "$out" || true; }
expect_mpi_exit 0 3 "$MARU" validate run "${lenient[@]}"
[ "$(answers)" -eq 1 ] || fail "three ranks gave $(answers) answers"
expect_one_line "$err"
expect_match "$err" 'validate is for one process: the first that was started does it'
expect_mpi_exit 0 2 "$MARU" show run
[ "$(grep -c '^gemm: ' "$out")" -eq 1 ] || fail "show prints more than once"
printf '#!/bin/sh\n"%s" validate run %s\nexit $?\n' "$MARU" "${lenient[*]}" >each.sh
expect_mpi_exit 0 2 sh each.sh
[ "$(answers)" -eq 2 ] || fail "of two scripts $(answers) gave an answer"
expect_exit 0 env SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_JOB_ID=7 "$MARU" validate run "${lenient[@]}"
[ "$(answers)" -eq 1 ] || fail "nothing is validated in a batch script"

# A floor of one's own.
printf '%s\n' 'name = "mine"' '[[floor]]' 'what = "gemm f32"' 'probe = "gemm"' 'operation = "gemm"' 'dtype = "f32"' \
  'flops = "1P"' 'source = "a dream"' >mine.toml
expect_exit 1 "$MARU" validate run --spec mine.toml "${lenient[@]}" --drain-list drain
expect_match "$out" '^1 node fails: '
expect_match "$out" 'GFLOP/s at best, the floor is 1.00 PFLOP/s'
[ "$(wc -l <drain)" -eq 1 ] || fail "one host fails, and the drain list has $(wc -l <drain) lines"
for format in json junit; do
  expect_exit 1 "$MARU" validate run --spec mine.toml "${lenient[@]}" --format "$format"
done
python3 -c 'import sys, xml.etree.ElementTree as t
assert t.parse(sys.argv[1]).getroot().find(".//failure") is not None' "$out" || fail "the JUnit file has no failure"

# A run without its report is judged by its journal, and rank 0 is missed.
mkdir journal && cp run/journal.jsonl journal/
expect_exit 1 "$MARU" validate journal "${lenient[@]}"
expect_match "$out" 'it wrote no report'
expect_exit 1 "$MARU" validate journal/journal.jsonl "${lenient[@]}"
expect_match "$out" 'it wrote no report'

# A device stays a device.
if mknod null c 1 3 2>/dev/null; then expect_exit 0 "$MARU" validate run "${lenient[@]}" --drain-list null; fi
[ ! -e null ] || [ -c null ] || fail "a device was replaced by a file"

# Where it cannot be written, that is said, and the verdict is not lost with it.
expect_exit 3 "$MARU" validate run "${lenient[@]}" --drain-list /proc/drain
expect_one_line "$err"
expect_match "$out" '^1 node passes$'
