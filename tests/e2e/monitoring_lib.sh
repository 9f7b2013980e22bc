# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
# Servers of one's own on the loopback, in the test's folder, each ended by its pid. After lib.sh.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
export PYTHONDONTWRITEBYTECODE=1

need_servers() {
  local program
  for program in prometheus promtool prometheus-pushgateway prometheus-node-exporter curl python3; do
    command -v "$program" >/dev/null || skip "there is no $program"
  done
}

monitoring=(python3 "$here/monitoring.py")

# serve NAME READY-URL COMMAND…: in the background; $served is its pid.
serve() {
  local name=$1 url=$2
  shift 2
  "$@" >>"$name.log" 2>&1 </dev/null &
  served=$!
  background+=("$served")
  wait_until 60 curl -sf --noproxy '*' -o "$scratch/ready" "$url" || fail "$name does not answer"
}

# prometheus_at PORT FOLDER CONFIG
prometheus_at() {
  serve "prometheus-$1" "http://127.0.0.1:$1/-/ready" prometheus --config.file="$3" --storage.tsdb.path="$2" \
    --web.listen-address="127.0.0.1:$1" --web.enable-remote-write-receiver --storage.tsdb.retention.time=30d --log.level=warn
}

# backfill FILE FOLDER: what is in an OpenMetrics file becomes blocks of a folder that no server has open.
backfill() {
  mkdir -p "$2"
  promtool tsdb create-blocks-from openmetrics "$1" "$2" >>backfill.log 2>&1 || fail "cannot backfill $1"
}
