# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of verdicts on the cluster in a box share.
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Four hosts share the cores of one machine, and so do their network and this test. Seen on two cores with compilers beside
# the box: rates of gemm up to 17 % below the median of the four, bandwidths within 10 %, nobody late by over 82 us. The
# defaults (5 %, 20 %, 100 us) are for hosts of their own; these are for the box, and every fault here is far beyond them.
limits=(--min-effect 30% --min-link-effect 50% --late 300us)

# measure DIR [OPTION…]: one rank on each host, by the plan of the box.
measure() {
  local out_dir=$1
  shift
  expect_box_exit 0 1 "${program:-$MARU}" run --plan "$box_source/box.toml" --out "$out_dir" "$@"
}

# expect_verdict CODE DIR [OPTION…]: leaves its JSON in DIR/verdict.json and its drain list in DIR/drain.
expect_verdict() {
  local code=$1 dir=$2
  shift 2
  expect_exit "$code" "$MARU" validate "$dir" "${limits[@]}" --format json --drain-list "$dir/drain" "$@"
  cp "$out" "$dir/verdict.json"
  # A person's form says the same.
  expect_exit "$code" "$MARU" validate "$dir" "${limits[@]}" "$@"
}

# states VERDICT: "h1 pass h2 fail …", for expect_states.
states() { json "$1" '" ".join(h["host"] + " " + h["state"] for h in r["hosts"])'; }
expect_states() {
  local found
  found=$(states "$1")
  [ "$found" = "$2" ] || fail "${1%/*}: $found instead of $2: $(json "$1" '[h["reason"] for h in r["hosts"]]')"
}
# expect_drained DIR HOST…: these, and no others.
expect_drained() {
  local dir=$1 found
  shift
  found=$(cut -f 1 "$dir/drain" | awk '{ print $1 }' | tr '\n' ' ')
  [ "$found" = "${*:+$* }" ] || fail "$dir: '$found' is to be drained instead of '$*'"
}
