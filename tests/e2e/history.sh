#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The history of real runs: many writers, what is told of it, and what cannot be used.
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

expect_exit 0 "$MARU" run spin --set spin.durations=100us,200us --out one -n 20
# variant DIR RUN AT DRIVER FACTOR: the same run, later, with other software and another speed.
variant() {
  mkdir -p "$1"
  python3 -c 'import json, sys
source, target, run, at, kernel, factor = sys.argv[1:]
r = json.load(open(source))
r["run"]["id"], r["run"]["started"] = run, float(at)
for host in r["hosts"]: host["kernel"] = kernel
for record in r["records"]:
    record["time"]["median"] *= float(factor)
    record["time"].pop("median_ci", None)
json.dump(r, open(target, "w"))' one/report.json "$1/report.json" "$2" "$3" "$4" "$5"
}
runs=()
for i in $(seq 10 33); do
  kernel="Linux 6.1.$((i / 22))"
  factor=1.00$i
  if [ "$i" -ge 22 ]; then factor=1.20$i; fi
  variant "run-$i" "run-$i" "$((1767225600 + 86400 * i))" "$kernel" "$factor"
  runs+=("run-$i")
done

# Eight writers make the file together, and each adds some of it twice.
writers=()
for i in 0 1 2 3 4 5 6 7; do
  "$MARU" history add h.db "${runs[@]:i*3:3}" run-10 --cluster west >"writer-$i.out" 2>"writer-$i.err" &
  writers+=($!)
done
for pid in "${writers[@]}"; do wait "$pid" || fail "a writer failed"; done
expect_exit 0 "$MARU" history check h.db
expect_match "$out" 'h\.db: in order, 24 runs'
expect_exit 0 "$MARU" history add h.db run-20 one --cluster west
expect_match "$out" '^run-20: nothing to do'
expect_match "$out" '^one: added to west'
expect_exit 0 "$MARU" history list h.db --format json
expect_json "$out" 'len(r) == 20 and r[0]["cluster"] == "west" and r[0]["values"] == 2'
expect_exit 0 "$MARU" history list h.db --limit 3
expect_match "$out" '^25 runs in h.db; the latest 3, '

# The kernel changed with the 22nd run, and the level with it.
mkdir two
expect_exit 0 "$MARU" history trend h.db --last 24
python3 -c 'import sys
assert max(len(line) for line in open(sys.argv[1], encoding="utf-8").read().splitlines()) <= 80' "$out" ||
  fail "wider than 80 columns"
expect_exit 0 "$MARU" history trend h.db --metric 'spin 0.0001' --format json
expect_json "$out" 'len(r) == 1 and r[0]["n"] == 25'
expect_json "$out" '[x["level_differs"] for x in r[0]["changes"] if x["index"] == 12 or x["at"] == 1767225600 + 86400 * 22] == [True]'
expect_json "$out" '[x["software_after"]["kernel"] for x in r[0]["changes"] if x["level_differs"]][0] == "Linux 6.1.1"'

expect_exit 0 "$MARU" history export h.db
[ "$(wc -l <"$out")" -eq 51 ] || fail "export has $(wc -l <"$out") lines"
python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert len(rows) == 50 and {row["run"] for row in rows} >= {"run-10", "run-33"}, rows[:1]' "$out" || fail "the CSV is not right"
expect_exit 0 "$MARU" history export h.db --format jsonl
python3 -c 'import json, sys
assert len([json.loads(line) for line in open(sys.argv[1])]) == 50' "$out" || fail "the JSON lines are not right"

# What cannot be meant.
refuses 2 'subcommand' "$MARU" history
refuses 2 "'trend'" "$MARU" history trnd h.db
refuses 2 "'--host'" "$MARU" history trend h.db --hots x
refuses 2 'maru history trend --help' "$MARU" history trend
refuses 2 'absent.db' "$MARU" history list absent.db
refuses 2 'nowhere' "$MARU" history trend h.db --host nowhere
refuses 2 'warp' "$MARU" history trend h.db --metric warp
refuses 2 'GPU-1' "$MARU" history trend h.db --device GPU-1
refuses 2 "'west'" "$MARU" history trend h.db --cluster wets
refuses 2 'yaml' "$MARU" history export h.db --format yaml
refuses 2 'two/report.json' "$MARU" history add h.db two
refuses 2 'no database' "$MARU" history trend run-10/report.json
refuses 2 'no database' "$MARU" history add run-10/report.json run-11
refuses 2 'No such file' "$MARU" history add absent/h.db run-10
refuses 2 'folder|directory' "$MARU" history list two
[ ! -e absent.db ] || fail "a refused read left a file behind"
expect_exit 2 "$MARU" history add h.db two run-10
expect_match "$out" '^run-10: nothing to do'

# Names that mean harm reach neither the terminal nor the lines of a file.
python3 -c 'import json
r = json.load(open("run-10/report.json"))
evil = "\x1b[31m=1+1,\"\n\u202e"
r["run"]["id"] = r["run"]["plan"] = r["hosts"][0]["name"] = r["hosts"][0]["kernel"] = evil
for rank in r["ranks"]: rank["host"] = evil
json.dump(r, open("two/report.json", "w"))'
expect_exit 0 "$MARU" history add evil.db two --cluster $'a\x1b[1mb'
for form in 'list evil.db' 'trend evil.db' 'export evil.db' 'export evil.db --format jsonl' 'trend evil.db --format json'; do
  # shellcheck disable=SC2086 # words
  expect_exit 0 "$MARU" history $form
  if grep -q $'\x1b' "$out"; then fail "history $form: control codes"; fi
done

# Damage.
head -c 20000 h.db >cut.db
expect_exit 1 "$MARU" history check cut.db
expect_match "$out" 'damaged'
refuses 2 'no database' "$MARU" history check run-10/report.json
# spoil SQL: a copy of the file, changed by somebody else's program.
spoil() {
  cp h.db spoilt.db
  python3 -c 'import sqlite3, sys
with sqlite3.connect("spoilt.db") as db: db.executescript("PRAGMA journal_mode = DELETE; " + sys.argv[1])' "$1"
}
spoil 'DROP TABLE value'
expect_exit 1 "$MARU" history check spoilt.db
expect_match "$out" 'the table value is missing'
refuses 2 'no such table: value; see maru history check' "$MARU" history export spoilt.db
refuses 2 'no such table: value' "$MARU" history add spoilt.db two
spoil 'PRAGMA user_version = 0'
expect_exit 1 "$MARU" history check spoilt.db
expect_match "$out" 'the version of its tables is lost'
refuses 2 'version of its tables' "$MARU" history list spoilt.db
refuses 2 'version of its tables' "$MARU" history add spoilt.db two

cp h.db spoilt.db
printf '\377' | dd of=spoilt.db bs=1 seek=18 conv=notrunc status=none
expect_exit 1 "$MARU" history check spoilt.db
expect_match "$out" 'header'
refuses 2 'header' "$MARU" history add spoilt.db two

# Figures and texts that no run gives.
spoil "UPDATE metric SET unit = CAST(x'ff' AS TEXT); UPDATE value SET low = -9e999, high = 9e999;
  UPDATE value SET value = 9e-320 WHERE run % 3 = 1; UPDATE value SET value = 1e308 WHERE run % 3 = 2"
for form in 'trend spoilt.db' 'export spoilt.db' 'trend spoilt.db --format json' 'export spoilt.db --format jsonl'; do
  # shellcheck disable=SC2086 # words
  expect_exit 0 "$MARU" history $form
  if grep -qiE '\b(inf|nan)\b' "$out"; then fail "history $form: what is no number"; fi
done

# A full disk and one that can only be read; nothing is lost by either.
mkdir small
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=512k,mode=755 tmpfs small 2>mount.log; then
  on_exit+=("umount '$scratch/small'")
  expect_exit 0 "$MARU" history add small/h.db run-10
  head -c 1m /dev/zero >small/filler 2>/dev/null || true
  refuses 3 'small/h.db' "$MARU" history add small/h.db "${runs[@]}"
  rm small/filler
  expect_exit 0 "$MARU" history check small/h.db
  mount -o remount,ro small
  expect_exit 0 "$MARU" history list small/h.db
  expect_match "$out" '^[0-9]+ runs? in small/h.db'
  refuses 3 'small/h.db' "$MARU" history add small/h.db run-11
  refuses 3 'small/new.db' "$MARU" history add small/new.db run-11
else
  printf 'not tried here: a full disk (no file system may be mounted)\n'
fi
printf '%s cases\n' "$case_count"
