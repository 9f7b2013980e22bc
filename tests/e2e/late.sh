#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rank that comes late into every collective has the shortest time in the call, while its peers wait for it there.
# The report must name it all the same, with its lateness within the error that it states.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"
[ -x "${MARU_FAULTY:-}" ] || fail "MARU_FAULTY is not the path of the program with faults"

# Who shares a core waits for its turn, and that is lateness too: what is asked of each single case where every rank has
# a core of its own, is asked of all cases together where it has not. Somebody else's load may spoil an attempt.
late=2
coupled='[x for x in r["records"] if x["status"] == "ok" and "arrival" in x and x["group"]["kind"] == "world"]'
is_true() { [ "$(json "$1" "$2")" = True ]; }

# named REPORT: the rank is named, in over nine of ten iterations, with the right lateness.
named() {
  is_true "$1" "len($coupled) > 0" || fail "no coupled record has its arrivals"
  is_true "$1" "all(x['arrival'].get('last_rank', $late) == $late for x in $coupled)" || return 1
  if [ "$(nproc)" -ge 4 ]; then
    is_true "$1" "all(x['arrival'].get('last_rank') == $late and x['arrival']['last_share'] > 0.9 and
      abs(x['arrival']['lateness'] - 300e-6) <= x['arrival']['lateness_error'] for x in $coupled)" || return 1
  fi
  is_true "$1" "sum(x['arrival']['last_share'] * x['arrival']['iterations'] for x in $coupled) >
    0.9 * sum(x['arrival']['iterations'] for x in $coupled)" || return 1
  is_true "$1" "(lambda a: abs(a['lateness'] - 300e-6) <= a['lateness_error'])(
    sorted((x['arrival'] for x in $coupled), key=lambda a: a['lateness'])[len($coupled) // 2])" || return 1
  # An error as large as what it speaks of would let this test pass for nothing.
  is_true "$1" "sorted(x['arrival']['lateness_error'] for x in $coupled)[len($coupled) // 2] < 150e-6" || return 1
  is_true "$1" "any(f['kind'] == 'late_rank' and 'rank $late' in f['text'] for f in r['findings'])"
}

found=
for attempt in 1 2 3 4 5; do
  export MARU_TEST_DELAY_RANK=$late:300us
  expect_mpi_exit 0 4 "$MARU_FAULTY" run collectives -b 64K -e 64K --out "late-$attempt"
  unset MARU_TEST_DELAY_RANK
  if named "late-$attempt/report.json"; then found=yes && break; fi
done
[ -n "$found" ] || fail "rank $late is not named as it should be, in five attempts"

# Without the fault nobody is accused of it.
expect_mpi_exit 0 4 "$MARU_FAULTY" run collectives -b 64K -e 64K --out punctual
if named punctual/report.json; then fail "a punctual rank is accused"; fi
