#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No false alarm: twenty runs on four healthy hosts, and each verdict passes.
set -euo pipefail
# shellcheck source=tests/cluster/judging.sh
. "$(dirname "${BASH_SOURCE[0]}")/judging.sh"
cd "$scratch"

box_up 4 --rate 2gbit
for ((k = 1; k <= ${MARU_TEST_HEALTHY_RUNS:-20}; ++k)); do
  measure "run-$k"
  expect_verdict 0 "run-$k"
  expect_states "run-$k/verdict.json" "h1 pass h2 pass h3 pass h4 pass"
  expect_json "run-$k/verdict.json" 'r["links"] == []'
  expect_drained "run-$k"
done
expect_match "$out" '^4 nodes pass$'
