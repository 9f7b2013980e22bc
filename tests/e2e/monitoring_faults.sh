#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever happens to the ways out, the run completes, and says what did not arrive.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/monitoring_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/monitoring_lib.sh"
need_servers
cd "$scratch"

# A run of about SECONDS with a look at it at each second.
spin() {
  local words=() i
  for ((i = 0; i < $1; ++i)); do words+=("$((100 + i))ms"); done
  spun=("$MARU" run spin --set "spin.durations=$(IFS=,; printf '%s' "${words[*]}")" -n 8 --publish-every 500ms)
}
# start SECONDS OPTION…: in the background, $launched is its pid; its end is waited for by finish.
start() {
  local seconds=$1
  shift
  spin "$seconds"
  case_count=$((case_count + 1))
  out=$scratch/$case_count.out err=$scratch/$case_count.err
  "${spun[@]}" "$@" >"$out" 2>"$err" </dev/null &
  launched=$!
  background+=("$launched")
}
finish() {
  wait_until "$1" gone "$launched" || fail "the run does not end"
  status=0
  wait "$launched" || status=$?
  [ "$status" -eq 0 ] || fail "exit code $status"
}
listening() { grep -q '^metrics: http' "$err"; }
address() { sed -n 's|^metrics: \(http.*\)|\1|p' "$err"; }
# counted SINK COUNTER: what a textfile says of it.
counted() { sed -n "s/^maru_export_$2_total{.*sink=\"$1\"} //p" text/*.prom; }
scrape() { curl -sf --noproxy '*' -m 2 -o "$scratch/scraped" "$(address)"; }
hold() { # two connections that ask for nothing, and one that asks half a question
  python3 -c 'import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(3)]
held[2].sendall(b"GET /metr")
time.sleep(float(sys.argv[2]))' "$1" 60 &
  background+=("$!")
}
# Accepts whoever comes and never says a word; its port is in the file.
silence() {
  python3 -c 'import os, socket, sys
s = socket.create_server(("127.0.0.1", 0), backlog=64)
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
kept = []
while True: kept.append(s.accept())' "$1" &
  background+=("$!")
  wait_until 20 test -s "$1" || fail "nobody is silent"
}
mkdir text
read -r port < <("${monitoring[@]}" ports 1)
silence silent.port
silent=$(cat silent.port)

# Idle connections do not keep others from reading.
start 4 --out idle --listen 127.0.0.1:0 --linger 0
wait_until 20 listening || fail "it does not listen"
held=$(address)
held=${held%/metrics}
hold "${held##*:}"
sleep 1
scrape || fail "idle connections block the endpoint"
finish 60
expect_match scraped '^maru_run_status\{.*status="running"\} 1$'

# Its port is somebody else's.
start 1 --out taken --listen "127.0.0.1:$silent" --linger 1s
finish 60
expect_match "$err" "^metrics: pull: cannot listen on 127\.0\.0\.1:$silent"
expect_json taken/report.json 'r["run"]["complete"]'

# Who is sent to accepts and never answers.
for sink in remote-write pushgateway; do
  start 2 --out "silent-$sink" "--$sink" "http://127.0.0.1:$silent/" --textfile text
  finish 60
  expect_match "$err" "^metrics: ${sink/-/_}: .*(timed|time)"
  expect_match "$err" "^metrics: ${sink/-/_}: [1-9][0-9]* attempts failed, 0 samples arrived, [1-9][0-9]* were dropped"
  expect_json "silent-$sink/report.json" 'r["run"]["complete"]'
done

# Prometheus goes away and comes back.
mkdir data
printf 'global: {scrape_interval: 1s}\nscrape_configs:\n  - {job_name: maru, honor_labels: true, file_sd_configs: [{files: ["%s/*.target.json"], refresh_interval: 1s}]}\n' \
  "$scratch" >prometheus.yml
prometheus_at "$port" data prometheus.yml
start 12 --out restarted --remote-write "http://127.0.0.1:$port/api/v1/write" --textfile text
sleep 3
stop_process "$served"
wait_until 20 gone "$served" || fail "Prometheus does not end"
sleep 3
prometheus_at "$port" data prometheus.yml
finish 90
expect_match "$err" '^metrics: remote_write: [1-9][0-9]* attempts failed, [1-9][0-9]* samples arrived, 0 were dropped'
[ "$(counted remote_write failures)" -ge 1 ] || fail "maru_export_failures_total does not count it"
expect_exit 0 "${monitoring[@]}" arrived restarted/metrics.om "http://127.0.0.1:$port"

# A name that nobody should give.
start 6 --out named --cluster $'a\nb\xff' --listen 127.0.0.1:0 --targets named.target.json --linger 20s
finish 60
expect_exit 0 "${monitoring[@]}" arrived named/metrics.om "http://127.0.0.1:$port"
expect_exit 0 "${monitoring[@]}" was_up "http://127.0.0.1:$port"

# No room for the textfile.
mkdir full
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=4k,mode=755 tmpfs full 2>mount.log; then
  on_exit+=("umount '$scratch/full'")
  head -c 4096 /dev/zero >full/filler || true
  start 1 --out no-room --textfile full
  finish 60
  expect_match "$err" '^metrics: textfile: .*No space left'
  expect_json no-room/report.json 'r["run"]["complete"]'
  [ -z "$(find full -name '*.prom')" ] || fail "half a file is left"
else
  printf 'note: no small file system here: %s\n' "$(cat mount.log 2>/dev/null)"
fi

# More series than allowed are refused before anything is measured.
for way in "--listen 127.0.0.1:0" "--textfile text"; do
  # shellcheck disable=SC2086 # two words
  expect_exit 2 "$MARU" run spin --out many $way --max-series 10
  expect_one_line "$err"
  expect_match "$err" '^maru: the run would have up to [0-9]+ series, [0-9]+ of them maru_.*--max-series is 10'
done
