#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Stands in for ssh in a box of lib.sh: agent.sh [OPTIONS] HOST COMMAND…, where $MARU_BOX/HOST.pid holds the namespaces and
# $MARU_BOX/HOST.groups names the control groups of the host, one a line.
set -euo pipefail
while [[ ${1-} == -* ]]; do shift; done
host=$1
shift
# First the control groups: what is started from now on counts as this host's, the daemon and its ranks included.
while IFS= read -r group; do echo $$ >"$group/cgroup.procs"; done <"${MARU_BOX:?}/$host.groups"
# Like ssh, the words are joined and a shell there reads them again.
namespaces=(--net --uts --mount --ipc)
if [ -e "$MARU_BOX/clocks" ]; then namespaces+=(--time); fi
TMPDIR=$MARU_BOX/tmp exec nsenter --target "$(cat "$MARU_BOX/$host.pid")" "${namespaces[@]}" -- sh -c "$*"
