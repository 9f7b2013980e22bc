#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dashboards against Grafana's own types: panels, options, fields, variables.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
monitoring=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../monitoring" && pwd)
cd "$scratch"

for program in node npm; do command -v "$program" >/dev/null || skip "there is no $program"; done
cp "$monitoring"/check/*.json "$monitoring"/check/*.mjs .
if ! timeout 120 npm ci --ignore-scripts --no-audit --no-fund --prefer-offline >npm.out 2>&1; then
  skip "npm cannot install @grafana/schema: $(grep -m 1 'npm ERR!' npm.out || tail -n 1 npm.out)"
fi

# judged FILE…: leaves tsc's exit code in $status.
judged() {
  expect_exit 0 node to-typescript.mjs "$@"
  cp "$out" check.ts
  run_case node_modules/.bin/tsc -p .
}
judged "$monitoring"/grafana/dashboards/*.json
if [ "$status" -ne 0 ]; then
  head -n 20 "$out" >&2
  fail "the dashboards are not what Grafana's types say"
fi

# It sees what it is there to see.
sed 's/"displayMode": "basic"/"displayMode": "base"/' "$monitoring/grafana/dashboards/maru-run.json" >wrong.json
judged wrong.json
[ "$status" -ne 0 ] || fail "a display mode that does not exist is not found"
sed 's/"reduceOptions"/"reducedOptions"/' "$monitoring/grafana/dashboards/maru-run.json" >wrong.json
judged wrong.json
[ "$status" -ne 0 ] || fail "an option that does not exist is not found"
