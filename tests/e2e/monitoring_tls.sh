#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# monitoring/nginx.conf, with other ports and folders: one TLS request, with a password, reaches the run.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/e2e/monitoring_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/monitoring_lib.sh"
PATH=$PATH:/usr/sbin
for program in nginx openssl curl python3; do command -v "$program" >/dev/null || skip "there is no $program"; done
cd "$scratch"
read -r port tls < <("${monitoring[@]}" ports 2)

sed -e "s|/run/|$scratch/|; s|/var/log/nginx/|$scratch/|; s|/var/lib/nginx/|$scratch/|; s|/etc/maru/|$scratch/|" \
  -e "s|listen 9443|listen 127.0.0.1:$tls|; s|127.0.0.1:9400|127.0.0.1:$port|" \
  "$repository/monitoring/nginx.conf" >nginx.conf
expect_exit 0 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.crt \
  -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost
if [ "$(id -u)" -eq 0 ]; then chmod 755 "$scratch"; fi # its workers are somebody else
expect_exit 0 nginx -t -q -e "$scratch/nginx.log" -c "$scratch/nginx.conf"
nginx -e "$scratch/nginx.log" -c "$scratch/nginx.conf" -g 'daemon off;' >nginx.out 2>&1 </dev/null &
background+=("$!")

printf 'secret\n' >password
"$MARU" run spin --set spin.durations=100ms -n 4 --out run --listen "127.0.0.1:$port" --auth-user prometheus \
  --auth-password-file password --linger 60s >maru.out 2>maru.err </dev/null &
run=$!
background+=("$run")
ask() { curl -s --noproxy '*' -m 5 --cacert tls.crt -o answer -w '%{http_code}' "$@" >code; }
ends() { ask -u prometheus:secret "https://localhost:$tls/metrics" && grep -q 'status="complete"} 1' answer; }
wait_until 60 ends || fail "TLS does not reach the run: $(cat code)"
wait "$run" || fail "the run ends with $?"

if ask --cacert /dev/null "https://localhost:$tls/metrics"; then fail "any certificate is believed"; fi
ask "https://localhost:$tls/anything"
[ "$(cat code)" = 404 ] || fail "more than /metrics is served"
ask "http://localhost:$tls/metrics"
[ "$(cat code)" = 400 ] || fail "it speaks without TLS"
