#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rank that comes late into every collective has the shortest time in the call, while its peers wait for it there.
# The report must name it all the same, with its lateness within the error that it states.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"
[ -x "${MARU_FAULTY:-}" ] || fail "MARU_FAULTY is not the path of the program with faults"

# Four ranks on fewer cores wait for each other's turn, which is lateness too, and of whom it likes.
if [ "$(nproc)" -lt 4 ] && [ -z "${MARU_E2E_LATE_ALWAYS:-}" ]; then ranks=2 late=1; else ranks=4 late=2; fi

MARU_TEST_DELAY_RANK=$late:300us expect_mpi_exit 0 "$ranks" "$MARU_FAULTY" run collectives -b 64K -e 64K --out late
coupled='[x for x in r["records"] if x["status"] == "ok" and "arrival" in x and str(x["group"]["kind"]) == "world"]'
expect_json late/report.json "len($coupled) > 0"
expect_json late/report.json "all(x['arrival'].get('last_rank') == $late for x in $coupled)"
expect_json late/report.json "all(x['arrival']['last_share'] > 0.9 for x in $coupled)"
expect_json late/report.json \
  "all(abs(x['arrival']['lateness'] - 300e-6) <= x['arrival']['lateness_error'] for x in $coupled)"
# An error that is larger than what it speaks of would make this test pass for nothing.
expect_json late/report.json "all(x['arrival']['lateness_error'] < 150e-6 for x in $coupled)"
# The time in the call says the opposite, which is why nothing may be ranked by it.
expect_json late/report.json \
  "all(x['spread']['longest'][0]['rank'] != $late for x in $coupled if x['operation'] == 'all_reduce')"
expect_json late/report.json "any(f['kind'] == 'late_rank' and 'rank $late' in f['text'] for f in r['findings'])"

# Without the fault nobody is accused of 300 us.
expect_mpi_exit 0 "$ranks" "$MARU_FAULTY" run collectives -b 64K -e 64K --out punctual
expect_json punctual/report.json "not all(x['arrival'].get('last_rank') == $late for x in $coupled)"
