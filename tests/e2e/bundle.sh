#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bundle in an empty root: the C library, a shell and coreutils, and nothing else of this machine.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
cd "$scratch"

[ "$(id -u)" -eq 0 ] || skip "an empty root needs root"
for tool in patchelf zstd strip ompi_info; do
  type -P "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --mount --pid --fork chroot / true 2>/dev/null || skip "no namespaces or no chroot may be made here"
if ldd "$MARU" | grep -qE 'lib(a|t|ub)san'; then skip "a build with sanitizers is not what is bundled"; fi

expect_exit 0 "$project/scripts/bundle" --build "$(dirname "$(dirname "$MARU")")" --out "$scratch/out"
archive=$(echo out/maru-*.tar.zst)
[ -s "$archive" ] || fail "no archive was written"

# The root: what a program without libraries of its own needs, and the programs of the shell.
new=$scratch/root
mkdir -p "$new"/{bin,tmp,proc,sys,dev/shm,etc,srv}
for program in bash sh readlink dirname ls cat env; do
  cp "$(type -P "$program")" "$new/bin/"
  for library in $(ldd "$(type -P "$program")" | grep -oE '/[^ ]+'); do
    mkdir -p "$new${library%/*}"
    cp "$library" "$new$library"
  done
done
for library in $(ldd "$MARU" | grep -oE '/[^ ]*/(libc|libm|ld-linux[^/ ]*)\.so[^ ]*') \
  "$(dirname "$(ldd "$MARU" | grep -oE '/[^ ]*/libc\.so[^ ]*')")"/lib{dl,pthread,rt,util,resolv}.so.?; do
  mkdir -p "$new${library%/*}"
  cp "$library" "$new$library"
done
[ -z "$(find "$new" -name 'libstdc++*' -o -name 'libmpi*')" ] || fail "the root is not empty enough to show anything"
zstd -d -q -c "$archive" | tar -x -C "$new/srv"
mv "$new"/srv/maru-* "$new/srv/any place"
(cd "$new/srv/any place" && sha256sum --quiet -c SHA256SUMS) || fail "the checksums are wrong"
mv "$new/srv/any place" "$new/srv/here"
touch "$new/dev/null" "$new/dev/urandom"

# inside COMMAND: by the shell of the new root, with nothing of this environment.
cat >inside <<'SH'
#!/bin/sh
new=$1
mount -t proc proc "$new/proc" && mount -t tmpfs tmpfs "$new/dev/shm" || exit 99
mount --rbind /sys "$new/sys" || exit 99
for device in null urandom; do mount --bind "/dev/$device" "$new/dev/$device" || exit 99; done
exec env -i PATH=/bin OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 \
  "$(command -v chroot)" "$new" /bin/bash -c "$2"
SH
chmod +x inside
inside() { printf '%s\0' unshare --mount --pid --fork ./inside "$new" "$1"; }
# expect_inside CODE COMMAND
expect_inside() {
  local words
  mapfile -d '' -t words < <(inside "$2")
  CASE_SECONDS=200 expect_exit "$1" "${words[@]}"
}

expect_inside 0 'cd /srv/here && bin/maru list'
expect_inside 0 'cd /srv/here && bin/mpirun -q --oversubscribe -np 2 bin/maru run --plan quick --out /tmp/o'
expect_json root/tmp/o/report.json 'r["run"]["complete"] and len(r["ranks"]) == 2'
expect_json root/tmp/o/report.json 'len(r["records"]) > 3 and all(x["status"] in ("ok", "skipped") for x in r["records"])'
expect_json root/tmp/o/report.json 'any(x["probe"] == "collectives" and x["status"] == "ok" for x in r["records"])'

# From any other folder, under a name that has nothing to do with the first, and without mpirun.
mv "$new/srv/here" "$new/tmp/elsewhere"
expect_inside 0 '/tmp/elsewhere/bin/mpirun -q --oversubscribe -np 2 /tmp/elsewhere/bin/maru run spin --out /tmp/p'
expect_inside 0 'exec /tmp/elsewhere/bin/maru run spin --out /tmp/q'
# Open MPI's own words come out of its help files, which must be found as well.
mapfile -d '' -t words < <(inside '/tmp/elsewhere/bin/mpirun -np 2 /nowhere')
run_case "${words[@]}"
[ "$status" -ne 0 ] || fail "mpirun started a program that does not exist"
expect_match "$err" 'unable to launch the specified application'
