# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the end-to-end tests share. Each test is one file, started with
#   MARU         the program
#   MARU_FAULTY  the same with the faults of tests/faults compiled in
# and ends with 0, with 77 (skipped, the reason is its last line) or with anything else (failed).

# The tests may themselves run inside of a job; nothing of it may reach the programs under test.
while IFS= read -r name; do unset "$name"; done < <(compgen -e | grep -E '^(SLURM|OMPI|PMIX|PMI|MARU_TEST)_' || true)

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Where ranks outnumber cores, one that waits must give its turn away; mpirun knows only of its own host.
export OMPI_MCA_mpi_yield_when_idle=1
# The leaks of MPI's own parts, which are unloaded before anybody could name them.
export LSAN_OPTIONS=detect_leaks=0
export LC_ALL=C

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

[ -x "${MARU:-}" ] || fail "MARU is not the path of the program"

# Short, for sockets are made in it; Open MPI puts its session folder there, so that a killed job leaves nothing behind.
# A test that goes on inside of namespaces takes its folder along, and leaves it to the part outside.
scratch=${MARU_E2E_SCRATCH:-$(mktemp -d /tmp/maruXXXXXX)}
export TMPDIR=$scratch

background=() # pids that must not outlive the test, and
on_exit=()    # commands that must run at its end; both last one first
clean_up() {
  local status=$? i
  trap - EXIT
  set +e # whatever fails in here, the rest of it must still be done
  for ((i = ${#background[@]} - 1; i >= 0; --i)); do stop_process "${background[i]}"; done
  for ((i = ${#on_exit[@]} - 1; i >= 0; --i)); do eval "${on_exit[i]}" || true; done
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
    for file in "$scratch"/*.out "$scratch"/*.err "$scratch"/*.log; do
      if [ -s "$file" ]; then printf -- '--- %s\n%s\n' "${file##*/}" "$(tail -n 40 "$file")" >&2; fi
    done
  fi
  if [ -z "${MARU_E2E_SCRATCH:-}" ]; then rm -rf "$scratch"; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# gone PID: a zombie counts as gone, for whoever reaps it may be slow.
gone() { ! [ -r "/proc/$1/stat" ] || [[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) == Z* ]]; }

# wait_until SECONDS COMMAND…: polls; returns 1 when the time is over.
wait_until() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$until" ]; then return 1; fi
    sleep 0.05
  done
}

# stop_process PID: asks, then insists.
stop_process() {
  kill -TERM "$1" 2>/dev/null || return 0
  kill -CONT "$1" 2>/dev/null || true
  wait_until 10 gone "$1" || kill -KILL "$1" 2>/dev/null || true
}

case_count=0
new_case() {
  case_count=$((case_count + 1))
  out=$scratch/$case_count.out
  err=$scratch/$case_count.err
}
# run_case COMMAND…: leaves stdout in $out, stderr in $err, the exit code in $status.
run_case() {
  new_case
  status=0
  timeout -k 5 "${CASE_SECONDS:-120}" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# expect_exit CODE COMMAND…
expect_exit() {
  local code=$1
  shift
  run_case "$@"
  [ "$status" -eq "$code" ] || fail "exit code $status instead of $code: $*"
  if grep -qE 'terminate called|Segmentation fault|AddressSanitizer|runtime error:' "$err"; then fail "it crashed: $*"; fi
}

# expect_match FILE REGEX: some line of the file matches.
expect_match() { grep -qE -- "$2" "$1" || fail "no line of ${1##*/} matches: $2"; }

# expect_one_line FILE: one line that a person can act on, and nothing else.
expect_one_line() {
  [ "$(wc -l <"$1")" -eq 1 ] || fail "${1##*/} has $(wc -l <"$1") lines instead of one"
}

# mpi N PROGRAM…: the words of a launch on this machine; -q keeps mpirun's own advice out of what is compared.
mpi() {
  local ranks=$1
  shift
  printf '%s\0' mpirun -q --oversubscribe -np "$ranks" "$@"
}

# expect_mpi_exit CODE N PROGRAM…
expect_mpi_exit() {
  local code=$1 words
  shift
  mapfile -d '' -t words < <(mpi "$@")
  expect_exit "$code" "${words[@]}"
}

# start_case COMMAND…: like run_case, in the background; $launched is its pid.
start_case() {
  new_case
  "$@" >"$out" 2>"$err" </dev/null &
  launched=$!
  background+=("$launched")
}

# start_mpi N PROGRAM…: in the background, $launched is mpirun's pid.
start_mpi() {
  local words
  mapfile -d '' -t words < <(mpi "$@")
  start_case "${words[@]}"
}

# pid_of_rank N: of the job that start_mpi started. mpirun's children are the ranks, as long as all is on one host.
pid_of_rank() {
  local pid
  for pid in $(pgrep -P "$launched"); do
    if grep -zqx "OMPI_COMM_WORLD_RANK=$1" "/proc/$pid/environ" 2>/dev/null; then
      printf '%s\n' "$pid"
      return
    fi
  done
  return 1
}

ranks_gone() {
  local pid
  for pid in "${rank_pids[@]}"; do gone "$pid" || return 1; done
}

# wait_launched SECONDS: leaves mpirun's exit code in $status, and in $launcher_hung whether it had to be killed.
# PMIx 4.2 can lock itself up while mpirun tidies up after a SIGTERM: the ranks are gone then, and mpirun never is.
wait_launched() {
  launcher_hung=
  mapfile -t rank_pids < <(pgrep -P "$launched")
  wait_until "$1" ranks_gone || fail "the ranks did not end within $1 s"
  if ! wait_until 10 gone "$launched"; then
    printf 'note: mpirun did not end after its ranks had; it was killed\n'
    # shellcheck disable=SC2034 # read by the tests
    launcher_hung=yes
    kill -KILL "$launched"
  fi
  status=0
  { wait "$launched" || status=$?; } 2>/dev/null
  background=()
}

# json FILE EXPRESSION: prints the Python expression over the tree `r`.
json() {
  python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval("(" + sys.argv[2] + ")"))' "$1" "$2" || fail "${1##*/}: cannot evaluate $2"
}

# expect_json FILE EXPRESSION: it is true.
expect_json() {
  local value
  value=$(json "$1" "$2")
  [ "$value" = True ] || fail "${1##*/}: $2 is $value"
}

# record_keys REPORT: what was asked and of whom, one line per record, sorted.
record_keys() {
  json "$1" '"\n".join(sorted(json.dumps([x["probe"], x["operation"], x["backend"], x["labels"], x["group"], x["status"]],
                                         sort_keys=True) for x in r["records"]))'
}

# expect_same_records A B: two reports hold the same set.
expect_same_records() {
  record_keys "$1" >"$scratch/keys-a.txt"
  record_keys "$2" >"$scratch/keys-b.txt"
  [ "$(wc -l <"$scratch/keys-a.txt")" -gt 1 ] || fail "$1 holds no records to compare"
  diff "$scratch/keys-a.txt" "$scratch/keys-b.txt" >"$scratch/keys.log" || fail "the records of $1 and $2 differ"
}

# expect_whole_lines JOURNAL: every line is JSON on its own, and the last one ends.
expect_whole_lines() {
  python3 -c 'import json, sys
text = open(sys.argv[1]).read()
assert text.endswith("\n"), "the last line does not end"
for line in text.splitlines(): json.loads(line)' "$1" || fail "${1##*/} is damaged"
}

# at_least N FILE: the file has as many lines.
at_least() { [ -f "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]; }
