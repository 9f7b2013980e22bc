#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cluster/shell.sh [HOSTS [--rate RATE]]: a box of four hosts, or as many, and a prompt beside it. Leaving the prompt
# takes the box down. MARU and MARU_FAULTY are the release build's where they are not set.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$here/../.." && pwd)/build/release/bin
export MARU=${MARU:-$build/maru} MARU_FAULTY=${MARU_FAULTY:-$build/maru_faulty} MARU_BOX_SOURCE=$here
[ $# -gt 0 ] || set -- 4 --rate 1gbit
export MARU_BOX_WORDS="$*"
# shellcheck disable=SC2016 # for the shell in there to expand
exec bash --noprofile --rcfile <(printf '%s\n' '
  . "$MARU_BOX_SOURCE/lib.sh"
  trap - INT # ends a command here, not the box
  # shellcheck disable=SC2086
  box_up $MARU_BOX_WORDS
  fail() { printf "%s\n" "$*" >&2; return 1; }
  box_run() { local words; mapfile -d "" -t words < <(box_words "$@"); "${words[@]}" </dev/null; }
  PATH=${MARU%/*}:$PATH
  PS1="box \W\$ "
  printf "%s is up. box_run 1 maru run all_reduce -e 1M --out /tmp/one; box_slow_host h2 200mbit; box_heal; on h3 ip addr; exit\n" \
    "${box_hosts[*]}"') -i
