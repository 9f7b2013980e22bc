#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The metrics of a real run in real servers: the same numbers by every way, data for every expression of every dashboard
# and rule, and every alert.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/monitoring_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/monitoring_lib.sh"
need_servers
cd "$scratch"

expect_exit 0 "$repository/scripts/generate-monitoring" --check "$MARU"
expect_exit 0 "$MARU" metrics --format json
cp "$out" table.json
expect_exit 0 "${monitoring[@]}" refuses table.json "$repository/scripts"
rules=$repository/monitoring/prometheus
expect_exit 0 promtool check config --syntax-only "$rules/prometheus.yml"
expect_exit 0 promtool check rules "$rules"/rules/*.yml
expect_exit 0 "${monitoring[@]}" tested "$rules"/rules/alerts.yml "$repository/docs/monitoring.md" "$rules"/tests/*.yml
expect_exit 0 promtool test rules "$rules"/tests/*.yml

read -r live replayed synthetic gateway node < <("${monitoring[@]}" ports 5)
mkdir -p targets text live
# What is recorded every minute is recorded every second here.
mkdir rules
for file in "$rules"/rules/*.yml; do sed 's/interval: "1m"/interval: "1s"/' "$file" >"rules/${file##*/}"; done
cat >live.yml <<YAML
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: maru
    honor_labels: true
    file_sd_configs: [{files: ["$scratch/targets/*.json"], refresh_interval: 1s}]
  - job_name: node
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:$node"]}]
  - job_name: pushgateway
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:$gateway"]}]
YAML
printf 'global: {evaluation_interval: 1s}\nrule_files: ["%s/rules/*.yml"]\n' "$scratch" >replayed.yml

prometheus_at "$live" live live.yml
serve gateway "http://127.0.0.1:$gateway/-/ready" prometheus-pushgateway \
  --web.listen-address="127.0.0.1:$gateway" --persistence.file="$scratch/gateway.data"
serve node "http://127.0.0.1:$node/" prometheus-node-exporter --web.listen-address="127.0.0.1:$node" \
  --collector.disable-defaults --collector.textfile --collector.textfile.directory="$scratch/text"

expect_mpi_exit 0 4 "$MARU" run --plan quick --budget 20s --out run --cluster 'a/b "c"' --listen 127.0.0.1:0 \
  --targets targets/maru.json --linger 15s --remote-write "http://127.0.0.1:$live/api/v1/write" \
  --pushgateway "http://127.0.0.1:$gateway" --textfile text --publish-every 1s
expect_match "$err" '^metrics: http://127\.0\.0\.1:[0-9]+/metrics$'
[ ! -e targets/maru.json ] || fail "the target is still there"
expect_exit 0 promtool check metrics <text/maru-"$(uname -n)".prom

# What is counted beforehand is no less than what the run then has.
series=$(grep -vc '^#' run/metrics.om)
expect_mpi_exit 2 4 "$MARU" run --plan quick --out refused --textfile text --max-series $((series - 1))
expect_match "$err" '^maru: the run would have up to [0-9]+ series, .*--max-series is'
[ ! -e refused ] || fail "a run that was refused has a folder"

backfill run/metrics.om replayed
prometheus_at "$replayed" replayed replayed.yml
expect_exit 0 "${monitoring[@]}" compare table.json run/metrics.om "http://127.0.0.1:$live" "http://127.0.0.1:$replayed"
cat "$out"
sed 's/^\(maru_run_ranks{.*}\) 4 /\1 5 /' run/metrics.om >altered.om
expect_exit 1 "${monitoring[@]}" compare table.json altered.om "http://127.0.0.1:$live" "http://127.0.0.1:$replayed"
grep -v '^maru_node_info' run/metrics.om >altered.om
expect_exit 1 "${monitoring[@]}" compare table.json altered.om "http://127.0.0.1:$live" "http://127.0.0.1:$replayed"
expect_exit 0 "${monitoring[@]}" expressions --of-a-host "http://127.0.0.1:$replayed" "$repository"/monitoring/grafana/dashboards/*.json
cat "$out"

# A fleet that has everything wrong with it: GPUs, steps of training, slow links, past runs.
expect_exit 0 "${monitoring[@]}" recent "$repository/tests/golden/sample.json" recent.json
expect_exit 0 "$MARU" show recent.json --format openmetrics
cp "$out" recent.om
expect_exit 0 "${monitoring[@]}" fleet table.json recent.om fleet.om
backfill fleet.om synthetic
prometheus_at "$synthetic" synthetic replayed.yml
expect_exit 0 "${monitoring[@]}" expressions "http://127.0.0.1:$synthetic" "$repository"/monitoring/grafana/dashboards/*.json
cat "$out"
expect_exit 0 "${monitoring[@]}" rules "http://127.0.0.1:$synthetic"
cat "$out"
