#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Stands in for ssh in hosts.sh: enter-host.sh [OPTIONS] HOST COMMAND…, where HOST is a process in namespaces of its own,
# whose pid is in $MARU_E2E_HOSTS/HOST.pid.
set -euo pipefail
while [[ ${1-} == -* ]]; do shift; done
host=$1
shift
pid=$(cat "${MARU_E2E_HOSTS:?}/$host.pid")
# Like ssh, the words are joined and a shell there reads them again.
exec nsenter --target "$pid" --net --uts --mount -- sh -c "$*"
