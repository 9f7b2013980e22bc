#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More hosts than every pair is measured of: some rounds, then the suspect meets others, and is told from its links.
set -euo pipefail
# shellcheck source=tests/cluster/judging.sh
. "$(dirname "${BASH_SOURCE[0]}")/judging.sh"
cd "$scratch"

box_up 12 --rate 1gbit
box_slow_host h7 200mbit
expect_box_exit 0 1 "$MARU" run links --set links.scopes=hosts --set links.size=1M --case-budget 500ms --links-full 4 \
  "${limits[@]}" --out many
expect_match "$err" '^links: 12 hosts in 8 of 11 rounds; '
# Eight rounds of six pairs, and eight more of the suspect and three pairs of others; three cases each.
expect_json many/report.json 'len(r["records"]) == 3 * (8 * 6 + 8 * 4)'
expect_verdict 1 many
expect_json many/verdict.json '[h["host"] for h in r["hosts"] if h["state"] == "fail"] == ["h7"] and r["links"] == []'
expect_drained many h7
