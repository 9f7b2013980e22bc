# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a box is made of, and how to take it away: sourced by lib.sh, and by the guard that cleans up behind a test which
# was killed. Processes are found by the network namespace they are in, never by name.

# box_pids NAMESPACE: of all processes in it, such as net:[4026532281].
box_pids() {
  find /proc/[0-9]*/ns/net -maxdepth 0 -lname "${1//[/\\[}" 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|' || true
}

# box_signal SIGNAL BOX/HOST [all]: to all processes of the host, but for those that hold it, until no more come to light.
box_signal() {
  local pid seen=' ' found=yes round namespace
  namespace=$(cat "$2.net")
  if [ "${3:-}" != all ] && [ -e "$2.keep" ]; then seen+="$(tr '\n' ' ' <"$2.keep")"; fi
  for ((round = 0; round < 50; ++round)); do
    [ -n "$found" ] || return 0
    found=
    for pid in $(box_pids "$namespace"); do
      if [[ $seen == *" $pid "* ]]; then continue; fi
      seen+="$pid "
      found=yes
      kill -"$1" "$pid" 2>/dev/null || true
    done
  done
  return 1
}

# box_remove BOX: processes, namespaces (which go with the last process in them) and control groups.
box_remove() {
  local file group round
  for file in "$1"/*.net; do
    if [ -e "$file" ]; then box_signal KILL "${file%.net}" all; fi
  done
  if [ -e "$1/groups" ]; then
    for group in $(tac "$1/groups"); do
      # Busy until the last of the processes is gone for good.
      for ((round = 0; round < 100; ++round)); do
        if [ ! -d "$group" ] || rmdir "$group" 2>/dev/null; then break; fi
        sleep 0.05
      done
    done
  fi
}
