#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maru report from outside: one file that holds all it needs, no file of others' is lost to it, and what cannot be shown
# is refused in one line.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

expect_mpi_exit 0 2 "$MARU" run gemm memory links --set gemm.sizes=64 --set gemm.dtypes=f32 --set memory.sizes=1M --set links.size=64K -n 20 -w 2 --out run

# data PAGE EXPRESSION: it is true of the data that the page carries.
data() {
  python3 - "$1" "$2" <<'PY' || fail "$1: not true: $2"
import html.parser, json, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.inside, self.text, self.tags = False, "", []
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = dict(attributes).get("id") == "data"
        for name, _ in attributes:
            assert name not in ("src", "href") and not name.startswith("on"), f"<{tag} {name}>"
    def handle_data(self, text):
        if self.inside: self.text += text
    def handle_endtag(self, tag): self.inside = False
page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
assert page.tags.count("script") == 2 and "link" not in page.tags and "img" not in page.tags, page.tags
r = json.loads(page.text)
p = r["pages"]
sys.exit(not eval(sys.argv[2]))
PY
}

expect_exit 0 "$MARU" report run -o page.html
[ ! -s "$out" ] || fail "a page that goes to a file leaves standard output alone"
data page.html 'len(p) == 1 and r["lang"] == "en" and p[0]["run"]["ranks"] == 2'
data page.html 'any(f["name"] == "flops" for q in p[0]["questions"] for f in q["figures"])'
data page.html 'len(p[0]["links"]) == 2 and p[0]["links"][0]["nodes"] == 2'
data page.html 'any(q.get("expected", {}).get("source", "").startswith("cpu: ") for q in p[0]["questions"])'
grep -q 'Permission is hereby granted\|Permission to use, copy' page.html || fail "the libraries' licences are not in the page"
[ "$(stat -c %s page.html)" -lt 1000000 ] || fail "a small report makes a large page"

# Again, to standard output, in Korean, and of a run that left its journal only.
expect_exit 0 "$MARU" report run -o page.html
expect_exit 0 "$MARU" report run -o -
cmp -s "$out" page.html || fail "standard output has another page"
expect_exit 0 "$MARU" report run -o ko.html --lang ko
data ko.html 'r["lang"] == "ko"'
grep -q '<html lang="ko">' ko.html || fail "the page does not say that it is Korean"
mkdir journal && cp run/journal.jsonl journal/
expect_exit 0 "$MARU" report journal -o journal.html
data journal.html 'not p[0]["run"]["complete"] and len(p[0]["links"]) == 2'
expect_exit 0 "$MARU" report run run/report.json -o both.html
data both.html 'len(p) == 2 and r["comparison"]["differences"] and all(d["change"] != "worse" and d["ratio"] == 1 for d in r["comparison"]["differences"])'

# refused TEXT ARGUMENT…: one line, exit 2.
refused() {
  local text=$1
  shift
  expect_exit 2 "$MARU" report "$@"
  expect_one_line "$err"
  expect_match "$err" "$text"
  [ ! -s "$out" ] || fail "a refusal wrote to standard output"
}
refused 'nowhere' nowhere -o new.html
[ ! -e new.html ] || fail "a refusal left a file"
refused 'is there already and is no page of maru report' run -o run/report.json
expect_exit 0 "$MARU" show run
refused 'is a directory' run -o run
refused "did you mean 'ko'" run -o new.html --lang kr
refused 'one report, or two to compare' run run run -o new.html
refused 'out' run
python3 -c 'import json
r = json.load(open("run/report.json")); r["records"] = []; json.dump(r, open("empty.json", "w"))'
refused 'holds no records: there is nothing to show' empty.json -o new.html
touch unfinished.html
expect_exit 0 "$MARU" report run -o unfinished.html # an empty file is nobody's

# Where it cannot be written, that is said, and nothing is left behind.
expect_exit 3 "$MARU" report run -o nowhere/page.html
expect_one_line "$err"
