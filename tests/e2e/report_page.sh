#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page of maru report in a browser: what it shows and does, and that it asks nothing of anybody. MARU_IMAGES=FOLDER
# leaves pictures there. Before that: the committed bundle is what its sources give.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
app=$source_dir/exporters/html/app

for program in node npm; do command -v "$program" >/dev/null || skip "$program is not installed"; done
"$source_dir/scripts/build-report" "$scratch/generated" >"$scratch/npm.log" 2>&1 ||
  skip "the page's packages cannot be had: $(tail -n 1 "$scratch/npm.log")"
for file in script.js style.css policy.txt; do
  cmp -s "$scratch/generated/$file" "$source_dir/exporters/html/generated/$file" ||
    fail "exporters/html/generated/$file is not what its sources give: run scripts/build-report and commit it"
done

browser=
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then browser=$name && break; fi
done
[ -n "$browser" ] || skip "no chromium is installed; the committed bundle is what its sources give"

cd "$scratch"
fleet() { python3 "$source_dir/tests/browser/make_fleet.py" "$@"; }
page() { expect_exit 0 "$MARU" report "$@"; }
fleet 8 4 1 >fleet.json
fleet 8 4 2 >later.json
fleet 5 2 1 '</script><img src=x onerror=alert(1)>' '"><svg onload=alert(2)>' $'\u202e&lt;b&gt;${alert(3)}' '<!--' >hostile.json
fleet 1000 1 >large.json
page fleet.json -o fleet.html
page fleet.json -o fleet-ko.html --lang ko
page hostile.json -o hostile.html
page fleet.json later.json -o compare.html
page fleet.json fleet.json -o same.html
page large.json -o large.html
expect_mpi_exit 0 2 "$MARU" run gemm memory all_reduce --set gemm.sizes=64,128 --set memory.sizes=1M -b 1K -e 64K -f 4 -n 20 -w 2 --out own
page own -o own.html

mkdir home
HOME=$scratch/home MARU_BROWSER=$(command -v "$browser") MARU_PAGE_PACKAGES=$app \
  timeout 200 node "$source_dir/tests/browser/check.js" "$scratch" ${MARU_IMAGES:+"$MARU_IMAGES"} || fail "the page does not do what it should"
